package node

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The names that a kubelet uses inside a volume. Programs such as file watchers
// know them.
const (
	currentLink = "..data"
	nextLink    = "..data_tmp"
)

// publish makes the folder hold exactly the payload. Programs that read while
// it happens see the old files or the new ones and never a mixture: the files
// are written to a new folder, and one rename of a symbolic link switches over.
// An unchanged payload touches nothing.
func publish(dir string, p payload) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("creating the volume's folder: %w", err)
	}
	if holds(dir, p) {
		return linkNames(dir, p) // in case that a former call got no further
	}
	old, err := os.Readlink(filepath.Join(dir, currentLink))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("reading the volume's current version: %w", err)
	}
	version, err := os.MkdirTemp(dir, "..version_")
	if err != nil {
		return fmt.Errorf("creating the volume's next version: %w", err)
	}
	if err := p.write(version); err != nil {
		return err
	}
	if err := replaceLink(filepath.Base(version), filepath.Join(dir, nextLink), filepath.Join(dir, currentLink)); err != nil {
		return err
	}
	if err := linkNames(dir, p); err != nil {
		return err
	}
	if old == "" {
		return nil
	}
	if err := os.RemoveAll(filepath.Join(dir, old)); err != nil {
		return fmt.Errorf("removing the volume's old version: %w", err)
	}
	return nil
}

// holds says whether the folder has the payload already. Modes follow from the
// pod's specification, which doesn't change.
func holds(dir string, p payload) bool {
	current := filepath.Join(dir, currentLink)
	count := 0
	err := filepath.WalkDir(current+string(filepath.Separator), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(current, path)
		if err != nil {
			return err
		}
		count++
		data, err := os.ReadFile(path)
		if want, ok := p[name]; err != nil || !ok || !bytes.Equal(want.data, data) {
			return errors.Join(errors.New("differs"), err)
		}
		return nil
	})
	return err == nil && count == len(p)
}

func (p payload) write(dir string) error {
	for name, f := range p {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("creating the folder of %s: %w", name, err)
		}
		// The owner can always read: everything runs as one user here.
		if err := os.WriteFile(path, f.data, f.mode|0o400); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return nil
}

// linkNames gives each top-level name of the payload a link through the current
// version, and removes the links of names that are gone.
func linkNames(dir string, p payload) error {
	wanted := map[string]bool{}
	for name := range p {
		top, _, _ := strings.Cut(name, string(filepath.Separator))
		wanted[top] = true
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("reading the volume's folder: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, "..") || wanted[name] {
			delete(wanted, name)
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("removing %s, which the volume no longer has: %w", name, err)
		}
	}
	for name := range wanted {
		if err := os.Symlink(filepath.Join(currentLink, name), filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("linking %s: %w", name, err)
		}
	}
	return nil
}

func replaceLink(target, next, link string) error {
	if err := os.Remove(next); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing an unfinished link: %w", err)
	}
	if err := os.Symlink(target, next); err != nil {
		return fmt.Errorf("linking the next version: %w", err)
	}
	if err := os.Rename(next, link); err != nil {
		return fmt.Errorf("switching to the next version: %w", err)
	}
	return nil
}
