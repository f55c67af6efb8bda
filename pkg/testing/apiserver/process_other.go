//go:build !linux

package apiserver

import "syscall"

// endWithTest: other kernels cannot tie the life of a program to that of another.
func endWithTest() *syscall.SysProcAttr {
	return nil
}
