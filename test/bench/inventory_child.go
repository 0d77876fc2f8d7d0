package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	// childPatience bounds every wait for a child's word.
	childPatience = 10 * time.Minute
	// childGrace is how long a child gets to end before it is killed.
	childGrace = 20 * time.Second
)

// child is this program, run again as something that is measured.
type child struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan string   // closed at the end of its output
	gone  chan struct{} // closed when it has ended
	err   error         // of its end
	log   *os.File
}

// startChild starts this program as one of children. It ends with its standard
// input at the latest, thus with this process.
func startChild(ctx context.Context, logFile, kind string, arguments ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(logFile), 0o755); err != nil {
		return nil, fmt.Errorf("creating the folder of %s: %w", logFile, err)
	}
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", kind, err)
	}
	c := &child{
		cmd: exec.CommandContext(ctx, self, append([]string{kind}, arguments...)...), log: log,
		lines: make(chan string, 16), gone: make(chan struct{}),
	}
	c.cmd.Stderr = log
	c.cmd.WaitDelay = childGrace
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", kind, err), log.Close())
	}
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", kind, err), log.Close())
	}
	if err := c.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", kind, err), log.Close())
	}
	go c.follow(stdout)
	return c, nil
}

func (c *child) follow(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		c.lines <- lines.Text()
	}
	close(c.lines)
	c.err = errors.Join(lines.Err(), c.cmd.Wait(), c.log.Close())
	close(c.gone)
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// ask sends a command.
func (c *child) ask(command string) error {
	if _, err := io.WriteString(c.stdin, command+"\n"); err != nil {
		return fmt.Errorf("asking for %q: %w", command, err)
	}
	return nil
}

// await returns what follows a word at the start of a line. Other lines are
// passed over.
func (c *child) await(ctx context.Context, word string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, childPatience)
	defer cancel()
	for {
		select {
		case line, ok := <-c.lines:
			if !ok {
				return "", fmt.Errorf("waiting for %q: the child ended; its log ends:\n%s", word, c.tail())
			}
			if rest, ok := strings.CutPrefix(line, word+" "); ok {
				return rest, nil
			}
		case <-ctx.Done():
			return "", fmt.Errorf("waiting for %q: %w; the child's log ends:\n%s", word, context.Cause(ctx), c.tail())
		}
	}
}

// stop ends the child.
func (c *child) stop() error {
	closed := c.stdin.Close()
	if errors.Is(closed, os.ErrClosed) { // it ended by itself
		closed = nil
	}
	timer := time.AfterFunc(childGrace, func() { _ = c.cmd.Process.Kill() })
	defer timer.Stop()
	for range c.lines { // so that it does not block on its output
	}
	<-c.gone
	return errors.Join(closed, c.err)
}

// tail is the end of the log.
func (c *child) tail() string {
	const most = 2048
	text, err := os.ReadFile(c.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(text[max(len(text)-most, 0):])
}
