package harness

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/tlsplatform/tls-platform-operator/test/harness/process"
)

const (
	// bindAttempts is how often a component is started anew on other ports,
	// because another program took one of them first.
	bindAttempts = 5
	// healthInterval is that of asking a starting component for its health.
	healthInterval = 25 * time.Millisecond
	// stopGrace is how long a component gets to end before it is killed.
	stopGrace = 5 * time.Second
	// apiServerGrace is shorter: an API server waits for all watches to end,
	// and has nothing to lose, since etcd and the audit log have it all.
	apiServerGrace = time.Second
	// logLines is how much of a log an error quotes.
	logLines = 15
)

// component is one process of a control plane.
type component struct {
	name string
	// args returns the arguments for the ports, as many as ports says.
	args  func(ports []int) []string
	ports int
	// fixed, when set, are the ports to use: others know them already.
	fixed []int
	// health returns the URL that answers 200 once the component is of use;
	// nil when the component has none.
	health func(ports []int) string
}

// healthClient asks components on loopback, whose certificates are their own.
var healthClient = &http.Client{
	Timeout: 2 * time.Second,
	Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // loopback, and only 200 is read
		DisableKeepAlives: true,
	},
}

// run starts a component and returns once it is healthy, with its ports.
func (c *Cluster) run(ctx context.Context, comp component) ([]int, error) {
	for attempt := 1; ; attempt++ {
		ports := comp.fixed
		if ports == nil {
			var err error
			if ports, err = freePorts(comp.ports); err != nil {
				return nil, fmt.Errorf("starting %s of cluster %s: %w", comp.name, c.Name, err)
			}
		}
		p, err := process.Start(ctx, process.Spec{
			Name: comp.name, Path: filepath.Join(c.env.binDir, comp.name), Args: comp.args(ports),
			Env: c.environ(), Dir: c.dir, LogFile: c.logFile(comp.name),
		})
		if err != nil {
			return nil, fmt.Errorf("cluster %s: %w", c.Name, err)
		}
		err = waitHealthy(ctx, comp, ports, p)
		if err == nil {
			c.adopt(comp.name, p, ports)
			return ports, nil
		}
		lostPort := strings.Contains(p.Tail(logLines), "address already in use")
		err = errors.Join(err, p.Stop(0))
		if !lostPort || ctx.Err() != nil || attempt == bindAttempts {
			return nil, fmt.Errorf("starting %s of cluster %s: %w; its log %s ends:\n%s",
				comp.name, c.Name, err, p.LogFile(), p.Tail(logLines))
		}
	}
}

// waitHealthy returns nil once the component answers, and an error as soon as
// its process has ended. Health can't be watched, so it is asked for.
func waitHealthy(ctx context.Context, comp component, ports []int, p *process.Process) error {
	if comp.health == nil {
		return nil
	}
	url := comp.health(ports)
	tick := time.NewTicker(healthInterval)
	defer tick.Stop()
	var last error
	for {
		if last = askHealth(ctx, url); last == nil {
			return nil
		}
		select {
		case <-p.Done():
			return fmt.Errorf("it ended with exit code %d", p.ExitCode())
		case <-ctx.Done():
			return fmt.Errorf("it was not healthy in time: %w; last answer: %w", context.Cause(ctx), last)
		case <-tick.C:
		}
	}
}

func askHealth(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("making a request of %s: %w", url, err)
	}
	response, err := healthClient.Do(request)
	if err != nil {
		return err // names method and URL already
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}

// adopt makes p the cluster's process of that name, whose unasked-for end is
// the cluster's failure.
func (c *Cluster) adopt(name string, p *process.Process, ports []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.processes[name] = p
	c.usedPorts = append(c.usedPorts, ports...)
	go func() {
		<-p.Done()
		c.mu.Lock()
		asked := c.leaving[p]
		c.mu.Unlock()
		if !asked {
			c.fail(fmt.Errorf("%s of cluster %s ended by itself with exit code %d; its log ends:\n%s",
				name, c.Name, p.ExitCode(), p.Tail(logLines)))
		}
	}()
}

// halt stops the component of that name, if it runs, and kills it after grace.
func (c *Cluster) halt(name string, grace time.Duration) error {
	c.mu.Lock()
	p, ok := c.processes[name]
	if ok {
		delete(c.processes, name)
		c.leaving[p] = true
	}
	c.mu.Unlock()
	if !ok {
		return nil
	}
	return p.Stop(grace)
}
