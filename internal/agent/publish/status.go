package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// Status writes the status of the TLSAgent when it differs, and says whether it
// did. A status that is the same as the last one costs no read either, until
// Verify is called.
func (p *Publisher) Status(ctx context.Context, status v1alpha1.TLSAgentStatus) (written bool, err error) {
	digest, err := statusDigest(&status)
	if err != nil {
		return false, fmt.Errorf("encoding the status of TLSAgent %s: %w", p.agent, err)
	}
	if digest == p.status {
		return false, nil
	}
	var agent v1alpha1.TLSAgent
	if err := p.client.Get(ctx, client.ObjectKey{Name: p.agent}, &agent); err != nil {
		return false, fmt.Errorf("reading TLSAgent %s: %w", p.agent, err)
	}
	before := agent.DeepCopy()
	agent.Status = status
	patch := client.MergeFrom(before)
	data, err := patch.Data(&agent)
	if err != nil {
		return false, fmt.Errorf("comparing the status of TLSAgent %s: %w", p.agent, err)
	}
	if string(data) != "{}" {
		if err := p.client.Status().Patch(ctx, &agent, patch); err != nil {
			return false, fmt.Errorf("writing the status of TLSAgent %s: %w", p.agent, err)
		}
		written = true
	}
	p.status = digest
	return written, nil
}

// Estate writes the report of the estate alone when it differs, and says whether
// it did. The rest of the status stays as it was found.
func (p *Publisher) Estate(ctx context.Context, e *v1alpha1.EstateReport) (written bool, err error) {
	var agent v1alpha1.TLSAgent
	if err := p.client.Get(ctx, client.ObjectKey{Name: p.agent}, &agent); err != nil {
		return false, fmt.Errorf("reading TLSAgent %s: %w", p.agent, err)
	}
	before := agent.DeepCopy()
	agent.Status = WithEstate(agent.Status, e)
	patch := client.MergeFrom(before)
	data, err := patch.Data(&agent)
	if err != nil {
		return false, fmt.Errorf("comparing the status of TLSAgent %s: %w", p.agent, err)
	}
	if string(data) == "{}" {
		return false, nil
	}
	// What was last written is no longer what the TLSAgent says.
	p.status = ""
	if err := p.client.Status().Patch(ctx, &agent, patch); err != nil {
		return false, fmt.Errorf("writing the status of TLSAgent %s: %w", p.agent, err)
	}
	return true, nil
}

func statusDigest(status *v1alpha1.TLSAgentStatus) (string, error) {
	data, err := json.Marshal(status)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}
