package process

import "syscall"

// attributes make a child the leader of its own process group, and have the kernel kill it
// when its parent dies.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
