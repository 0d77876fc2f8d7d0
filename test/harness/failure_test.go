package harness

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAStartThatFailsKeepsTheLogs(t *testing.T) {
	env := start(t)
	_, err := env.StartCluster(t.Context(), ClusterOptions{Name: "bad", APIServerArgs: []string{"--no-such-flag"}})
	if err == nil {
		t.Fatal("the cluster was started")
	}
	for _, want := range []string{"kube-apiserver of cluster bad", "unknown flag: --no-such-flag", "logs are kept in " + env.artifacts} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got error %q, want it to say %q", err, want)
		}
	}
	if err := env.Stop(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"etcd", "kube-apiserver"} {
		if _, err := os.Stat(filepath.Join(env.artifacts, "bad", name+".log")); err != nil {
			t.Errorf("log of %s: %v", name, err)
		}
	}
	if _, err := os.Stat(env.Dir()); !os.IsNotExist(err) {
		t.Errorf("the run's folder is left (%v)", err)
	}
}

func TestAComponentThatCrashesFailsTheStop(t *testing.T) {
	env := start(t)
	c := startCluster(t, env, ClusterOptions{Name: "crash"})
	p, ok := c.Process(scheduler)
	if !ok {
		t.Fatal("no scheduler runs")
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	<-c.life.Done()
	err := env.Stop()
	if err == nil || !strings.Contains(err.Error(), "kube-scheduler of cluster crash ended by itself") ||
		!strings.Contains(err.Error(), "logs are kept in "+env.artifacts) {
		t.Errorf("got error %v, want one that names the component and the logs", err)
	}
	if _, err := os.Stat(filepath.Join(env.artifacts, "crash", "kube-scheduler.log")); err != nil {
		t.Error(err)
	}
}

func TestAKilledRunLeavesOnlyItsLogs(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a control plane")
	}
	artifacts := filepath.Join(t.TempDir(), "artifacts")
	run := exec.Command(os.Args[0])
	run.Env = append(os.Environ(), roleVariable+"="+roleRun, "HARNESS_TEST_ARTIFACTS="+artifacts)
	run.Stderr = os.Stderr
	stdout, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Process.Kill() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(line)
	folder, pids := words[0], words[1:]
	if len(pids) != 5 {
		t.Fatalf("got processes %v, want five", pids)
	}
	if err := run.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = run.Wait() // it was killed

	gone := func() bool {
		for _, word := range pids {
			pid, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			if alive(pid) {
				return false
			}
		}
		_, err := os.Stat(folder)
		return os.IsNotExist(err)
	}
	// The ends of other programs' children can't be watched.
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !gone() {
		select {
		case <-deadline:
			t.Fatalf("after 30 s a process of %v or the folder %s is left", pids, folder)
		case <-tick.C:
		}
	}
	if _, err := os.Stat(filepath.Join(artifacts, runName, "kube-apiserver.log")); err != nil {
		t.Errorf("the log was not kept: %v", err)
	}
}
