// Command pause is the first process of every pod: it holds the pod's namespaces, and does nothing.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	// With a shared process namespace, the orphans of the whole pod become children of this process.
	// While their end is ignored, the kernel removes them without being asked.
	signal.Ignore(syscall.SIGCHLD)
	<-stop
}
