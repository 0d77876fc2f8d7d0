package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// tailWindow is how much of the end of a log Tail looks at, in bytes.
const tailWindow = 64 << 10

// Spec says what to run.
type Spec struct {
	// Name is how errors speak of the process, for example "kube-apiserver".
	Name string
	// Path is the program's file.
	Path string
	// Args are the arguments after the program's name.
	Args []string
	// Env is the full environment; nothing is inherited.
	Env []string
	// Dir is the working folder; empty means the caller's.
	Dir string
	// LogFile receives standard output and standard error, appended. Its
	// folder is created. Empty discards them.
	LogFile string
	// Stderr, when set, receives standard error in place of LogFile.
	Stderr *os.File
}

// Process is a running, or ended, program.
type Process struct {
	spec Spec
	cmd  *exec.Cmd
	done chan struct{}
	err  error // of Wait; set before done is closed
}

// Start runs the program of s in a process group of its own. The context
// bounds the start only: a started process lives until it ends, Stop or Kill
// is called, or this program ends in any way.
func Start(ctx context.Context, s Spec) (*Process, error) {
	log, err := openLog(s)
	if err != nil {
		return nil, err
	}
	defer closeQuietly(log)

	cmd := command(s)
	if log != nil {
		cmd.Stdout, cmd.Stderr = log, log
	}
	if s.Stderr != nil {
		cmd.Stderr = s.Stderr
	}
	return start(ctx, s, cmd)
}

// Output runs the program of s to its end with stdin as its standard input,
// and returns its standard output. A failure's error carries the end of
// standard error. When ctx ends first, the program's whole group is killed.
func Output(ctx context.Context, s Spec, stdin string) (string, error) {
	cmd := command(s)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if s.Stderr != nil {
		cmd.Stderr = s.Stderr
	}
	p, err := start(ctx, s, cmd)
	if err != nil {
		return "", err
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		err := errors.Join(ctx.Err(), p.Kill())
		return stdout.String(), fmt.Errorf("running %s %s: %w", s.Name, strings.Join(s.Args, " "), err)
	}
	if p.err != nil {
		return stdout.String(), fmt.Errorf("running %s %s: %w: %s", s.Name, strings.Join(s.Args, " "), p.err,
			lastLines(strings.TrimSpace(stderr.String()), 20))
	}
	return stdout.String(), nil
}

// Stop asks the process to end by SIGTERM, and kills its whole group when
// it has not ended after grace. It returns once the process is gone. To stop a
// process that has ended is no error.
func (p *Process) Stop(grace time.Duration) error {
	if p.ended() {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return errors.Join(fmt.Errorf("sending SIGTERM to %s (pid %d): %w", p.spec.Name, p.Pid(), err), p.Kill())
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		return p.Kill()
	}
}

// Kill ends the process and its whole group at once by SIGKILL, as a crash
// would, and returns once the process is gone.
func (p *Process) Kill() error {
	if p.ended() {
		return nil
	}
	err := syscall.Kill(-p.Pid(), syscall.SIGKILL)
	if err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("killing the process group of %s (pid %d): %w", p.spec.Name, p.Pid(), err)
	}
	<-p.done
	return nil
}

// Done returns a channel that is closed when the process has ended and been
// reaped.
func (p *Process) Done() <-chan struct{} { return p.done }

// ExitCode returns the exit code, or -1 while the process runs and when a
// signal ended it.
func (p *Process) ExitCode() int {
	if !p.ended() {
		return -1
	}
	return p.cmd.ProcessState.ExitCode()
}

// Pid returns the process ID, which is also the ID of the process group.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Name returns the name given in the Spec.
func (p *Process) Name() string { return p.spec.Name }

// LogFile returns the path of the log, empty when there is none.
func (p *Process) LogFile() string { return p.spec.LogFile }

// Tail returns the last n lines of the log, empty when there is none. At most
// the last 64 KiB are considered.
func (p *Process) Tail(n int) string {
	if p.spec.LogFile == "" {
		return ""
	}
	f, err := os.Open(p.spec.LogFile)
	if err != nil {
		return ""
	}
	defer closeQuietly(f)
	if info, err := f.Stat(); err == nil && info.Size() > tailWindow {
		if _, err := f.Seek(-tailWindow, io.SeekEnd); err != nil {
			return ""
		}
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return ""
	}
	return lastLines(strings.TrimRight(string(text), "\n"), n)
}

func (p *Process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// start forks on the guarded thread, tells the watchdog, and watches over the
// end. The guard is begun first, so that there is no moment at which a child
// runs unwatched.
func start(ctx context.Context, s Spec, cmd *exec.Cmd) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", s.Name, err)
	}
	w, err := theWatchdog()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", s.Name, err)
	}
	if err := fork(cmd); err != nil {
		return nil, fmt.Errorf("starting %s (%s): %w", s.Name, s.Path, err)
	}
	w.addGroup(cmd.Process.Pid)
	p := &Process{spec: s, cmd: cmd, done: make(chan struct{})}
	go p.wait(w)
	return p, nil
}

// wait reaps the process. What is left of its group is killed, and the
// watchdog told, before the ID can belong to anything else.
func (p *Process) wait(w *watchdog) {
	pid := p.cmd.Process.Pid
	p.err = reap(p.cmd, func() {
		// ESRCH, the usual answer, means that nobody but the leader was in it.
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		w.removeGroup(pid)
	})
	close(p.done)
}

func command(s Spec) *exec.Cmd {
	env := s.Env
	if env == nil {
		env = []string{} // a nil Env would inherit ours
	}
	return &exec.Cmd{
		Path: s.Path, Args: append([]string{s.Path}, s.Args...), Env: env, Dir: s.Dir,
		SysProcAttr: sysProcAttr(),
	}
}

func openLog(s Spec) (*os.File, error) {
	if s.LogFile == "" {
		return nil, nil
	}
	if err := os.MkdirAll(filepath.Dir(s.LogFile), 0o755); err != nil {
		return nil, fmt.Errorf("creating the log folder of %s: %w", s.Name, err)
	}
	f, err := os.OpenFile(s.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", s.Name, err)
	}
	return f, nil
}

func lastLines(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// closeQuietly closes what was only read, or was handed on to a child.
func closeQuietly(f *os.File) {
	if f != nil {
		_ = f.Close()
	}
}
