package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/tlsplatform/tls-platform-operator/test/harness/process"
)

// maxMessage bounds what a status takes from a log, in bytes.
const maxMessage = 1024

// The exit codes of a process that a signal ended, as a shell counts them.
const (
	exitKilled     = 137
	exitTerminated = 143
)

// container is one container of a pod through all its runs. Only the pod's
// worker uses it.
type container struct {
	worker *worker
	spec   *corev1.Container
	init   bool

	run       *run // nil while no process is there
	last      *corev1.ContainerStateTerminated
	waiting   *waitingError
	restarts  int32
	failures  int // ends in a row
	notBefore time.Time
}

// run is one life of a container.
type run struct {
	proc     runner
	id       string
	ports    map[int]int
	started  time.Time
	health   *health
	endProbe context.CancelFunc
	stopping bool
}

// logFile returns where all runs of the container write.
func (c *container) logFile() string {
	pod := c.worker.base
	return filepath.Join(c.worker.node.options.LogDir, fmt.Sprintf("%s_%s_%s.log", pod.Namespace, pod.Name, c.spec.Name))
}

// step starts the container when it is due.
func (c *container) step(ctx context.Context, now time.Time) {
	if c.run != nil || c.finished() || now.Before(c.notBefore) {
		return
	}
	err := c.start(ctx, now)
	var wait *waitingError
	switch {
	case err == nil:
		c.waiting = nil
	case errors.As(err, &wait):
		c.waiting = wait
	default:
		c.failures++
		c.notBefore = now.Add(backOff(c.failures))
		c.waiting = &waitingError{reason: reasonRun, message: bound(err.Error())}
	}
}

// finished says whether the container has ended for good.
func (c *container) finished() bool {
	return c.run == nil && c.last != nil && !restarts(c.worker.base.Spec.RestartPolicy, c.init, int(c.last.ExitCode))
}

// succeeded says whether the container has ended for good and well.
func (c *container) succeeded() bool { return c.finished() && c.last.ExitCode == 0 }

// restarts says whether a container that ended so is started again.
func restarts(policy corev1.RestartPolicy, init bool, exitCode int) bool {
	switch policy {
	case corev1.RestartPolicyNever:
		return false
	case corev1.RestartPolicyOnFailure:
		return exitCode != 0
	case corev1.RestartPolicyAlways:
		return !init || exitCode != 0
	default:
		return true
	}
}

func (c *container) start(ctx context.Context, now time.Time) error {
	w := c.worker
	image, known := w.node.images[c.spec.Image]
	if !known {
		return &waitingError{reason: reasonImage, message: fmt.Sprintf("this node has no program for image %q", c.spec.Image)}
	}
	site := w.site()
	plan, where, err := site.plan(c.spec, image)
	if err != nil {
		giveBack(plan.ports)
		return err
	}
	if dir, ok := account(where); ok {
		o := w.node.options
		if err := writeKubeconfig(site.kubeconfig(c.spec), o.Server, o.CAData, dir, w.base.Namespace); err != nil {
			giveBack(plan.ports)
			return err
		}
	}
	proc, id, err := c.launch(ctx, image, plan)
	if err != nil {
		giveBack(plan.ports)
		return err
	}
	probing, endProbe := context.WithCancel(ctx)
	c.run = &run{proc: proc, id: id, ports: plan.ports, started: now, endProbe: endProbe}
	c.run.health = startProbes(probing, c.spec, plan.ports, w.poke)
	if c.last != nil {
		c.restarts++
	}
	w.node.enter(w.base, c.spec.Name, w.ip, c.run)
	go func() {
		<-proc.Done()
		w.poke()
	}()
	return nil
}

func (c *container) launch(ctx context.Context, image Image, plan launch) (runner, string, error) {
	w := c.worker
	w.node.noteLog(w.base, c.spec.Name, c.logFile())
	if image.Builtin != nil {
		b, err := startBuiltin(ctx, image.Builtin, BuiltinArgs{Args: plan.args, Env: plan.env}, c.logFile())
		if err != nil {
			return nil, "", err
		}
		return b, "builtin://" + string(w.base.UID) + "/" + c.spec.Name, nil
	}
	p, err := process.Start(ctx, process.Spec{
		Name: w.base.Namespace + "/" + w.base.Name + "/" + c.spec.Name,
		Path: image.path(w.node.options.BinDir, c.spec.Command), Args: plan.args, Env: plan.env, Dir: plan.dir, LogFile: c.logFile(),
	})
	if err != nil {
		return nil, "", err
	}
	return p, "process://" + strconv.Itoa(p.Pid()), nil
}

