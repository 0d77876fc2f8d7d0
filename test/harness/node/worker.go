package node

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

const (
	// retryAfter is how soon a request to the API server that failed is made
	// again.
	retryAfter = 500 * time.Millisecond
	// idle is how long a worker rests when nothing is due. Whatever happens
	// wakes it earlier.
	idle = time.Hour
)

// worker keeps one pod: it compares what the pod asks for with what runs, does
// the next step, and writes the status. Everything that happens, a change of
// the pod, an end of a process, an answer to a probe, only wakes it.
type worker struct {
	node *Node
	uid  types.UID
	log  logr.Logger
	wake chan struct{}
	done chan struct{} // closed when nothing of the pod is left here

	mu   sync.Mutex
	next *corev1.Pod // the newest that the API server told of
	gone bool        // the pod is no longer there

	// What follows belongs to the worker's goroutine.
	base     *corev1.Pod
	dir      string
	ip       string
	tokens   *tokens
	refs     []sourceKey
	init     []*container
	main     []*container
	trouble  *waitingError // why no container can start
	retry    bool          // a request has to be made again
	released bool          // the API server was told to forget the pod
}

func newWorker(n *Node, pod *corev1.Pod, ip string) *worker {
	w := &worker{
		node: n, uid: pod.UID, wake: make(chan struct{}, 1), done: make(chan struct{}),
		log:  n.log.WithValues("pod", pod.Namespace+"/"+pod.Name),
		next: pod, base: pod, ip: ip, dir: filepath.Join(n.options.Dir, "pods", string(pod.UID)),
		tokens: newTokens(n.client), refs: references(pod),
	}
	for i := range pod.Spec.InitContainers {
		w.init = append(w.init, w.container(&pod.Spec.InitContainers[i], pod.Status.InitContainerStatuses, true))
	}
	for i := range pod.Spec.Containers {
		w.main = append(w.main, w.container(&pod.Spec.Containers[i], pod.Status.ContainerStatuses, false))
	}
	return w
}

// container carries the number of restarts on from a node of before.
func (w *worker) container(spec *corev1.Container, before []corev1.ContainerStatus, init bool) *container {
	c := &container{worker: w, spec: spec, init: init}
	for _, s := range before {
		if s.Name == spec.Name {
			c.restarts = s.RestartCount
		}
	}
	return c
}

// poke wakes the worker. It never blocks.
func (w *worker) poke() {
	select {
	case w.wake <- struct{}{}:
	default: // it has been woken and not looked yet
	}
}

// tell gives the worker a newer version of its pod.
func (w *worker) tell(pod *corev1.Pod) {
	w.mu.Lock()
	w.next = pod
	w.mu.Unlock()
	w.poke()
}

// forget tells the worker that its pod is no longer there.
func (w *worker) forget() {
	w.mu.Lock()
	w.gone = true
	w.mu.Unlock()
	w.poke()
}

// run keeps the pod until it is gone, or until ctx ends, which is the node's
// end.
func (w *worker) run(ctx context.Context) {
	defer close(w.done)
	defer w.clean()
	w.node.sources.watch(ctx, w, w.refs)
	for {
		if w.sync(ctx) {
			return
		}
		timer := time.NewTimer(w.rest(time.Now()))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-w.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// sync looks once and does what is to be done; true when the pod is gone.
func (w *worker) sync(ctx context.Context) (gone bool) {
	if w.refresh() {
		return true
	}
	w.retry = false
	now := time.Now()
	for _, c := range w.all() {
		c.observe(now)
	}
	switch {
	case w.released || ctx.Err() != nil:
	case w.base.DeletionTimestamp != nil:
		w.end(ctx)
	case terminal(w.base.Status.Phase):
	default:
		w.advance(ctx, now)
		w.publish(ctx, now)
	}
	return false
}

// refresh takes over the newest version of the pod, unless an answer to a write
// of ours was newer.
func (w *worker) refresh() (gone bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next != nil {
		if newer(w.next, w.base) {
			w.base = w.next
		}
		w.next = nil
	}
	return w.gone
}

func newer(a, b *corev1.Pod) bool {
	order, err := resourceversion.CompareResourceVersion(a.ResourceVersion, b.ResourceVersion)
	return err != nil || order > 0
}

// advance makes the next step towards running containers.
func (w *worker) advance(ctx context.Context, now time.Time) {
	if w.trouble = w.refuse(); w.trouble != nil {
		return
	}
	if err := w.volumes(ctx, now); err != nil {
		w.explain(err)
		if !w.begun() {
			return // a kubelet doesn't stop what runs when a volume fails later
		}
	}
	for _, c := range w.init {
		if c.succeeded() {
			continue
		}
		c.step(ctx, now)
		return
	}
	for _, c := range w.main {
		c.step(ctx, now)
	}
}

func (w *worker) explain(err error) {
	if wait := (*waitingError)(nil); errors.As(err, &wait) {
		w.trouble = wait
		return
	}
	w.retry = true
	w.trouble = &waitingError{reason: reasonCreating, message: bound(err.Error())}
}

// begun says whether a container has run already.
func (w *worker) begun() bool {
	for _, c := range w.all() {
		if c.run != nil || c.last != nil {
			return true
		}
	}
	return false
}

// end stops everything, tells how it ended, and lets the API server forget the
// pod. It is called until that is done.
func (w *worker) end(ctx context.Context) {
	seconds := w.base.DeletionGracePeriodSeconds
	if seconds == nil {
		seconds = w.base.Spec.TerminationGracePeriodSeconds
	}
	running := false
	for _, c := range w.all() {
		c.stop(grace(seconds))
		running = running || c.run != nil
	}
	w.publish(ctx, time.Now())
	if running || w.retry {
		return
	}
	var now int64
	err := w.node.client.CoreV1().Pods(w.base.Namespace).Delete(ctx, w.base.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &w.base.UID},
	})
	switch {
	case err == nil, apierrors.IsNotFound(err), apierrors.IsConflict(err):
		w.released = true
	default:
		w.complain(ctx, err, "Deleting a pod that has ended")
	}
}

