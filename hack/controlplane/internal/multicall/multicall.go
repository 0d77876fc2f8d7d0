package multicall

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Resolve returns which of names is asked for by args, the whole command line,
// and the command line as that program should see it. The name of the file that
// was started decides; if that is not among names then the first argument does,
// so that "controlplane kubectl version" works without a symlink. The error says
// which names there are.
func Resolve(args, names []string) (string, []string, error) {
	for i := range min(len(args), 2) {
		if name := filepath.Base(args[i]); slices.Contains(names, name) {
			return name, append([]string{name}, args[i+1:]...), nil
		}
	}
	binary := "binary"
	if len(args) > 0 {
		binary = filepath.Base(args[0])
	}
	if len(args) > 1 {
		return "", nil, fmt.Errorf("%s has no program %q: start it under, or give as first argument, one of %s",
			binary, args[1], strings.Join(names, ", "))
	}
	return "", nil, fmt.Errorf("%s holds several programs: start it under, or give as first argument, one of %s",
		binary, strings.Join(names, ", "))
}
