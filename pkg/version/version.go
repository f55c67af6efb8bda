// Package version says which build of the operator this is. It imports the standard library only.
package version

import (
	"fmt"
	"runtime"
)

// Version is set by the build: -ldflags "-X github.com/flink-operator/flink-operator/pkg/version.Version=v1.2.3".
var Version = "dev"

// UserAgent names this build in requests to the API server, with the part of the program that makes them. Each part
// has an agent of its own, so that the API server's log and metrics tell them apart.
func UserAgent(component string) string {
	agent := fmt.Sprintf("flink-operator/%s (%s/%s)", Version, runtime.GOOS, runtime.GOARCH)
	if component == "" {
		return agent
	}
	return agent + " " + component
}
