package node

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// objects answers lookups from a list; what is not in it is known to be absent.
func objects(list ...metav1.Object) lookups {
	return lookups{namespace: "team", get: func(key sourceKey) (any, bool) {
		for _, object := range list {
			_, isSecret := object.(*corev1.Secret)
			if object.GetName() == key.name && isSecret == (key.kind == kindSecret) && key.namespace == "team" {
				return object, true
			}
		}
		return nil, true
	}}
}

func settings() *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "settings"},
		Data:       map[string]string{"level": "5", "mode": "fast"}, BinaryData: map[string][]byte{"raw": {1}},
	}
}

func credentials() *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "credentials"}, Data: map[string][]byte{"password": []byte("s3cret")}}
}

func testPod() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "web-0", Namespace: "team", UID: "42",
			Labels: map[string]string{"app": "web", "a": "b"}, Annotations: map[string]string{"note": `say "hi"`},
		},
		Spec:   corev1.PodSpec{NodeName: "node-0", ServiceAccountName: "robot"},
		Status: corev1.PodStatus{PodIP: "10.244.0.2", HostIP: "127.0.0.1"},
	}
}

func fromField(path string) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}
}

func fromConfigMap(name, key string, optional bool) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key, Optional: &optional,
	}}
}

func fromSecret(name, key string, optional bool) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key, Optional: &optional,
	}}
}

