package task

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
)

// Options of Follow.
type Options struct {
	// Client sends requests to absolute paths.
	Client rest.Interface
	// Clock times waits.
	Clock clock.WithTicker
	// Log of what goes wrong.
	Log logr.Logger
	// Asked takes the TLSAgent whenever its spec is another, and holds one: the
	// newest that was not taken yet.
	Asked chan *v1alpha1.TLSAgent
}

// Follow follows the TLSAgent until ctx ends; the channel is closed then.
func Follow(ctx context.Context, o Options) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		tail.New(tail.Options{
			Client:        o.Client,
			Resource:      v1alpha1.GroupVersion.WithResource("tlsagents"),
			FieldSelector: "metadata.name=" + v1alpha1.AgentName,
			PageSize:      1,
			Sink:          &sink{log: o.Log, asked: o.Asked},
			Clock:         o.Clock,
			Report: func(s tail.State) {
				if s.Condition != tail.Reading && s.Condition != tail.Waiting {
					o.Log.Error(fmt.Errorf("%s: %s", s.Condition, s.Message), "Reading TLSAgent "+v1alpha1.AgentName+" failed, trying again")
				}
			},
		}).Run(ctx)
	}()
	return done
}

// sink takes the TLSAgent. While it is deleted what was asked for last holds,
// since the hub may be replacing it.
type sink struct {
	log   logr.Logger
	asked chan *v1alpha1.TLSAgent
	last  *v1alpha1.TLSAgent
}

// Begin implements tail.Sink.
func (s *sink) Begin() {}

// End implements tail.Sink.
func (s *sink) End() {}

// Deleted implements tail.Sink.
func (s *sink) Deleted([]byte) { s.last = nil }

// Object implements tail.Sink.
func (s *sink) Object(raw []byte) {
	object := &v1alpha1.TLSAgent{}
	if err := json.Unmarshal(raw, object); err != nil {
		s.log.Error(err, "Decoding the TLSAgent failed")
		return
	}
	if s.last != nil && s.last.UID == object.UID && s.last.Generation == object.Generation {
		return // a report of the agent
	}
	s.last = object
	for {
		select {
		case s.asked <- object:
			return
		default:
		}
		select {
		case <-s.asked: // an older one that nobody took yet
		default:
		}
	}
}
