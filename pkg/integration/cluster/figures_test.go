//go:build cluster

package cluster

func printFigures() {}
