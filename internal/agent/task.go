package agent

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
)

// sameRules says that two TLSAgents ask for the same reading.
func sameRules(a, b *v1alpha1.TLSAgent) bool {
	x, y := a.Spec.Inventory, b.Spec.Inventory
	// These are looked at when they are needed, and need no new reading.
	x.Export, y.Export = v1alpha1.Export{}, v1alpha1.Export{}
	x.OrphanGracePeriod, y.OrphanGracePeriod = nil, nil
	x.Probing, y.Probing = nil, nil // asked of the prober
	return a.Spec.CertManagerNamespace == b.Spec.CertManagerNamespace && equality.Semantic.DeepEqual(x, y)
}

// followTask sends the TLSAgent of the cluster whenever its spec changes. The
// channel is closed when it ends.
func (a *Agent) followTask(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		tail.New(tail.Options{
			Client:        a.client,
			Resource:      v1alpha1.GroupVersion.WithResource("tlsagents"),
			FieldSelector: "metadata.name=" + v1alpha1.AgentName,
			PageSize:      1,
			Sink:          &taskSink{agent: a},
			Clock:         a.clock,
			Report: func(s tail.State) {
				if s.Condition != tail.Reading && s.Condition != tail.Waiting {
					a.Log.Error(fmt.Errorf("%s: %s", s.Condition, s.Message), "Reading TLSAgent "+v1alpha1.AgentName+" failed, trying again")
				}
			},
		}).Run(ctx)
	}()
	return done
}

// taskSink takes the TLSAgent. While it is deleted the agent goes on with what it
// was asked for last, since the hub may be replacing it.
type taskSink struct {
	agent *Agent
	last  *v1alpha1.TLSAgent
}

func (s *taskSink) Begin()         {}
func (s *taskSink) End()           {}
func (s *taskSink) Deleted([]byte) { s.last = nil }

func (s *taskSink) Object(raw []byte) {
	object := &v1alpha1.TLSAgent{}
	if err := json.Unmarshal(raw, object); err != nil {
		s.agent.Log.Error(err, "Decoding the TLSAgent failed")
		return
	}
	if s.last != nil && s.last.UID == object.UID && s.last.Generation == object.Generation {
		return // our own report
	}
	s.last = object
	for {
		select {
		case s.agent.asked <- object:
			return
		default:
		}
		select {
		case <-s.agent.asked: // an older one that nobody took yet
		default:
		}
	}
}
