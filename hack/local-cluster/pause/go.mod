// The pause program of the local cluster: a module of its own like its neighbours.
module github.com/flink-operator/flink-operator/hack/local-cluster/pause

go 1.26.0
