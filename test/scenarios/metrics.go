package scenarios

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// metricsAreGuarded asks for metrics as nobody, and as somebody who may.
func metricsAreGuarded(ctx context.Context, w *World, t Teller) error {
	var pods corev1.PodList
	if err := w.Client.List(ctx, &pods, client.InNamespace(SystemNamespace), client.MatchingLabels{"app.kubernetes.io/component": "hub"}); err != nil {
		return fmt.Errorf("listing the operator's pods: %w", err)
	}
	if len(pods.Items) == 0 {
		return fmt.Errorf("the operator has no pod")
	}
	address, ok := w.Cluster.Node().Route(pods.Items[0].Status.PodIP, 8443)
	if !ok {
		return fmt.Errorf("pod %s does not listen on 8443", pods.Items[0].Name)
	}
	code, _, err := scrape(ctx, address, "")
	if err != nil {
		return err
	}
	if code != http.StatusUnauthorized {
		return fmt.Errorf("metrics without a token: %d, want 401", code)
	}
	token, err := w.Kubectl(ctx, "-n", "default", "create", "token", "default")
	if err != nil {
		return err
	}
	token = strings.TrimSpace(token)
	if code, _, err = scrape(ctx, address, token); err != nil || code != http.StatusForbidden {
		return fmt.Errorf("metrics for a ServiceAccount without the role: %d, want 403: %w", code, err)
	}
	_, err = w.Kubectl(ctx, "create", "clusterrolebinding", "scraper", "--clusterrole=tls-platform-metrics-reader", "--serviceaccount=default:default")
	if err != nil {
		return err
	}
	return w.eventually(ctx, func() error {
		code, body, err := scrape(ctx, address, token)
		if err != nil || code != http.StatusOK {
			return fmt.Errorf("metrics for a ServiceAccount with the role: %d, want 200: %w", code, err)
		}
		t.Say("%d bytes of metrics", len(body))
		return contains(body, `controller_runtime_reconcile_total{controller="tlsplatform"`)
	})
}

func scrape(ctx context.Context, address, token string) (code int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/metrics", nil)
	if err != nil {
		return 0, "", fmt.Errorf("building a request: %w", err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	// The certificate is made by the operator itself at its start.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return 0, "", fmt.Errorf("asking for metrics: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		return 0, "", fmt.Errorf("reading metrics: %w", err)
	}
	return res.StatusCode, string(raw), nil
}
