package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/dynamic"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/scenarios"
	"github.com/tlsplatform/tls-platform-operator/test/standin"
)

// killSeed makes the moments of the kills the same in every run.
const killSeed = 4

// killSlack is how far beyond a whole rollout a kill may come, as a share of it.
const killSlack = 1.2

// fleetRolloutKills kills the hub at random moments of rollouts over ten
// members, starts it again, and looks at what came of each.
func fleetRolloutKills(ctx context.Context, h *fleetHub) (figures []figure, err error) {
	fleet, err := h.smallFleet(ctx, func(i int) string {
		if i < 2 {
			return tierCanary
		}
		return ""
	}, func(s *v1alpha1.TLSPlatformSpec) {
		three := intstr.FromInt32(3)
		s.Delivery.Rollout = &v1alpha1.Rollout{
			Canary:         &metav1.LabelSelector{MatchLabels: map[string]string{labelTier: tierCanary}},
			MaxUnavailable: &three,
		}
		s.Issuers = append(s.Issuers, selfSigned(extraIssuer(0), issuerMark(0)))
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, fleet.Stop()) }()
	k := &kills{fleetHub: h, clusters: fleet.Clusters(), random: rand.New(rand.NewPCG(killSeed, killSeed))}
	if err := k.begin(ctx); err != nil {
		return nil, err
	}
	survived := 0
	for i := range *fleetKills {
		harm, err := k.round(ctx, i)
		if err != nil {
			return nil, err
		}
		if harm == nil {
			survived++
			continue
		}
		h.say(fmt.Sprintf("kill %d: %v", i+1, harm))
	}
	return []figure{{
		name: "rollout_kills_survived", value: float64(survived), unit: "kills", budget: fmt.Sprintf("%d", *fleetKills),
		note: fmt.Sprintf("of %d at random moments of a rollout of %.1f s over %d members, from the change to %.0f %% of that", *fleetKills, k.whole.Seconds(), len(k.clusters), killSlack*100),
	}}, nil
}

// extraIssuer is an issuer that only one revision has.
func extraIssuer(n int) string { return fmt.Sprintf("extra-%d", n) }

// kills is the state of the rounds.
type kills struct {
	*fleetHub
	clusters []*standin.Cluster
	random   *rand.Rand
	whole    time.Duration                    // of a rollout without a kill
	before   []map[standin.Identity]types.UID // of each member, without the extra issuers
	foreign  []map[string]string              // versions of what is not ours
	first    int                              // number of the revision before the first round
}

// foreignObjects are somebody else's: nothing may happen to them.
var foreignObjects = map[schema.GroupVersionResource]string{
	scenarios.ConfigMaps:     `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"theirs","namespace":"default"},"data":{"a":"b"}}`,
	scenarios.ClusterIssuers: `{"apiVersion":"cert-manager.io/v1","kind":"ClusterIssuer","metadata":{"name":"theirs"},"spec":{"selfSigned":{}}}`,
}

func foreignNamespace(gvr schema.GroupVersionResource) string {
	if gvr == scenarios.ConfigMaps {
		return "default"
	}
	return ""
}

// begin puts others' objects into every member, times a rollout, and notes what
// there is.
func (k *kills) begin(ctx context.Context) error {
	for _, c := range k.clusters {
		client, err := dynamic.NewForConfig(c.Config())
		if err != nil {
			return fmt.Errorf("building a client for cluster %s: %w", c.Name, err)
		}
		for gvr, text := range foreignObjects {
			o := &unstructured.Unstructured{}
			if err := o.UnmarshalJSON([]byte(text)); err != nil {
				return fmt.Errorf("reading %s: %w", text, err)
			}
			if _, err := client.Resource(gvr).Namespace(foreignNamespace(gvr)).Create(ctx, o, metav1.CreateOptions{}); err != nil {
				return fmt.Errorf("creating %s in cluster %s: %w", o.GetName(), c.Name, err)
			}
		}
	}
	started := time.Now()
	k.first = 1
	if err := k.change(ctx, k.first); err != nil {
		return err
	}
	if err := k.converged(ctx, k.first); err != nil {
		return err
	}
	k.whole = time.Since(started)
	k.say(fmt.Sprintf("a rollout without a kill takes %.2f s", k.whole.Seconds()))
	for _, c := range k.clusters {
		own := c.Identities()
		maps.DeleteFunc(own, func(id standin.Identity, _ types.UID) bool { return id.Name == extraIssuer(k.first) })
		k.before = append(k.before, own)
		versions, err := foreignVersions(c)
		if err != nil {
			return err
		}
		k.foreign = append(k.foreign, versions)
	}
	return nil
}