// observe takes note of an end, and of a probe that asks for one.
func (c *container) observe(now time.Time) {
	if c.run == nil {
		return
	}
	select {
	case <-c.run.proc.Done():
		c.ended(now)
		return
	default:
	}
	if _, _, _, dead := c.run.health.snapshot(); dead != "" {
		c.stop(grace(c.worker.base.Spec.TerminationGracePeriodSeconds))
	}
}

// stop asks the process to end, and returns at once.
func (c *container) stop(grace time.Duration) {
	if c.run == nil || c.run.stopping {
		return
	}
	c.run.stopping = true
	c.run.endProbe()
	proc, log := c.run.proc, c.worker.log
	go func() {
		if err := proc.Stop(grace); err != nil {
			log.Error(err, "Stopping a container", "container", c.spec.Name)
		}
	}()
}

// ended records how a run ended, and when the next may begin.
func (c *container) ended(now time.Time) {
	r := c.run
	c.run = nil
	r.endProbe()
	c.worker.node.leave(c.worker.base, c.spec.Name, c.worker.ip, r)
	giveBack(r.ports)

	code := r.proc.ExitCode()
	if code < 0 {
		code = exitKilled
		if r.stopping {
			code = exitTerminated
		}
	}
	reason, message := reasonCompleted, ""
	if code != 0 {
		reason, message = reasonError, bound(r.proc.Tail(1))
	}
	if _, _, _, dead := r.health.snapshot(); dead != "" {
		message = bound(dead + "; " + message)
	}
	c.last = &corev1.ContainerStateTerminated{
		ExitCode: int32(code), Reason: reason, Message: message,
		StartedAt: metav1.NewTime(r.started), FinishedAt: metav1.NewTime(now), ContainerID: r.id,
	}
	if now.Sub(r.started) >= healthyAfter {
		c.failures = 0
	}
	c.failures++
	c.waiting = nil
	if !c.finished() && c.worker.base.DeletionTimestamp == nil {
		wait := backOff(c.failures)
		c.notBefore = now.Add(wait)
		c.waiting = &waitingError{reason: reasonBackOff, message: fmt.Sprintf("back-off %s restarting failed container %s: exit code %d: %s",
			wait, c.spec.Name, code, message)}
	}
}

// status returns what is told of the container.
func (c *container) status() corev1.ContainerStatus {
	s := corev1.ContainerStatus{
		Name: c.spec.Name, Image: c.spec.Image, ImageID: c.spec.Image, RestartCount: c.restarts, Started: ptr.To(false),
	}
	switch {
	case c.run != nil:
		started, ready, _, _ := c.run.health.snapshot()
		s.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(c.run.started)}
		s.ContainerID, s.Started = c.run.id, &started
		s.Ready = ready && !c.init && !c.run.stopping
	case c.waiting != nil:
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: c.waiting.reason, Message: c.waiting.message}
	case c.last != nil:
		s.State.Terminated = c.last
		s.ContainerID = c.last.ContainerID
		s.Ready = c.init && c.last.ExitCode == 0
	default:
		reason := reasonCreating
		if !c.init && len(c.worker.init) > 0 {
			reason = reasonInit
		}
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: reason}
	}
	if s.State.Terminated == nil && c.last != nil {
		s.LastTerminationState.Terminated = c.last
	}
	return s
}

// complaint returns why a running container is not ready.
func (c *container) complaint() string {
	if c.run == nil {
		return ""
	}
	_, _, failing, _ := c.run.health.snapshot()
	return failing
}

// bound makes a line of a log fit for a status.
func bound(text string) string {
	text = strings.ToValidUTF8(strings.TrimSpace(text), "?")
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "..."
	}
	return text
}

func giveBack(taken map[int]int) {
	for _, port := range taken {
		ports.release(port)
	}
}
