package node

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// loopback is where all processes listen and are reached.
const loopback = "127.0.0.1"

// setFlag replaces the value of a flag among args, or appends the flag. The
// forms "--flag=value", "--flag value" and "--flag" are understood; the result has the
// first. When a flag is given several times the last counts, so that one is
// replaced and the others are removed.
func setFlag(args []string, flag, value string) []string {
	out := make([]string, 0, len(args)+1)
	at := -1
	for i := 0; i < len(args); i++ {
		if _, width := flagValue(args, i, flag); width > 0 {
			i += width - 1
			if at < 0 {
				at = len(out)
				out = append(out, "")
			}
			continue
		}
		out = append(out, args[i])
	}
	if at < 0 {
		at = len(out)
		out = append(out, "")
	}
	out[at] = flag + "=" + value
	return out
}

// lastFlag returns the value that the program would see.
func lastFlag(args []string, flag string) (value string, given bool) {
	for i := 0; i < len(args); i++ {
		if v, width := flagValue(args, i, flag); width > 0 {
			value, given = v, true
			i += width - 1
		}
	}
	return value, given
}

// flagValue reads the flag at args[i]; width is how many arguments it takes, 0
// when something else is there.
func flagValue(args []string, i int, flag string) (value string, width int) {
	if v, ok := strings.CutPrefix(args[i], flag+"="); ok {
		return v, 1
	}
	switch {
	case args[i] != flag:
		return "", 0
	case i+1 < len(args) && !strings.HasPrefix(args[i+1], "-"):
		return args[i+1], 2
	default:
		return "true", 1 // a switch
	}
}

// rewritePorts moves each port that a flag carries to one from free, and
// returns the new arguments with the map from container port to real port. A
// flag that says "don't listen" is left alone.
func rewritePorts(args []string, ports []Port, free func() (int, error)) ([]string, map[int]int, error) {
	moved := map[int]int{}
	for _, port := range ports {
		container := port.Container
		if value, given := lastFlag(args, port.Flag); given {
			var err error
			if container, err = parsePort(value, port.Form); err != nil {
				return nil, moved, fmt.Errorf("reading the flag %s: %w", port.Flag, err)
			}
		}
		if container == 0 {
			continue
		}
		if _, twice := moved[container]; twice {
			return nil, moved, fmt.Errorf("port %d of the flag %s is carried by another flag too", container, port.Flag)
		}
		actual, err := free()
		if err != nil {
			return nil, moved, fmt.Errorf("finding a port for the flag %s: %w", port.Flag, err)
		}
		moved[container] = actual
		value := strconv.Itoa(actual)
		if port.Form == HostPort {
			value = net.JoinHostPort(loopback, value)
		}
		args = setFlag(args, port.Flag, value)
	}
	return args, moved, nil
}

// parsePort returns the port in a flag's value, 0 when it switches listening
// off.
func parsePort(value string, form Form) (int, error) {
	number := value
	if form == HostPort && value != "" && value != "0" {
		_, port, err := net.SplitHostPort(value)
		if err != nil {
			return 0, fmt.Errorf("%q is no address: %w", value, err)
		}
		number = port
	}
	if number == "" {
		return 0, nil
	}
	port, err := strconv.Atoi(number)
	if err != nil || port < 0 || port > 65535 {
		return 0, fmt.Errorf("%q is no port", number)
	}
	return port, nil
}

// mount is a folder or file of this machine at a path of the container.
type mount struct {
	path string
	host string
}

// sortMounts puts the deepest first, so that the longest path wins.
func sortMounts(mounts []mount) {
	slices.SortFunc(mounts, func(a, b mount) int {
		if d := len(b.path) - len(a.path); d != 0 {
			return d
		}
		return strings.Compare(a.path, b.path)
	})
}

// replacePaths replaces the mount paths in a text, where they stand as whole
// paths or as the beginning of one. Mounts are in the order of sortMounts.
func replacePaths(text string, mounts []mount) string {
	var out strings.Builder
	for i := 0; i < len(text); {
		m := mountAt(text, i, mounts)
		if m == nil {
			out.WriteByte(text[i])
			i++
			continue
		}
		out.WriteString(m.host)
		i += len(m.path)
	}
	return out.String()
}

func mountAt(text string, i int, mounts []mount) *mount {
	if text[i] != '/' || i > 0 && !strings.ContainsRune("=,:;\"' \t\n", rune(text[i-1])) {
		return nil
	}
	for k, m := range mounts {
		rest, ok := strings.CutPrefix(text[i:], m.path)
		if ok && (rest == "" || strings.ContainsRune("/,:;\"' \t\n", rune(rest[0]))) {
			return &mounts[k]
		}
	}
	return nil
}

func replaceAllPaths(texts []string, mounts []mount) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = replacePaths(text, mounts)
	}
	return out
}

// splitFlag splits "--name=value"; a flag without a value means "true".
func splitFlag(flag string) (name, value string) {
	name, value, found := strings.Cut(flag, "=")
	if !found {
		value = "true"
	}
	return name, value
}
