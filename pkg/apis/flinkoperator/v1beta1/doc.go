// Package v1beta1 is the FlinkCluster API: types with their schema markers, names, defaults and validation.
//
// It may import apimachinery and k8s.io/api only, holds no state and does no input or output. Defaults and rules
// stand twice, in the schema (markers) and in Go (defaults.go, validation.go), because an object may be older than
// a rule; one table of tests is run against both.
//
// +k8s:deepcopy-gen=package
// +groupName=flinkoperator.k8s.io
// +kubebuilder:object:generate=true
package v1beta1
