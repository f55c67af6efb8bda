// Package flinkoperator names the API group of FlinkCluster.
package flinkoperator

// GroupName is the API group. It ends in .k8s.io because the first FlinkCluster operators chose it so.
const GroupName = "flinkoperator.k8s.io"
