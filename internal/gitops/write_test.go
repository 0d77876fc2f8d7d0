package gitops

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree is every file below a folder.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		found[filepath.ToSlash(name)] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestWrite(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "clusters")
	write := func(files map[string][]byte, want bool) {
		t.Helper()
		if changed, err := Write(root, "prod-1", files); err != nil || changed != want {
			t.Fatalf("changed %v and error %v, want %v", changed, err, want)
		}
	}
	first := map[string][]byte{"01-a/x.yaml": []byte("x"), "01-a/y.yaml": []byte("y"), "kustomization.yaml": []byte("k")}
	write(first, true)
	write(first, false)
	write(map[string][]byte{"02-b/x.yaml": []byte("x"), "kustomization.yaml": []byte("l")}, true)
	want := map[string]string{
		"prod-1/02-b/x.yaml": "x", "prod-1/kustomization.yaml": "l",
		"prod-1/.tls-platform-rendered": "02-b/x.yaml\nkustomization.yaml\n",
	}
	if diff := cmp.Diff(want, tree(t, root)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 1 {
		t.Errorf("got %v and error %v, want the cluster's folder alone", entries, err)
	}
}

func TestWriteLeavesAlone(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{"kustomization.yaml": []byte("k")}
	for name, c := range map[string]struct {
		cluster string
		before  map[string]string
		want    string
	}{
		"a folder that was not rendered":      {"c", map[string]string{"c/app.yaml": "mine"}, "has files and no .tls-platform-rendered"},
		"a folder with somebody's file":       {"c", map[string]string{"c/.tls-platform-rendered": "a.yaml\n", "c/a.yaml": "a", "c/b.yaml": "mine"}, "file b.yaml was not rendered"},
		"a folder with somebody's sub-folder": {"c", map[string]string{"c/.tls-platform-rendered": "a.yaml\n", "c/d/a.yaml": "mine"}, "file d/a.yaml was not rendered"},
		"a name that leads elsewhere":         {"../c", nil, `"../c" can't be the folder of a cluster`},
		"an empty name":                       {"", nil, `"" can't be the folder of a cluster`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			for path, text := range c.before {
				file := filepath.Join(root, filepath.FromSlash(path))
				if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			before := tree(t, root)
			changed, err := Write(root, c.cluster, files)
			if err == nil || changed || !strings.Contains(err.Error(), c.want) {
				t.Errorf("changed %v and error %v, want %q", changed, err, c.want)
			}
			if diff := cmp.Diff(before, tree(t, root)); diff != "" {
				t.Errorf("files (-before +after):\n%s", diff)
			}
		})
	}
}

func TestWriteMendsWhatWasEdited(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	files := map[string][]byte{"kustomization.yaml": []byte("k")}
	if _, err := Write(root, "c", files); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "c", "kustomization.yaml"), []byte("edited"), 0o600); err != nil {
		t.Fatal(err)
	}
	if changed, err := Write(root, "c", files); err != nil || !changed {
		t.Fatalf("changed %v and error %v", changed, err)
	}
	if got := tree(t, root)["c/kustomization.yaml"]; got != "k" {
		t.Errorf("got %q", got)
	}
}
