package node

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// searchPath is the PATH of all processes. They are static programs and hardly
// run others.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// launch is how a container is started on this machine.
type launch struct {
	args  []string
	env   []string
	dir   string
	ports map[int]int // container port to real port
}

// site is what a launch needs to know beside the container's specification.
type site struct {
	pod       *corev1.Pod
	objects   lookups
	cluster   map[string]string // variables that point to the API server
	podDir    string
	volumeDir func(name string) string
	writable  map[string]bool // volumes that start empty
	free      func() (int, error)
}

// plan works out how to start the container. The map of ports is returned also
// beside an error, since ports that were taken have to be given back.
func (s site) plan(c *corev1.Container, image Image) (launch, []mount, error) {
	vars, err := containerEnv(s.pod, c, s.cluster, s.objects)
	if err != nil {
		return launch{}, nil, err
	}
	where, err := mounts(c, s.volumeDir, vars)
	if err != nil {
		return launch{}, nil, err
	}
	if err := makeSubPaths(c, where, s.writable); err != nil {
		return launch{}, nil, err
	}
	args, err := arguments(c, image)
	if err != nil {
		return launch{}, nil, err
	}
	args = replaceAllPaths(expandAll(args, vars), where)
	for _, forced := range image.Flags {
		flag, value := splitFlag(forced)
		args = setFlag(args, flag, value)
	}
	args, moved, err := rewritePorts(args, image.Ports, s.free)
	if err != nil {
		return launch{ports: moved}, nil, configError("%v", err)
	}
	for name, value := range vars {
		vars[name] = replacePaths(value, where)
	}
	return launch{
		args: args, ports: moved, dir: s.podDir,
		env: environ(s.base(c, where), splitEnv(image.Env), vars),
	}, where, nil
}

// base is the part of the environment that an image and a runtime would give.
func (s site) base(c *corev1.Container, where []mount) map[string]string {
	env := map[string]string{"PATH": searchPath, "HOME": s.podDir, "HOSTNAME": s.pod.Name}
	if _, ok := account(where); ok {
		env["KUBECONFIG"] = s.kubeconfig(c)
	}
	for _, m := range where {
		if m.path == "/tmp" {
			env["TMPDIR"] = m.host
		}
	}
	return env
}

func (s site) kubeconfig(c *corev1.Container) string {
	return filepath.Join(s.podDir, "kubeconfig-"+c.Name)
}

// arguments returns what comes after the program's name.
func arguments(c *corev1.Container, image Image) ([]string, error) {
	if len(c.Command) == 0 {
		return slices.Clone(c.Args), nil
	}
	if !slices.Contains(image.Commands, c.Command[0]) && image.Programs[c.Command[0]] == "" {
		return nil, configError("this node doesn't know the command %q of image %q, only %q", c.Command[0], image.Name, image.Commands)
	}
	return slices.Concat(c.Command[1:], c.Args), nil
}

// clusterEnv returns the variables by which every container finds the API
// server.
func clusterEnv(server string) (map[string]string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, fmt.Errorf("reading the API server's address: %w", err)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("reading the API server's address %q: it is no URL with a host", server)
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	return map[string]string{
		"KUBERNETES_SERVICE_HOST":       u.Hostname(),
		"KUBERNETES_SERVICE_PORT":       port,
		"KUBERNETES_SERVICE_PORT_HTTPS": port,
	}, nil
}
