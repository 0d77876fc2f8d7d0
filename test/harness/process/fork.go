package process

import (
	"os/exec"
	"runtime"
	"sync"
)

type forkRequest struct {
	cmd  *exec.Cmd
	done chan<- error
}

// forkRequests returns the channel of the one goroutine that forks. It never
// unlocks its thread and never returns: if the thread ended, the kernel would
// take that for the parent's death and kill every child.
var forkRequests = sync.OnceValue(func() chan<- forkRequest {
	requests := make(chan forkRequest)
	go func() {
		runtime.LockOSThread()
		for r := range requests {
			r.done <- r.cmd.Start()
		}
	}()
	return requests
})

func fork(cmd *exec.Cmd) error {
	done := make(chan error, 1)
	forkRequests() <- forkRequest{cmd: cmd, done: done}
	return <-done
}
