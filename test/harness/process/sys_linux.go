package process

import (
	"errors"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// clearDeathSignal makes attr that of a process which is to outlive us.
func clearDeathSignal(attr *syscall.SysProcAttr) { attr.Pdeathsig = 0 }

// reap waits for the end of the child, calls buryGroup while its ID still
// belongs to it, and reaps it.
func reap(cmd *exec.Cmd, buryGroup func()) error {
	for {
		err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	buryGroup()
	return cmd.Wait()
}
