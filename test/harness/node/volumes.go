package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// defaultMode is what files of a volume get when nothing else is asked for.
const defaultMode = 0o644

// file is one file of a volume.
type file struct {
	data []byte
	mode os.FileMode
}

// payload is the content of a volume by path.
type payload map[string]file

// volumeSource makes the payloads of a pod's volumes.
type volumeSource struct {
	pod     *corev1.Pod
	objects lookups
	// token returns a current token of the pod's ServiceAccount.
	token func(*corev1.ServiceAccountTokenProjection) (string, error)
}

// payload returns the content of a volume, or nil when the volume is an empty
// folder for the pod to write to.
func (s volumeSource) payload(v corev1.Volume) (payload, error) {
	p := payload{}
	var err error
	switch {
	case v.Secret != nil:
		err = s.secret(p, v.Secret.SecretName, v.Secret.Items, isTrue(v.Secret.Optional), mode(v.Secret.DefaultMode))
	case v.ConfigMap != nil:
		err = s.configMap(p, v.ConfigMap.Name, v.ConfigMap.Items, isTrue(v.ConfigMap.Optional), mode(v.ConfigMap.DefaultMode))
	case v.DownwardAPI != nil:
		err = s.downward(p, v.DownwardAPI.Items, mode(v.DownwardAPI.DefaultMode))
	case v.Projected != nil:
		for _, source := range v.Projected.Sources {
			if err = s.projected(p, source, mode(v.Projected.DefaultMode)); err != nil {
				break
			}
		}
	default:
		return nil, nil
	}
	return p, err
}

func (s volumeSource) projected(p payload, source corev1.VolumeProjection, fallback os.FileMode) error {
	switch {
	case source.Secret != nil:
		return s.secret(p, source.Secret.Name, source.Secret.Items, isTrue(source.Secret.Optional), fallback)
	case source.ConfigMap != nil:
		return s.configMap(p, source.ConfigMap.Name, source.ConfigMap.Items, isTrue(source.ConfigMap.Optional), fallback)
	case source.DownwardAPI != nil:
		return s.downward(p, source.DownwardAPI.Items, fallback)
	case source.ServiceAccountToken != nil:
		token, err := s.token(source.ServiceAccountToken)
		if err != nil {
			return err
		}
		return p.add(source.ServiceAccountToken.Path, []byte(token), fallback)
	default:
		return configError("a projected source is not supported by this node: %s", source.String())
	}
}

func (s volumeSource) secret(p payload, name string, items []corev1.KeyToPath, optional bool, fallback os.FileMode) error {
	secret, err := s.objects.secret(name, optional)
	if err != nil || secret == nil {
		return err
	}
	return p.addItems(secret.Data, items, optional, fallback, "secret", name)
}

func (s volumeSource) configMap(p payload, name string, items []corev1.KeyToPath, optional bool, fallback os.FileMode) error {
	cm, err := s.objects.configMap(name, optional)
	if err != nil || cm == nil {
		return err
	}
	data := make(map[string][]byte, len(cm.Data)+len(cm.BinaryData))
	for key, value := range cm.Data {
		data[key] = []byte(value)
	}
	for key, value := range cm.BinaryData {
		data[key] = value
	}
	return p.addItems(data, items, optional, fallback, "configmap", name)
}

func (s volumeSource) downward(p payload, items []corev1.DownwardAPIVolumeFile, fallback os.FileMode) error {
	for _, item := range items {
		if item.FieldRef == nil {
			return configError("the downward API file %q refers to no field", item.Path)
		}
		value, err := podField(s.pod, item.FieldRef.FieldPath)
		if err != nil {
			return err
		}
		if err := p.add(item.Path, []byte(value), modeOr(item.Mode, fallback)); err != nil {
			return err
		}
	}
	return nil
}

func (p payload) addItems(data map[string][]byte, items []corev1.KeyToPath, optional bool, fallback os.FileMode, kind, name string) error {
	if len(items) == 0 {
		for key, value := range data {
			if err := p.add(key, value, fallback); err != nil {
				return err
			}
		}
		return nil
	}
	for _, item := range items {
		value, found := data[item.Key]
		switch {
		case found:
			if err := p.add(item.Path, value, modeOr(item.Mode, fallback)); err != nil {
				return err
			}
		case !optional:
			return configError("references non-existent key %q of %s %q", item.Key, kind, name)
		}
	}
	return nil
}

func (p payload) add(path string, data []byte, mode os.FileMode) error {
	if !filepath.IsLocal(path) || strings.HasPrefix(path, "..") {
		return configError("the path %q leads out of its volume", path)
	}
	p[filepath.Clean(path)] = file{data: data, mode: mode}
	return nil
}

func mode(m *int32) os.FileMode { return modeOr(m, defaultMode) }

func modeOr(m *int32, fallback os.FileMode) os.FileMode {
	if m == nil {
		return fallback
	}
	return os.FileMode(*m) & os.ModePerm
}

// mounts returns where the volumes of a container are on this machine, in the
// order of sortMounts.
func mounts(c *corev1.Container, volumeDir func(name string) string, vars map[string]string) ([]mount, error) {
	var out []mount
	for _, m := range c.VolumeMounts {
		sub := m.SubPath
		if m.SubPathExpr != "" {
			sub = expand(m.SubPathExpr, vars)
		}
		if sub != "" && !filepath.IsLocal(sub) {
			return nil, configError("the sub path %q leads out of volume %q", sub, m.Name)
		}
		path := filepath.Clean(m.MountPath)
		if path == "/" {
			return nil, configError("volume %q is mounted at the root, which this node can't do", m.Name)
		}
		out = append(out, mount{path: path, host: filepath.Join(volumeDir(m.Name), sub)})
	}
	sortMounts(out)
	return out, nil
}

// makeSubPaths creates the folders that sub paths of writable volumes name, as
// a kubelet does.
func makeSubPaths(c *corev1.Container, mounts []mount, writable map[string]bool) error {
	hosts := map[string]string{}
	for _, m := range mounts {
		hosts[m.path] = m.host
	}
	for _, m := range c.VolumeMounts {
		if !writable[m.Name] {
			continue
		}
		if err := os.MkdirAll(hosts[filepath.Clean(m.MountPath)], 0o755); err != nil {
			return fmt.Errorf("creating the folder of volume %q: %w", m.Name, err)
		}
	}
	return nil
}
