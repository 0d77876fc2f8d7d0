package gitops

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// MarkerFile lists the files that Write wrote to a folder, one a line. A folder
// without it belongs to somebody else.
const MarkerFile = ".tls-platform-rendered"

const (
	folderMode = 0o755
	fileMode   = 0o644
)

// Write makes the folder of one cluster below root have the files, and nothing
// else. It changes all of it or, after an error, nothing. A folder with files
// that Write did not put there is refused. changed is false when the folder was
// that way already.
func Write(root, cluster string, files map[string][]byte) (changed bool, err error) {
	if problems := validation.IsDNS1123Subdomain(cluster); len(problems) > 0 {
		return false, fmt.Errorf("%q can't be the folder of a cluster: %s", cluster, problems[0])
	}
	folder := filepath.Join(root, cluster)
	same, err := inspect(folder, files)
	if err != nil || same {
		return false, err
	}
	if err := os.MkdirAll(root, folderMode); err != nil {
		return false, fmt.Errorf("making the folder %s: %w", root, err)
	}
	work, err := os.MkdirTemp(root, ".tls-platform-")
	if err != nil {
		return false, fmt.Errorf("making a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	fresh, old := filepath.Join(work, "new"), filepath.Join(work, "old")
	if err := fill(fresh, files); err != nil {
		return false, fmt.Errorf("writing the files of %s: %w", cluster, err)
	}
	return true, swap(folder, fresh, old)
}

// swap puts the new folder into place, and the old one back if that fails.
func swap(folder, fresh, old string) error {
	err := os.Rename(folder, old)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return fmt.Errorf("moving the old %s away: %w", folder, err)
	}
	if err := os.Rename(fresh, folder); err != nil {
		if !missing {
			err = errors.Join(err, os.Rename(old, folder))
		}
		return fmt.Errorf("moving the new %s into place: %w", folder, err)
	}
	return nil
}

// inspect says whether a folder has just the files. Files that are neither
// listed in its marker nor the marker are an error.
func inspect(folder string, files map[string][]byte) (same bool, err error) {
	found := map[string]bool{}
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		found[filepath.ToSlash(name)] = true
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("reading the folder %s: %w", folder, err)
	case len(found) == 0:
		return false, nil
	}
	raw, err := os.ReadFile(filepath.Join(folder, MarkerFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("folder %s has files and no %s, so it was not rendered: choose another --directory, or empty it", folder, MarkerFile)
	}
	if err != nil {
		return false, fmt.Errorf("reading the marker of %s: %w", folder, err)
	}
	listed := strings.Split(string(raw), "\n")
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if name != MarkerFile && !slices.Contains(listed, name) {
			return false, fmt.Errorf("file %s was not rendered, and would be lost: move it out of %s", name, folder)
		}
	}
	return len(found) == len(files)+1 && string(raw) == marker(files) && equal(folder, files), nil
}

func equal(folder string, files map[string][]byte) bool {
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
		if err != nil || string(got) != string(want) {
			return false
		}
	}
	return true
}

// marker has the paths of the files, sorted, each with a line break.
func marker(files map[string][]byte) string {
	return strings.Join(slices.Sorted(maps.Keys(files)), "\n") + "\n"
}

func fill(folder string, files map[string][]byte) error {
	all := maps.Clone(files)
	all[MarkerFile] = []byte(marker(files))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), folderMode); err != nil {
			return err
		}
		if err := os.WriteFile(path, all[name], fileMode); err != nil {
			return err
		}
	}
	return nil
}
