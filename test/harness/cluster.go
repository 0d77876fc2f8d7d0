package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tlsplatform/tls-platform-operator/test/harness/link"
	"github.com/tlsplatform/tls-platform-operator/test/harness/node"
	"github.com/tlsplatform/tls-platform-operator/test/harness/process"
)

// startTimeout bounds the start of a cluster, which takes seconds, on a machine
// that has much else to do.
const startTimeout = 3 * time.Minute

// clusterName is what fits into a folder's name, an object's and a file's.
var clusterName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$`)

// ClusterOptions are those of one cluster.
type ClusterOptions struct {
	// Name is unique in the run: at most 20 lower case letters, digits and
	// dashes.
	Name string
	// AuditPolicy, in YAML, replaces the harness's own, which records the
	// metadata of all but the control plane's own requests.
	AuditPolicy []byte
	// APIServerArgs are added to the API server's arguments.
	APIServerArgs []string
	// Images are those whose pods run as real processes; pods of any other
	// image are kwok's.
	Images []node.Image
	// Lean leaves out all but etcd and the API server: nothing runs, and no
	// controller acts. For clusters that only have to be an API.
	Lean bool
}

// Cluster is a running control plane with one node.
type Cluster struct {
	// Name is that of the options.
	Name string
	// Config is an administrator's, without a rate limit on the client's side.
	Config *rest.Config
	// Kubeconfig is the path of an administrator's kubeconfig.
	Kubeconfig string

	env      *Environment
	options  ClusterOptions
	dir      string
	pki      *pki
	egress   *egressProxy
	node     *node.Node
	etcdPort int
	apiPorts []int // one; kept over restarts

	mu        sync.Mutex
	processes map[string]*process.Process
	leaving   map[*process.Process]bool // those that were asked to stop
	usedPorts []int
	links     []*link.Link
	failure   error

	// life ends with the cluster, or with the first failure of a component, so
	// that nobody waits for what can't come.
	life context.Context //nolint:containedctx // it is the cluster's life, not a caller's
	fail context.CancelCauseFunc
	// started is closed when the start is over, however it went.
	started chan struct{}
	stop    func() error
}

// errStopped is the cause of a life that ended as asked.
var errStopped = errors.New("the cluster was stopped")

// StartCluster starts a cluster beside those that run already, and returns it
// when its API answers and, unless it is lean, its node is Ready, and namespaces
// get their default ServiceAccount. When it fails, what was started is stopped, the logs are
// kept, and the error says where.
func (e *Environment) StartCluster(ctx context.Context, o ClusterOptions) (*Cluster, error) {
	if !clusterName.MatchString(o.Name) {
		return nil, fmt.Errorf("cluster name %q: want %s", o.Name, clusterName)
	}
	c := newCluster(e, o)
	if err := e.register(c); err != nil {
		return nil, err
	}
	timed, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	bounded, release := c.bound(timed)
	defer release()
	err := c.start(bounded)
	close(c.started)
	switch {
	case err == nil:
		return c, nil
	case errors.Is(ctx.Err(), context.Canceled): // the caller's wish, such as a Ctrl-C: no riddle to keep logs for
		return nil, errors.Join(err, c.Stop())
	}
	e.MarkFailed()
	return nil, e.withLogs(errors.Join(err, c.Stop()))
}

func newCluster(e *Environment, o ClusterOptions) *Cluster {
	c := &Cluster{
		Name: o.Name, env: e, options: o, dir: filepath.Join(e.dir, o.Name),
		processes: map[string]*process.Process{}, leaving: map[*process.Process]bool{},
		started: make(chan struct{}),
	}
	life, end := context.WithCancelCause(context.Background())
	c.life = life
	c.fail = func(cause error) {
		if !errors.Is(cause, errStopped) {
			e.MarkFailed()
			c.mu.Lock()
			c.failure = errors.Join(c.failure, cause)
			c.mu.Unlock()
		}
		end(cause)
	}
	c.stop = sync.OnceValue(c.shutDown)
	return c
}

func (e *Environment) register(c *Cluster) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return fmt.Errorf("starting cluster %s: the run was stopped", c.Name)
	}
	if _, ok := e.clusters[c.Name]; ok {
		return fmt.Errorf("starting cluster %s: this run has one of that name already", c.Name)
	}
	e.clusters[c.Name] = c
	return nil
}

// bound returns a context that also ends when the cluster does.
func (c *Cluster) bound(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(c.life, func() { cancel(context.Cause(c.life)) })
	return ctx, func() {
		unhook()
		cancel(nil)
	}
}

func (c *Cluster) start(ctx context.Context) error {
	var err error
	if err = os.MkdirAll(c.dir, 0o755); err != nil {
		return fmt.Errorf("creating the folder of cluster %s: %w", c.Name, err)
	}
	if c.pki, err = newPKI(c.file("pki"), c.Name); err != nil {
		return err
	}
	if c.egress, err = startEgressProxy(filepath.Join(c.env.dir, c.Name+".sock")); err != nil {
		return fmt.Errorf("cluster %s: %w", c.Name, err)
	}
	stageFiles, err := c.writeConfiguration()
	if err != nil {
		return err
	}
	if err := c.startAPI(ctx); err != nil {
		return err
	}
	if c.options.Lean {
		return c.waitServing(ctx)
	}
	return c.startControllers(ctx, stageFiles)
}

// startAPI starts etcd and the API server, and makes the clients' side.
func (c *Cluster) startAPI(ctx context.Context) error {
	etcdPorts, err := c.run(ctx, c.etcd())
	if err != nil {
		return err
	}
	c.etcdPort = etcdPorts[0]
	if c.apiPorts, err = c.run(ctx, c.apiServer()); err != nil {
		return err
	}
	if err := c.writeKubeconfigs(); err != nil {
		return err
	}
	c.Kubeconfig = c.file("admin.kubeconfig")
	c.Config, err = LoadConfig(c.Kubeconfig)
	return err
}

// startControllers starts what makes the API's objects move, all at once.
func (c *Cluster) startControllers(ctx context.Context, stageFiles []string) error {
	starts := []func() error{
		func() error { return c.startComponent(ctx, c.controllerManager()) },
		func() error { return c.startComponent(ctx, c.scheduler()) },
		func() error { return c.startComponent(ctx, c.kwok(stageFiles)) },
		func() error { return c.startNode(ctx) },
	}
	errs := make([]error, len(starts))
	var wg sync.WaitGroup
	for i, start := range starts {
		wg.Go(func() { errs[i] = start() })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return c.waitUsable(ctx)
}

func (c *Cluster) startComponent(ctx context.Context, comp component) error {
	_, err := c.run(ctx, comp)
	return err
}

// Stop stops the cluster. Its error tells of components that ended by
// themselves, too. Stopping again does nothing and returns the same error.
func (c *Cluster) Stop() error { return c.stop() }

// shutDown stops first who uses the API, and the API server before etcd,
// without which it can hang.
func (c *Cluster) shutDown() error {
	c.fail(errStopped)
	<-c.started
	if c.node != nil {
		c.node.Stop()
	}
	users := []string{kwok, scheduler, controllerManager}
	halted := make([]error, len(users))
	var wg sync.WaitGroup
	for i, name := range users {
		wg.Go(func() { halted[i] = c.halt(name, stopGrace) })
	}
	wg.Wait()
	errs := []error{errors.Join(halted...)}
	errs = append(errs, c.halt(apiServer, apiServerGrace), c.halt(etcd, stopGrace))
	if c.egress != nil {
		errs = append(errs, c.egress.stop())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.links {
		errs = append(errs, l.Stop())
	}
	releasePorts(c.usedPorts)
	return errors.Join(append(errs, c.failure)...)
}

// StopAPIServer takes the API away, and leaves everything else running.
func (c *Cluster) StopAPIServer() error { return c.halt(apiServer, apiServerGrace) }

// StartAPIServer starts the API server, after StopAPIServer, at the address it
// had, and returns once it is ready.
func (c *Cluster) StartAPIServer(ctx context.Context) error {
	if _, ok := c.Process(apiServer); ok {
		return fmt.Errorf("starting the API server of cluster %s: it runs already", c.Name)
	}
	ctx, release := c.bound(ctx)
	defer release()
	return c.startComponent(ctx, c.apiServer())
}

// RestartAPIServer stops the API server, starts it at the same address, and
// returns once it is ready.
func (c *Cluster) RestartAPIServer(ctx context.Context) error {
	if err := c.StopAPIServer(); err != nil {
		return err
	}
	return c.StartAPIServer(ctx)
}

// Process returns a component's process by the name of its binary, for example
// "kube-apiserver"; false when it does not run.
func (c *Cluster) Process(name string) (*process.Process, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.processes[name]
	return p, ok
}

// Node returns the stand-in that runs the pods of known images.
func (c *Cluster) Node() *node.Node { return c.node }

// AuditLog returns the path of the API server's audit log: one JSON object a
// line, of audit.k8s.io/v1 Event.
func (c *Cluster) AuditLog() string { return filepath.Join(c.env.LogsDir(), c.Name, "audit.log") }

// Dir returns the cluster's folder. It goes with the run's.
func (c *Cluster) Dir() string { return c.dir }

// Kubectl runs kubectl as administrator with stdin as its standard input, and
// returns its standard output. Another --kubeconfig among args makes it act as
// that kubeconfig's user.
func (c *Cluster) Kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	out, err := process.Output(ctx, process.Spec{
		Name: "kubectl", Path: filepath.Join(c.env.binDir, "kubectl"), Args: args, Dir: c.dir,
		Env: append(c.environ(), "KUBECONFIG="+c.Kubeconfig),
	}, stdin)
	if err != nil {
		return out, fmt.Errorf("cluster %s: %w", c.Name, err)
	}
	return out, nil
}

// environ is the whole environment of the cluster's processes.
func (c *Cluster) environ() []string {
	return []string{"HOME=" + c.dir, "PATH=" + c.env.binDir + ":/usr/bin:/bin", "TMPDIR=" + c.dir}
}

func (c *Cluster) server() string { return "https://" + loopback(c.apiPorts[0]) }

func (c *Cluster) file(name string) string { return filepath.Join(c.dir, name) }

func (c *Cluster) logFile(name string) string {
	return filepath.Join(c.env.LogsDir(), c.Name, name+".log")
}

func certificateUser(pair keyPair) clientcmdapi.AuthInfo {
	return clientcmdapi.AuthInfo{ClientCertificateData: pair.cert, ClientKeyData: pair.key}
}
