package process

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shell returns the Spec of a shell script that logs to a file of the test.
func shell(t *testing.T, script string) Spec {
	t.Helper()
	return Spec{
		Name: "shell", Path: "/bin/sh", Args: []string{"-c", script},
		Env: []string{"PATH=/usr/bin:/bin"}, Dir: t.TempDir(), LogFile: filepath.Join(t.TempDir(), "logs", "shell.log"),
	}
}

func mustStart(t *testing.T, s Spec) *Process {
	t.Helper()
	p, err := Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Kill(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// eventually fails the test unless cond holds within 10 s. Other processes'
// ends can't be waited for, so they are looked at.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline:
			t.Fatalf("after 10 s still not so: %s", what)
		case <-tick.C:
		}
	}
}

// alive tells whether pid runs; a zombie does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

func readPid(t *testing.T, file string) int {
	t.Helper()
	var pid int
	eventually(t, "a pid in "+file, func() bool {
		text, err := os.ReadFile(file)
		if err != nil || !strings.HasSuffix(string(text), "\n") {
			return false
		}
		pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return err == nil
	})
	return pid
}

func TestProcessEndsByItself(t *testing.T) {
	p := mustStart(t, shell(t, `echo one; echo two >&2; echo "three $GREETING"; exit 7`))
	<-p.Done()
	if got := p.ExitCode(); got != 7 {
		t.Errorf("exit code: got %d, want 7", got)
	}
	if got, want := p.Tail(2), "two\nthree "; got != want {
		t.Errorf("last lines of the log: got %q, want %q", got, want)
	}
	if err := errors.Join(p.Stop(time.Second), p.Kill()); err != nil {
		t.Errorf("stopping what has ended: %v", err)
	}
}

func TestEnvironmentIsNotInherited(t *testing.T) {
	t.Setenv("INHERITED", "yes")
	s := shell(t, `echo "[$INHERITED][$GIVEN]"`)
	s.Env = append(s.Env, "GIVEN=x")
	out, err := Output(t.Context(), s, "")
	if err != nil {
		t.Fatal(err)
	}
	if want := "[][x]\n"; out != want {
		t.Errorf("got %q, want %q", out, want)
	}
}

func TestStop(t *testing.T) {
	tests := map[string]struct {
		script   string
		grace    time.Duration
		exitCode int
	}{
		"a process that heeds SIGTERM ends in its own way": {
			script: `trap 'echo bye; exit 3' TERM; echo $$ > child; while :; do sleep 0.01; done`, grace: 10 * time.Second, exitCode: 3,
		},
		"a process that ignores SIGTERM is killed after the grace": {
			script: `trap '' TERM; sleep 1000 & echo $! > child; wait`, grace: 50 * time.Millisecond, exitCode: -1,
		},
		"the children of a process go with it": {
			script: `trap 'exit 0' TERM; sleep 1000 & echo $! > child; wait`, grace: 10 * time.Second, exitCode: 0,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := shell(t, tc.script)
			p := mustStart(t, s)
			child := readPid(t, filepath.Join(s.Dir, "child"))
			if err := p.Stop(tc.grace); err != nil {
				t.Fatal(err)
			}
			if got := p.ExitCode(); got != tc.exitCode {
				t.Errorf("exit code: got %d, want %d; log: %s", got, tc.exitCode, p.Tail(5))
			}
			eventually(t, "the child is gone", func() bool { return !alive(child) })
		})
	}
}

func TestKillTakesTheWholeGroup(t *testing.T) {
	s := shell(t, `sleep 1000 & echo $! > child; wait`)
	p := mustStart(t, s)
	child := readPid(t, filepath.Join(s.Dir, "child"))
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if alive(p.Pid()) {
		t.Error("the process outlived Kill")
	}
	eventually(t, "the child is gone", func() bool { return !alive(child) })
}

func TestStartSaysWhatItCouldNotStart(t *testing.T) {
	_, err := Start(t.Context(), Spec{Name: "etcd", Path: "/does/not/exist"})
	if err == nil || !strings.Contains(err.Error(), "starting etcd (/does/not/exist)") {
		t.Errorf("got error %v, want one that names the program and its path", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ended, shell(t, "true")); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: got error %v, want context.Canceled", err)
	}
}

func TestOutput(t *testing.T) {
	out, err := Output(t.Context(), shell(t, `cat; echo no such thing >&2; exit 4`), "stdin\n")
	if out != "stdin\n" {
		t.Errorf("output: got %q, want what was given as standard input", out)
	}
	if err == nil || !strings.Contains(err.Error(), "exit status 4: no such thing") {
		t.Errorf("got error %v, want one with the exit status and standard error", err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Output(ctx, shell(t, `sleep 1000`), ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("past the deadline: got error %v, want context.DeadlineExceeded", err)
	}
}
