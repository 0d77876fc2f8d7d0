//go:build unix && !linux

package process

import (
	"os/exec"
	"syscall"
)

// sysProcAttr has no death signal to set here: the watchdog alone answers for
// the abrupt ends.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// clearDeathSignal has nothing to clear here.
func clearDeathSignal(*syscall.SysProcAttr) {}

// reap waits for the end of the child and then calls buryGroup; there is no
// portable way to wait without reaping.
func reap(cmd *exec.Cmd, buryGroup func()) error {
	err := cmd.Wait()
	buryGroup()
	return err
}
