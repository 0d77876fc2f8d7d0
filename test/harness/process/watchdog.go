package process

import (
	_ "embed" // the watchdog's script
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

//go:embed watchdog.sh
var watchdogScript string

// watchdog is our end of the pipe to the shell that cleans up after us.
type watchdog struct {
	mu   sync.Mutex
	pipe io.Writer
}

// theWatchdog starts the watchdog when it is first needed. It needs no stop:
// it ends when this program does.
var theWatchdog = sync.OnceValues(startWatchdog)

func startWatchdog() (*watchdog, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("opening the watchdog's pipe: %w", err)
	}
	defer closeQuietly(r)
	attr := sysProcAttr()
	clearDeathSignal(attr)
	cmd := &exec.Cmd{
		Path: "/bin/sh", Args: []string{"process-watchdog", "-c", watchdogScript},
		Env: []string{"PATH=/usr/bin:/bin"}, Dir: "/", Stdin: r, SysProcAttr: attr,
	}
	if err := fork(cmd); err != nil {
		closeQuietly(w)
		return nil, fmt.Errorf("starting the watchdog (/bin/sh): %w", err)
	}
	go func() { _ = cmd.Wait() }() // it outlives us unless someone kills it
	return &watchdog{pipe: w}, nil
}

// RemoveOnDeath has folder removed if this program ends before ForgetFolder is
// called for it. When keepLogs is not empty, folder's subfolder "logs" is moved
// there first: whoever died that abruptly left a question.
func RemoveOnDeath(folder, keepLogs string) error {
	if strings.ContainsAny(folder+keepLogs, "\t\n") {
		return fmt.Errorf("guarding folder %q: its path, and that of the logs %q, may hold no tab or newline", folder, keepLogs)
	}
	if !filepath.IsAbs(folder) || keepLogs != "" && !filepath.IsAbs(keepLogs) {
		return fmt.Errorf("guarding folder %q: its path, and that of the logs %q, must be absolute", folder, keepLogs)
	}
	w, err := theWatchdog()
	if err != nil {
		return err
	}
	return w.send("folder", folder, keepLogs)
}

// ForgetFolder takes back RemoveOnDeath.
func ForgetFolder(folder string) error {
	w, err := theWatchdog()
	if err != nil {
		return err
	}
	return w.send("forget", folder)
}

// addGroup and removeGroup can only fail when someone killed the watchdog;
// the other guards still hold then, and the run itself is not worth failing.
func (w *watchdog) addGroup(pgid int)    { _ = w.send("group", fmt.Sprint(pgid)) }
func (w *watchdog) removeGroup(pgid int) { _ = w.send("gone", fmt.Sprint(pgid)) }

func (w *watchdog) send(words ...string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := io.WriteString(w.pipe, strings.Join(words, "\t")+"\n"); err != nil {
		return fmt.Errorf("telling the watchdog %q: %w", words, err)
	}
	return nil
}
