package scenarios

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

var permissions = []Scenario{
	{"The hub reads no Secret outside of its own namespace", false, hubCantReadSecrets},
	{"Metrics are served only to those who may read them", false, metricsAreGuarded},
}

// asHub asks the API server whether the hub may do something.
func (w *World) asHub(ctx context.Context, args ...string) (bool, error) {
	args = append([]string{"auth", "can-i", "--as=system:serviceaccount:" + SystemNamespace + ":tls-platform-hub"}, args...)
	out, err := w.Kubectl(ctx, args...)
	answer := strings.TrimSpace(out)
	if strings.HasPrefix(answer, "yes") {
		return true, nil
	}
	if strings.HasPrefix(answer, "no") || err != nil && strings.Contains(err.Error(), "no") {
		return false, nil
	}
	return false, fmt.Errorf("asking whether the hub may %s: %w", strings.Join(args, " "), err)
}

func hubCantReadSecrets(ctx context.Context, w *World, _ Teller) error {
	var errs []error
	for _, c := range []struct {
		want bool
		args []string
	}{
		{false, []string{"list", "secrets", "--all-namespaces"}},
		{false, []string{"watch", "secrets", "-n", "cert-manager"}},
		{false, []string{"get", "secrets/internal-ca", "-n", "cert-manager"}},
		{false, []string{"get", "secrets/web-tls", "-n", TeamNamespace}},
		{false, []string{"get", "secrets", "-n", "kube-system"}},
		// Credentials of members, in its own cluster alone.
		{true, []string{"get", "secrets", "-n", SystemNamespace}},
		{false, []string{"create", "clusterroles"}},
		{false, []string{"create", "customresourcedefinitions"}},
		{false, []string{"escalate", "clusterroles"}},
		{false, []string{"patch", "deployments.apps", "-n", "cert-manager"}},
		{true, []string{"get", "secrets/tls-platform-release-cert-manager", "-n", SystemNamespace}},
		{true, []string{"patch", "clusterissuers.cert-manager.io"}},
	} {
		got, err := w.asHub(ctx, c.args...)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if got != c.want {
			errs = append(errs, fmt.Errorf("may the hub %s? %v, want %v", strings.Join(c.args, " "), got, c.want))
		}
	}
	return errors.Join(errs...)
}