func TestContainerEnv(t *testing.T) {
	for name, tc := range map[string]struct {
		container corev1.Container
		want      map[string]string
	}{
		"values see those before them and the cluster's": {
			container: corev1.Container{Env: []corev1.EnvVar{
				{Name: "A", Value: "1"}, {Name: "B", Value: "$(A)$(C)"}, {Name: "C", Value: "$(HOST)"}, {Name: "A", Value: "2"},
			}},
			want: map[string]string{"A": "2", "B": "1$(C)", "C": "h"},
		},
		"fields of the pod": {
			container: corev1.Container{Env: []corev1.EnvVar{
				{Name: "NAME", ValueFrom: fromField("metadata.name")},
				{Name: "NAMESPACE", ValueFrom: fromField("metadata.namespace")},
				{Name: "UID", ValueFrom: fromField("metadata.uid")},
				{Name: "LABEL", ValueFrom: fromField("metadata.labels['app']")},
				{Name: "NOLABEL", ValueFrom: fromField("metadata.labels['absent']")},
				{Name: "NOTE", ValueFrom: fromField("metadata.annotations['note']")},
				{Name: "NODE", ValueFrom: fromField("spec.nodeName")},
				{Name: "ACCOUNT", ValueFrom: fromField("spec.serviceAccountName")},
				{Name: "IP", ValueFrom: fromField("status.podIP")},
				{Name: "URL", Value: "http://$(IP):80"},
			}},
			want: map[string]string{
				"NAME": "web-0", "NAMESPACE": "team", "UID": "42", "LABEL": "web", "NOLABEL": "", "NOTE": `say "hi"`,
				"NODE": "node-0", "ACCOUNT": "robot", "IP": "10.244.0.2", "URL": "http://10.244.0.2:80",
			},
		},
		"keys of a config map and a secret": {
			container: corev1.Container{Env: []corev1.EnvVar{
				{Name: "LEVEL", ValueFrom: fromConfigMap("settings", "level", false)},
				{Name: "PASSWORD", ValueFrom: fromSecret("credentials", "password", false)},
			}},
			want: map[string]string{"LEVEL": "5", "PASSWORD": "s3cret"},
		},
		"what is optional and absent is left out": {
			container: corev1.Container{Env: []corev1.EnvVar{
				{Name: "A", ValueFrom: fromConfigMap("absent", "level", true)},
				{Name: "B", ValueFrom: fromSecret("credentials", "absent", true)},
			}},
			want: map[string]string{},
		},
		"whole objects come with a prefix and below single variables": {
			container: corev1.Container{
				EnvFrom: []corev1.EnvFromSource{
					{Prefix: "S_", ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}},
					{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "credentials"}}},
					{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "absent"}, Optional: ptr.To(true)}},
				},
				Env: []corev1.EnvVar{{Name: "S_mode", Value: "slow"}, {Name: "L", Value: "$(S_level)"}},
			},
			want: map[string]string{"S_level": "5", "S_mode": "slow", "password": "s3cret", "L": "5"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := containerEnv(testPod(), &tc.container, map[string]string{"HOST": "h"}, objects(settings(), credentials()))
			if err != nil {
				t.Fatal(err)
			}
			tc.want["HOST"] = "h"
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAContainerWaitsForWhatItsEnvironmentMisses(t *testing.T) {
	for name, tc := range map[string]struct {
		from         *corev1.EnvVarSource
		reason, want string
	}{
		"a config map":                    {fromConfigMap("absent", "k", false), reasonConfig, `configmap "absent" not found`},
		"a secret":                        {fromSecret("absent", "k", false), reasonConfig, `secret "absent" not found`},
		"a key of a config map":           {fromConfigMap("settings", "absent", false), reasonConfig, `key "absent" not found in configmap "settings"`},
		"a key of a secret":               {fromSecret("credentials", "absent", false), reasonConfig, `key "absent" not found in secret "credentials"`},
		"a field that is not known":       {fromField("spec.absent"), reasonConfig, `"spec.absent" is not supported`},
		"a source that is not supported":  {&corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.cpu"}}, reasonConfig, "limits.cpu"},
		"a secret that nobody looked for": {fromSecret("unknown", "k", true), reasonCreating, "secret unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			known := objects(settings(), credentials())
			look := lookups{namespace: "team", get: func(key sourceKey) (any, bool) {
				if key.name == "unknown" {
					return nil, false
				}
				return known.get(key)
			}}
			container := corev1.Container{Env: []corev1.EnvVar{{Name: "X", ValueFrom: tc.from}}}
			_, err := containerEnv(testPod(), &container, nil, look)
			var wait *waitingError
			if !errors.As(err, &wait) || wait.reason != tc.reason || !strings.Contains(wait.message, tc.want) {
				t.Errorf("got error %v, want reason %s and %q", err, tc.reason, tc.want)
			}
		})
	}
}

func TestEnvironLetsLaterLayersWin(t *testing.T) {
	got := environ(map[string]string{"B": "1", "A": "1"}, splitEnv([]string{"B=2", "C=x=y"}))
	if diff := cmp.Diff([]string{"A=1", "B=2", "C=x=y"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestClusterEnv(t *testing.T) {
	got, err := clusterEnv("https://127.0.0.1:6443")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "6443", "KUBERNETES_SERVICE_PORT_HTTPS": "6443",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := clusterEnv("127.0.0.1"); err == nil || !strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("an address that is no URL gave the error %v", err)
	}
}

func TestReferencesNamesEachObjectOnce(t *testing.T) {
	ref := corev1.LocalObjectReference{Name: "settings"}
	pod := testPod()
	pod.Spec.Volumes = []corev1.Volume{
		{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "tls"}}},
		{VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: ref}}},
		{VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "projected"}}},
			{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: ref}},
		}}}},
	}
	pod.Spec.InitContainers = []corev1.Container{{Env: []corev1.EnvVar{{ValueFrom: fromSecret("credentials", "k", true)}, {Value: "v"}}}}
	pod.Spec.Containers = []corev1.Container{{
		EnvFrom: []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "all"}}}},
		Env:     []corev1.EnvVar{{ValueFrom: fromConfigMap("settings", "k", false)}},
	}}
	want := []sourceKey{
		{kindSecret, "team", "tls"}, {kindConfigMap, "team", "settings"}, {kindSecret, "team", "projected"},
		{kindSecret, "team", "credentials"}, {kindConfigMap, "team", "all"},
	}
	if diff := cmp.Diff(want, references(pod), cmp.AllowUnexported(sourceKey{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
