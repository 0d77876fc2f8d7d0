package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// deathVariable makes the test binary a program that starts children in the
// folder named by runVariable and dies in the way named.
const (
	deathVariable = "PROCESS_TEST_DEATH"
	runVariable   = "PROCESS_TEST_RUN"
	keepVariable  = "PROCESS_TEST_KEEP"
)

func TestMain(m *testing.M) {
	if death := os.Getenv(deathVariable); death != "" {
		dieWithChildren(death, os.Getenv(runVariable), os.Getenv(keepVariable))
	}
	os.Exit(m.Run())
}

// dieWithChildren starts two process groups of two members each, one of which
// ignores every polite signal, and dies.
func dieWithChildren(death, run, keep string) {
	if err := RemoveOnDeath(run, keep); err != nil {
		panic(err)
	}
	for _, name := range []string{"a", "b"} {
		script := fmt.Sprintf(`trap '' TERM INT HUP; echo words of %[1]s
			(trap '' TERM INT HUP; while :; do sleep 1; done) & echo $! > child-%[1]s; echo $$ > leader-%[1]s; wait`, name)
		_, err := Start(context.Background(), Spec{
			Name: name, Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin"},
			Dir: run, LogFile: filepath.Join(run, "logs", name+".log"),
		})
		if err != nil {
			panic(err)
		}
	}
	signal.Reset()
	fmt.Println("started")
	_, _ = os.Stdin.Read(make([]byte, 1)) // until the test has seen the children
	switch death {
	case "panic":
		panic("as the test asked")
	case "exit":
		os.Exit(0)
	}
	select {} // a signal is on its way
}

func TestNothingOutlivesTheParent(t *testing.T) {
	tests := map[string]struct {
		death  string
		signal syscall.Signal
	}{
		"when the parent panics":              {death: "panic"},
		"when the parent forgets to clean up": {death: "exit"},
		"when the parent is killed":           {death: "signal", signal: syscall.SIGKILL},
		"when Ctrl-C ends the parent":         {death: "signal", signal: syscall.SIGINT},
		"when the terminal closes":            {death: "signal", signal: syscall.SIGHUP},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if tc.signal != 0 && signal.Ignored(tc.signal) {
				t.Skipf("%s is ignored here, as nohup and background jobs of a shell do, and children inherit that", tc.signal)
			}
			run := filepath.Join(t.TempDir(), "a run")
			keep := filepath.Join(t.TempDir(), "kept", "logs")
			if err := os.Mkdir(run, 0o755); err != nil {
				t.Fatal(err)
			}
			parent, begin := startParent(t, tc.death, run, keep)
			var pids []int
			for _, file := range []string{"child-a", "leader-a", "child-b", "leader-b"} {
				pids = append(pids, readPid(t, filepath.Join(run, file)))
			}
			for _, pid := range pids {
				if !alive(pid) {
					t.Fatalf("process %d has ended before its parent", pid)
				}
			}

			begin()
			if tc.signal != 0 {
				if err := parent.Process.Signal(tc.signal); err != nil {
					t.Fatal(err)
				}
			}
			_ = parent.Wait() // every death but one is a failure

			for _, pid := range pids {
				eventually(t, fmt.Sprintf("process %d is gone", pid), func() bool { return !alive(pid) })
			}
			eventually(t, "the run's folder is gone", func() bool {
				_, err := os.Stat(run)
				return os.IsNotExist(err)
			})
			for _, name := range []string{"a", "b"} {
				log, err := os.ReadFile(filepath.Join(keep, name+".log"))
				if err != nil || !strings.Contains(string(log), "words of "+name) {
					t.Errorf("kept log of %s: got %q, %v; want its words", name, log, err)
				}
			}
		})
	}
}

// startParent runs this test binary as the parent that will die, and returns
// once its children are started; begin lets it die.
func startParent(t *testing.T, death, run, keep string) (parent *exec.Cmd, begin func()) {
	t.Helper()
	parent = exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), deathVariable+"="+death, runVariable+"="+run, keepVariable+"="+keep)
	stdin, err := parent.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = parent.Process.Kill() })
	line := make([]byte, len("started\n"))
	if _, err := stdout.Read(line); err != nil || string(line) != "started\n" {
		t.Fatalf("the parent said %q, %v; want that it started", line, err)
	}
	return parent, func() {
		if err := stdin.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestForgottenFoldersStay(t *testing.T) {
	// The watchdog of this very test binary is asked, through a script of its
	// own, since its verdict falls only when the binary ends.
	root := t.TempDir()
	stay, go1, go2 := filepath.Join(root, "stay"), filepath.Join(root, "go 1"), filepath.Join(root, "go 2")
	for _, folder := range []string{stay, go1, go2} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	lines := []string{"folder\t" + go1 + "\t", "folder\t" + stay + "\t", "folder\t" + go2 + "\t", "forget\t" + stay, ""}
	_, err := Output(t.Context(), Spec{Name: "watchdog", Path: "/bin/sh", Args: []string{"-c", watchdogScript}}, strings.Join(lines, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 || left[0].Name() != "stay" {
		t.Errorf("left over: %v, want only the folder that was forgotten", left)
	}
}

func TestRemoveOnDeathRefusesUnsafePaths(t *testing.T) {
	for _, folder := range []string{"relative", "/with\ttab", "/with\nnewline"} {
		if err := RemoveOnDeath(folder, ""); err == nil {
			t.Errorf("folder %q was accepted", folder)
		}
	}
}
