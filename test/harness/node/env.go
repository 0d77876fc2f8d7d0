package node

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// environment is the variables of one container while they are collected.
type environment struct {
	pod     *corev1.Pod
	objects lookups
	// vars are the container's own and the cluster's: what "$(NAME)" sees.
	vars map[string]string
}

// containerEnv returns the variables that the container's specification and
// the cluster define, in a kubelet's order: the cluster's, then envFrom, then
// env, each seeing those before.
func containerEnv(pod *corev1.Pod, c *corev1.Container, cluster map[string]string, objects lookups) (map[string]string, error) {
	e := &environment{pod: pod, objects: objects, vars: maps.Clone(cluster)}
	for _, from := range c.EnvFrom {
		if err := e.addAll(from); err != nil {
			return nil, err
		}
	}
	for _, v := range c.Env {
		if err := e.add(v); err != nil {
			return nil, err
		}
	}
	return e.vars, nil
}

func (e *environment) addAll(from corev1.EnvFromSource) error {
	data := map[string]string{}
	switch {
	case from.ConfigMapRef != nil:
		cm, err := e.objects.configMap(from.ConfigMapRef.Name, isTrue(from.ConfigMapRef.Optional))
		if err != nil {
			return err
		}
		if cm != nil {
			data = cm.Data
		}
	case from.SecretRef != nil:
		secret, err := e.objects.secret(from.SecretRef.Name, isTrue(from.SecretRef.Optional))
		if err != nil {
			return err
		}
		if secret != nil {
			data = stringData(secret.Data)
		}
	}
	for name, value := range data {
		e.vars[from.Prefix+name] = value
	}
	return nil
}

func (e *environment) add(v corev1.EnvVar) error {
	if v.ValueFrom == nil {
		e.vars[v.Name] = expand(v.Value, e.vars)
		return nil
	}
	value, found, err := e.valueFrom(v.ValueFrom)
	if err != nil {
		return err
	}
	if found {
		e.vars[v.Name] = value
	}
	return nil
}

func (e *environment) valueFrom(from *corev1.EnvVarSource) (value string, found bool, err error) {
	switch {
	case from.FieldRef != nil:
		value, err = podField(e.pod, from.FieldRef.FieldPath)
		return value, err == nil, err
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		cm, err := e.objects.configMap(ref.Name, isTrue(ref.Optional))
		if err != nil || cm == nil {
			return "", false, err
		}
		return pick(cm.Data, ref.Key, isTrue(ref.Optional), "configmap", ref.Name)
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		secret, err := e.objects.secret(ref.Name, isTrue(ref.Optional))
		if err != nil || secret == nil {
			return "", false, err
		}
		return pick(stringData(secret.Data), ref.Key, isTrue(ref.Optional), "secret", ref.Name)
	default:
		return "", false, configError("the source of a variable is not supported by this node: %s", from.String())
	}
}

func pick(data map[string]string, key string, optional bool, kind, name string) (string, bool, error) {
	value, found := data[key]
	if !found && !optional {
		return "", false, configError("key %q not found in %s %q", key, kind, name)
	}
	return value, found, nil
}

// podField returns the value of a field reference.
func podField(pod *corev1.Pod, path string) (string, error) {
	if name, key, ok := subscript(path); ok {
		switch name {
		case "metadata.labels":
			return pod.Labels[key], nil
		case "metadata.annotations":
			return pod.Annotations[key], nil
		}
	}
	switch path {
	case "metadata.name":
		return pod.Name, nil
	case "metadata.namespace":
		return pod.Namespace, nil
	case "metadata.uid":
		return string(pod.UID), nil
	case "metadata.labels":
		return formatMap(pod.Labels), nil
	case "metadata.annotations":
		return formatMap(pod.Annotations), nil
	case "spec.nodeName":
		return pod.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName, nil
	case "status.hostIP", "status.hostIPs":
		return pod.Status.HostIP, nil
	case "status.podIP", "status.podIPs":
		return pod.Status.PodIP, nil
	default:
		return "", configError("the field reference %q is not supported by this node", path)
	}
}

// subscript splits "path['key']".
func subscript(path string) (name, key string, ok bool) {
	name, rest, ok := strings.Cut(path, "['")
	if !ok {
		return "", "", false
	}
	key, ok = strings.CutSuffix(rest, "']")
	return name, key, ok
}

// formatMap is the form in which the downward API writes labels and
// annotations.
func formatMap(m map[string]string) string {
	lines := make([]string, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		lines = append(lines, fmt.Sprintf("%s=%q", key, m[key]))
	}
	return strings.Join(lines, "\n")
}

func stringData(data map[string][]byte) map[string]string {
	out := make(map[string]string, len(data))
	for key, value := range data {
		out[key] = string(value)
	}
	return out
}

func isTrue(b *bool) bool { return b != nil && *b }

// environ joins layers of variables, later ones winning, into the form that a
// process takes, sorted.
func environ(layers ...map[string]string) []string {
	all := map[string]string{}
	for _, layer := range layers {
		maps.Copy(all, layer)
	}
	out := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, name+"="+all[name])
	}
	return out
}

func splitEnv(env []string) map[string]string {
	out := make(map[string]string, len(env))
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		out[name] = value
	}
	return out
}
