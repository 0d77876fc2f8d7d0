package scenarios

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// shortestNeedle is the length of the shortest piece of a key that is looked for:
// shorter ones could be found by chance.
const shortestNeedle = 40

// needles are pieces of all private keys of the cluster, by the place that each
// is from: the lines of their PEM, and a stretch of its base64.
func (w *World) needles(ctx context.Context) (map[string]string, error) {
	var secrets corev1.SecretList
	if err := w.Client.List(ctx, &secrets); err != nil {
		return nil, fmt.Errorf("listing Secrets: %w", err)
	}
	found := map[string]string{}
	for i := range secrets.Items {
		s := &secrets.Items[i]
		for key, value := range s.Data {
			text := string(value)
			if !strings.Contains(text, "PRIVATE KEY-----") {
				continue
			}
			place := s.Namespace + "/" + s.Name + " " + key
			pieces := 0
			for line := range strings.Lines(text) {
				if line = strings.TrimSpace(line); len(line) >= shortestNeedle && !strings.Contains(line, "-----") {
					found[line] = place
					pieces++
				}
			}
			if pieces == 0 {
				return nil, fmt.Errorf("the key in Secret %s has no line to look for", place)
			}
			encoded := base64.StdEncoding.EncodeToString(value)
			found[encoded[len(encoded)/2:len(encoded)/2+shortestNeedle]] = place
		}
	}
	return found, nil
}

// search says which keys are in a text.
func search(needles map[string]string, where, text string) error {
	var errs []error
	for needle, place := range needles {
		if strings.Contains(text, needle) {
			errs = append(errs, fmt.Errorf("%s shows a part of the key in Secret %s", where, place))
		}
	}
	return errors.Join(errs...)
}

func keysAppearNowhere(ctx context.Context, w *World, t Teller) error {
	needles, err := w.needles(ctx)
	if err != nil {
		return err
	}
	// The search has to find them where they are.
	var own corev1.Secret
	if err := w.Client.Get(ctx, client.ObjectKey{Namespace: TeamNamespace, Name: Orphan}, &own); err != nil {
		return fmt.Errorf("reading Secret %s: %w", Orphan, err)
	}
	encoded, err := raw(&own)
	if err != nil {
		return err
	}
	if search(needles, "the Secret", encoded) == nil || search(needles, "the key", string(own.Data["tls.key"])) == nil {
		return errors.New("the search does not find a key in its own Secret")
	}
	texts, err := w.agentWords(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for where, text := range texts {
		errs = append(errs, search(needles, where, text))
		if strings.Contains(text, "PRIVATE KEY") || strings.Contains(text, "correct horse battery staple") {
			errs = append(errs, fmt.Errorf("%s holds a key or a password", where))
		}
	}
	t.Say("%d pieces of keys are in none of %d texts of the agent", len(needles), len(texts))
	return errors.Join(errs...)
}

// agentWords are all that the agent has said, by where: its pages, report,
// metrics and logs.
func (w *World) agentWords(ctx context.Context) (map[string]string, error) {
	texts := map[string]string{}
	var pages v1alpha1.CertificateSliceList
	if err := w.Client.List(ctx, &pages); err != nil {
		return nil, fmt.Errorf("listing CertificateSlices: %w", err)
	}
	var report v1alpha1.TLSAgentList
	if err := w.Client.List(ctx, &report); err != nil {
		return nil, fmt.Errorf("listing TLSAgents: %w", err)
	}
	var err error
	if texts["the list"], err = raw(&pages); err != nil {
		return nil, err
	}
	if texts["the report"], err = raw(&report); err != nil {
		return nil, err
	}
	token, err := w.metricsToken(ctx)
	if err != nil {
		return nil, err
	}
	if _, texts["the metrics"], err = w.scrapeAgent(ctx, token); err != nil {
		return nil, err
	}
	for container, file := range w.Cluster.Node().Logs() {
		if !strings.HasPrefix(container, SystemNamespace+"/"+Agent) {
			continue
		}
		log, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading a log of the agent: %w", err)
		}
		texts["the log of "+container] = string(log)
	}
	for where, text := range texts {
		if text == "" {
			return nil, fmt.Errorf("%s is empty", where)
		}
	}
	if len(texts) < 4 {
		return nil, errors.New("the agent has no log")
	}
	if !strings.Contains(texts["the list"], Orphan) || !strings.Contains(texts["the metrics"], Orphan) {
		return nil, errors.New("the list and the metrics are not those of this cluster")
	}
	return texts, nil
}
