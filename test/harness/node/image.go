package node

import (
	"context"
	"io"
	"path/filepath"
	"sort"

	corev1 "k8s.io/api/core/v1"
)

// Image says what runs in place of a container image.
type Image struct {
	// Name is the exact reference that pods carry, for example
	// "quay.io/jetstack/cert-manager-controller:v1.21.2".
	Name string
	// Binary is the program that stands for the image's entry point: an
	// absolute path, or a name in Options.BinDir.
	Binary string
	// Commands are the values of a container's command[0] that mean Binary,
	// for example "/manager". Any other command is refused.
	Commands []string
	// Programs are other programs of the image, by the command[0] that means them.
	Programs map[string]string
	// Ports are the flags by which the program is told where to listen.
	Ports []Port
	// Flags are set on the command line whatever the container says, for what
	// can't be had outside of a container. Form: "--name=value".
	Flags []string
	// Env is added to the environment, below the container's own variables.
	// Form: "NAME=value".
	Env []string
	// Builtin runs inside of this process instead of Binary.
	Builtin func(ctx context.Context, args BuiltinArgs) error
}

// Port says which flag carries a container port.
type Port struct {
	// Container is the port on which the program listens when the flag is not
	// given. 0 means that it then doesn't listen.
	Container int
	// Flag is the flag's name with its dashes, for example "--secure-port".
	Flag string
	// Form is the form of the flag's value.
	Form Form
}

// Form is the form in which a flag carries a port.
type Form int

const (
	// PortNumber is a plain number, such as "10250".
	PortNumber Form = iota
	// HostPort is an address, such as ":8080" or "0.0.0.0:8080".
	HostPort
)

// BuiltinArgs is what a Builtin gets in place of a process's arguments.
type BuiltinArgs struct {
	// Args are the container's command and arguments, with variables expanded
	// and mount paths replaced by folders of this machine.
	Args []string
	// Env is the environment, as "NAME=value".
	Env []string
	// Log receives the container's output.
	Log io.Writer
}

// In returns the images with their binaries in another folder than
// Options.BinDir, for a second version of the same programs. Binaries with an
// absolute path stay as they are.
func In(dir string, images []Image) []Image {
	moved := make([]Image, 0, len(images))
	for _, image := range images {
		if image.Binary != "" && !filepath.IsAbs(image.Binary) {
			image.Binary = filepath.Join(dir, image.Binary)
		}
		moved = append(moved, image)
	}
	return moved
}

// KnownImages returns the names of the images in order, which is what another
// stand-in has to leave alone.
func KnownImages(images []Image) []string {
	names := make([]string, 0, len(images))
	for _, image := range images {
		names = append(names, image.Name)
	}
	sort.Strings(names)
	return names
}

// path of the program that a command of the container means.
func (i Image) path(binDir string, command []string) string {
	binary := i.Binary
	if len(command) > 0 && i.Programs[command[0]] != "" {
		binary = i.Programs[command[0]]
	}
	if filepath.IsAbs(binary) {
		return binary
	}
	return filepath.Join(binDir, binary)
}

// ours says whether a pod is run here. The first container decides, so that a
// simulator beside can be told by one field which pods to leave alone.
func ours(pod *corev1.Pod, images map[string]Image) bool {
	if len(pod.Spec.Containers) == 0 {
		return false
	}
	_, known := images[pod.Spec.Containers[0].Image]
	return known
}