func foreignVersions(c *standin.Cluster) (map[string]string, error) {
	versions := map[string]string{}
	for gvr := range foreignObjects {
		o, err := c.Object(gvr, foreignNamespace(gvr), "theirs")
		if err != nil {
			return nil, err
		}
		versions[gvr.Resource] = "gone"
		if o != nil {
			versions[gvr.Resource] = fmt.Sprint(o.GetUID(), " generation ", o.GetGeneration())
		}
	}
	return versions, nil
}

// change asks for another revision: one issuer is changed, one goes and one
// comes.
func (k *kills) change(ctx context.Context, n int) error {
	return k.Change(ctx, func(s *v1alpha1.TLSPlatformSpec) {
		for i := range s.Issuers {
			switch s.Issuers[i].Name {
			case benchIssuer:
				s.Issuers[i] = selfSigned(benchIssuer, issuerMark(n))
			case extraIssuer(n - 1):
				s.Issuers[i] = selfSigned(extraIssuer(n), issuerMark(n))
			}
		}
	})
}

// converged waits until every member has the revision, and says that it is in
// sync.
func (k *kills) converged(ctx context.Context, n int) error {
	for name, cond := range map[string]func(*unstructured.Unstructured) bool{
		benchIssuer:        hasMark(n),
		extraIssuer(n):     hasMark(n),
		extraIssuer(n - 1): func(u *unstructured.Unstructured) bool { return u == nil },
	} {
		if err := awaitAll(ctx, k.clusters, name, cond); err != nil {
			return err
		}
	}
	platform, err := k.WaitPlatform(ctx, v1alpha1.ConditionRolloutComplete, metav1.ConditionTrue, "")
	if err != nil {
		return fmt.Errorf("%w; the condition is %v", err, platform)
	}
	return k.waitMembers(ctx, len(k.clusters), inSync)
}

// round is one rollout with a kill. harm says what came of it that must not;
// err that it can't go on.
func (k *kills) round(ctx context.Context, i int) (harm, err error) {
	n := k.first + 1 + i
	if err := k.change(ctx, n); err != nil {
		return nil, err
	}
	if err := pause(ctx, time.Duration(k.random.Float64()*killSlack*float64(k.whole))); err != nil {
		return nil, err
	}
	if err := k.kill(); err != nil {
		return nil, err
	}
	if err := k.start(ctx); err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeoutCause(ctx, killPatience, fmt.Errorf("not within %s", killPatience))
	defer cancel()
	if err := k.converged(bounded, n); err != nil {
		return nil, fmt.Errorf("kill %d: the fleet does not converge: %w", i+1, err)
	}
	return k.look(n), nil
}

// killPatience bounds how long a fleet may take to converge after a kill.
const killPatience = 3 * time.Minute

// look compares what every member has with what it had.
func (k *kills) look(n int) error {
	var errs []error
	for i, c := range k.clusters {
		now := c.Identities()
		for id, uid := range k.before[i] {
			if now[id] != uid {
				errs = append(errs, fmt.Errorf("%s: %s %s is gone or was made anew", c.Name, id.Kind, id.Name))
			}
			delete(now, id)
		}
		for id := range now {
			if id.Name != extraIssuer(n) {
				errs = append(errs, fmt.Errorf("%s: %s %s was not there before and is not declared", c.Name, id.Kind, id.Name))
			}
		}
		foreign, err := foreignVersions(c)
		if err == nil && !maps.Equal(foreign, k.foreign[i]) {
			err = fmt.Errorf("%s: others' objects were %v and are %v", c.Name, k.foreign[i], foreign)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