// publish writes the status when it has changed.
func (w *worker) publish(ctx context.Context, now time.Time) {
	patch, err := statusPatch(w.base, w.status(now))
	if err != nil {
		w.log.Error(err, "Computing the status")
		return
	}
	if patch == nil {
		return
	}
	pod, err := w.node.client.CoreV1().Pods(w.base.Namespace).Patch(ctx, w.base.Name,
		types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	switch {
	case err == nil:
		w.base = pod
	case apierrors.IsNotFound(err), apierrors.IsConflict(err):
		// The pod is gone, or another has its name: the watch will tell.
	default:
		w.complain(ctx, err, "Writing the status of a pod")
	}
}

func (w *worker) complain(ctx context.Context, err error, what string) {
	w.retry = true
	if ctx.Err() == nil {
		w.log.Error(err, what)
	}
}

func (w *worker) status(now time.Time) corev1.PodStatus {
	f := facts{pod: w.base, ip: w.ip, hostIP: loopback, ending: w.base.DeletionTimestamp != nil, now: now}
	for _, c := range w.init {
		f.init = append(f.init, w.explained(c.status()))
	}
	for _, c := range w.main {
		f.containers = append(f.containers, w.explained(c.status()))
		if complaint := c.complaint(); complaint != "" {
			f.complaints = append(f.complaints, c.spec.Name+": "+complaint)
		}
	}
	return podStatus(f)
}

// explained adds the trouble of the whole pod to a container that has not run.
func (w *worker) explained(s corev1.ContainerStatus) corev1.ContainerStatus {
	if w.trouble != nil && s.State.Waiting != nil && s.LastTerminationState.Terminated == nil {
		s.State.Waiting.Reason, s.State.Waiting.Message = w.trouble.reason, w.trouble.message
	}
	return s
}

// rest returns how long nothing is due.
func (w *worker) rest(now time.Time) time.Duration {
	wait := idle
	if w.retry {
		wait = retryAfter
	}
	if renew, ok := w.tokens.next(); ok && w.base.DeletionTimestamp == nil && !terminal(w.base.Status.Phase) {
		wait = min(wait, max(renew.Sub(now), retryAfter))
	}
	for _, c := range w.all() {
		if c.run == nil && c.notBefore.After(now) {
			wait = min(wait, c.notBefore.Sub(now))
		}
	}
	return wait
}

func (w *worker) all() []*container {
	return append(w.init[:len(w.init):len(w.init)], w.main...)
}

// clean removes what is left of the pod on this machine.
func (w *worker) clean() {
	var wait sync.WaitGroup
	for _, c := range w.all() {
		if c.run == nil {
			continue
		}
		c.run.endProbe()
		wait.Go(func() {
			if err := c.run.proc.Stop(maxGrace); err != nil {
				w.log.Error(err, "Stopping a container", "container", c.spec.Name)
			}
		})
	}
	wait.Wait()
	for _, c := range w.all() {
		c.observe(time.Now())
	}
	w.node.sources.release(w, w.refs)
	w.node.addresses.release(w.ip)
	if err := os.RemoveAll(w.dir); err != nil {
		w.log.Error(err, "Removing the folder of a pod")
	}
}
