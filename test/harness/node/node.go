package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/tlsplatform/tls-platform-operator/test/harness/process"
)

// Options say which node to stand in for.
type Options struct {
	// Name is the name of the Node object. The object itself, and its
	// heartbeat, are somebody else's.
	Name string
	// Config reaches the API server. The permissions of a kubelet suffice.
	Config *rest.Config
	// Server is the API server's URL that the pods get; empty means that of
	// Config.
	Server string
	// CAData is the certificate authority that the pods get; empty means that
	// of Config.
	CAData []byte
	// BinDir is where the programs of images lie.
	BinDir string
	// Images are those that this node runs.
	Images []Image
	// Dir is for volumes and kubeconfigs. It has to be the node's own; what
	// belongs to a pod is removed with the pod.
	Dir string
	// LogDir is for the containers' logs, which stay.
	LogDir string
	// PodCIDR is the range of the pods' virtual addresses, for example
	// "10.244.0.0/24".
	PodCIDR string
}

// Node is a running stand-in. Its methods may be called by several goroutines.
type Node struct {
	options   Options
	client    kubernetes.Interface
	log       logr.Logger
	images    map[string]Image
	cluster   map[string]string
	sources   *sources
	addresses *addresses

	cancel  context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	workers map[string]*worker // by namespace/name
	runs    map[runKey]*run
	routes  map[string]map[int]int // real port by pod address and container port
	logs    map[string]string
}

// runKey names a container.
type runKey struct {
	namespace, pod, container string
}

// Start begins to run the pods that are bound to the node, those already there
// included, and returns once it knows them. The context bounds the start only:
// the node lives until Stop.
func Start(ctx context.Context, o Options) (*Node, error) {
	n, err := build(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("starting the node %s: %w", o.Name, err)
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	n.cancel = cancel
	informer := n.watchPods(life)
	n.running.Go(func() { informer.RunWithContext(life) })
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		n.Stop()
		return nil, fmt.Errorf("starting the node %s: listing its pods: %w", o.Name, ctx.Err())
	}
	return n, nil
}

func build(ctx context.Context, o Options) (*Node, error) {
	if o.Name == "" || o.Config == nil || o.Dir == "" || o.LogDir == "" {
		return nil, errors.New("the options Name, Config, Dir and LogDir are needed")
	}
	if o.Server == "" {
		o.Server = o.Config.Host
	}
	if len(o.CAData) == 0 {
		o.CAData = o.Config.CAData
	}
	config := rest.CopyConfig(o.Config)
	config.QPS = -1 // a kubelet's worth of pods starts at once
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("creating a client: %w", err)
	}
	addresses, err := newAddresses(o.PodCIDR)
	if err != nil {
		return nil, err
	}
	cluster, err := clusterEnv(o.Server)
	if err != nil {
		return nil, err
	}
	n := &Node{
		options: o, client: client, log: klog.FromContext(ctx).WithName("node").WithValues("node", o.Name),
		images: map[string]Image{}, cluster: cluster, sources: newSources(client), addresses: addresses,
		workers: map[string]*worker{}, runs: map[runKey]*run{}, routes: map[string]map[int]int{}, logs: map[string]string{},
	}
	for _, image := range o.Images {
		n.images[image.Name] = image
	}
	return n, nil
}

func (n *Node) watchPods(life context.Context) cache.Controller {
	handle := func(object any) {
		if pod, ok := object.(*corev1.Pod); ok && ours(pod, n.images) {
			n.seen(life, pod)
		}
	}
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: cache.NewListWatchFromClient(n.client.CoreV1().RESTClient(), "pods", corev1.NamespaceAll,
			fields.OneTermEqualSelector("spec.nodeName", n.options.Name)),
		ObjectType: &corev1.Pod{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    handle,
			UpdateFunc: func(_, object any) { handle(object) },
			DeleteFunc: n.lost,
		},
	})
	return informer
}

// seen gives a pod to its worker. A pod that has replaced another of its name
// while nobody looked ends the other's.
func (n *Node) seen(life context.Context, pod *corev1.Pod) {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := pod.Namespace + "/" + pod.Name
	if w := n.workers[key]; w != nil {
		if w.uid == pod.UID {
			w.tell(pod)
			return
		}
		w.forget()
	}
	if life.Err() != nil {
		return
	}
	ip, err := n.addresses.take()
	if err != nil {
		n.log.Error(err, "A pod stays pending", "pod", key)
		return
	}
	w := newWorker(n, pod, ip)
	n.workers[key] = w
	n.running.Go(func() { w.run(life) })
}

func (n *Node) lost(object any) {
	key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object)
	if err != nil {
		n.log.Error(err, "Reading a deleted pod's name")
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if w := n.workers[key]; w != nil {
		w.forget()
		delete(n.workers, key)
	}
}

// Stop ends all pods' processes, gracefully within 5 s, and returns once they
// are gone. The pods' objects stay as they are. To stop twice is no error.
func (n *Node) Stop() {
	n.cancel()
	n.running.Wait()
}

// Route returns where the process that has this pod address and container port
// listens, as "host:port"; false when no process has.
func (n *Node) Route(host string, port int) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	actual, ok := n.routes[host][port]
	if !ok {
		return "", false
	}
	return net.JoinHostPort(loopback, strconv.Itoa(actual)), true
}

// Logs returns the log files of all containers that were ever started here, by
// "namespace/pod/container".
func (n *Node) Logs() map[string]string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.logs)
}

// Process returns the running process of the first pod, by name, whose name has
// the prefix; of several containers it takes the first by name, or the one that
// is named. It is false
// when none runs.
func (n *Node) Process(namespace, podNamePrefix, container string) (*process.Process, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	keys := slices.SortedFunc(maps.Keys(n.runs), func(a, b runKey) int {
		return strings.Compare(a.pod+"/"+a.container, b.pod+"/"+b.container)
	})
	for _, key := range keys {
		if key.namespace != namespace || !strings.HasPrefix(key.pod, podNamePrefix) || container != "" && key.container != container {
			continue
		}
		if p, ok := n.runs[key].proc.(*process.Process); ok {
			return p, true
		}
	}
	return nil, false
}

// enter makes a run known to Route and Process.
func (n *Node) enter(pod *corev1.Pod, container, ip string, r *run) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.runs[runKey{pod.Namespace, pod.Name, container}] = r
	if n.routes[ip] == nil {
		n.routes[ip] = map[int]int{}
	}
	maps.Copy(n.routes[ip], r.ports)
}

// leave takes a run out again, unless another of its name has come.
func (n *Node) leave(pod *corev1.Pod, container, ip string, r *run) {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := runKey{pod.Namespace, pod.Name, container}
	if n.runs[key] == r {
		delete(n.runs, key)
	}
	for port := range r.ports {
		delete(n.routes[ip], port)
	}
	if len(n.routes[ip]) == 0 {
		delete(n.routes, ip)
	}
}

func (n *Node) noteLog(pod *corev1.Pod, container, file string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.logs[pod.Namespace+"/"+pod.Name+"/"+container] = file
}
