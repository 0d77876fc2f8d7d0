package apicheck

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/cert-manager/cert-manager/pkg/util/cmapichecker"
)

// answers is a checker that gives the answers in turn, and the last one for ever.
type answers []error

func (a *answers) Check(context.Context) error {
	answer := (*a)[0]
	if len(*a) > 1 {
		*a = (*a)[1:]
	}
	return answer
}

func TestAwait(t *testing.T) {
	refused := errors.New(`Post "https://x": dial tcp 127.0.0.1:1: connect: connection refused`)
	tests := map[string]struct {
		answers answers
		timeout time.Duration
		want    []error
	}{
		"ready at once":                   {answers: answers{nil}},
		"ready after a while":             {answers: answers{refused, refused, nil}, timeout: time.Minute},
		"never ready in the time given":   {answers: answers{refused}, timeout: time.Nanosecond, want: []error{cmapichecker.ErrWebhookDeploymentFailure, context.DeadlineExceeded}},
		"not ready and no time was given": {answers: answers{refused}, want: []error{cmapichecker.ErrWebhookDeploymentFailure}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := await(t.Context(), &test.answers, test.timeout, time.Millisecond)
			if len(test.want) == 0 && err != nil {
				t.Errorf("want no error, got %v", err)
			}
			for _, want := range test.want {
				if !errors.Is(err, want) {
					t.Errorf("error: want one that is %q, got %v", want, err)
				}
			}
		})
	}
}

func TestAwaitWithoutTimeIsNoTimeout(t *testing.T) {
	err := await(t.Context(), &answers{errors.New("no")}, 0, time.Millisecond)
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("want the finding alone, got %v", err)
	}
}

func TestNamespace(t *testing.T) {
	const kubeconfig = `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: t}}]
contexts:
- {name: bare, context: {cluster: c, user: u}}
- {name: named, context: {cluster: c, user: u, namespace: from-context}}
current-context: bare
`
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte(kubeconfig), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		flag, context, pod, want string
	}{
		"the flag wins":                      {flag: "from-flag", context: "named", pod: "from-pod", want: "from-flag"},
		"the context wins over the pod":      {context: "named", pod: "from-pod", want: "from-context"},
		"the pod's where the context is mum": {pod: "from-pod", want: "from-pod"},
		"default where nothing says":         {want: "default"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("POD_NAMESPACE", test.pod)
			flags := genericclioptions.NewConfigFlags(true)
			*flags.KubeConfig, *flags.Namespace, *flags.Context = path, test.flag, test.context
			got, err := namespace(flags)
			if err != nil || got != test.want {
				t.Errorf("want %q, got %q and error %v", test.want, got, err)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "missing"))
	tests := map[string]struct {
		args []string
		want string
	}{
		"the chart's arguments reach the check": {
			args: []string{"check", "api", "--wait=1ms", "-v"}, want: "the cert-manager API",
		},
		"a flag that does not exist": {
			args: []string{"check", "api", "--no-such-flag"}, want: "unknown flag: --no-such-flag",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			args := test.args
			if test.want == "the cert-manager API" {
				// a server that is not there, so that the check itself is what fails
				args = append(args, "--server=https://127.0.0.1:1", "--interval=1ms")
			}
			err := Main(t.Context(), args, &bytes.Buffer{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error: want one with %q, got %v", test.want, err)
			}
		})
	}
}
