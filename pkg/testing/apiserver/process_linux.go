package apiserver

import "syscall"

// endWithTest has the kernel end a program when the test's process is gone, as after a panic or a time-out of the test.
func endWithTest() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
