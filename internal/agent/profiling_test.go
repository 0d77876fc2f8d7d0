package agent

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/profile"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// profiling is a session that reads nothing by itself.
func profiling(t *testing.T) *session {
	t.Helper()
	table, bad := reference.NewTable(nil)
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	a := &Agent{
		inv: inventory.New(time.Now, func() time.Duration { return 0 }), parser: certificate.NewParser(),
		profile: profile.NewStore(func() {}), followed: map[schema.GroupKind]bool{},
	}
	a.estate = a.newEstate()
	return &session{Agent: a, table: table, cover: newCoverage(time.Now)}
}

func (s *session) profileNow() *v1alpha1.ClusterProfile {
	return s.profile.Profile(profile.Input{CA: s.authorityIn, ClusterResourceNamespace: "cert-manager"})
}

// TestProfileOfWorkloads: a Deployment is kept while it is there and belongs to
// a component, and its listings take away what they don't have.
func TestProfileOfWorkloads(t *testing.T) {
	t.Parallel()
	s := profiling(t)
	sink := s.deployments()
	raw := func(version string) []byte {
		d := appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "certs", Name: "trust-manager"}}
		if version != "" {
			d.Labels = map[string]string{"app.kubernetes.io/name": "trust-manager", "app.kubernetes.io/version": version}
		}
		raw, err := d.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	expect := func(when string, want ...string) {
		t.Helper()
		var got []string
		for _, c := range s.profileNow().Components {
			got = append(got, c.Name+" "+c.Version)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
	}
	sink.Begin()
	sink.Object(raw("v1"))
	sink.End()
	expect("listed", "trust-manager v1")
	sink.Object(raw("v2"))
	expect("changed", "trust-manager v2")
	sink.Object(raw(""))
	expect("without its labels")
	sink.Object(raw("v2"))
	sink.Deleted(raw("v2"))
	expect("deleted")
	sink.Object(raw("v2"))
	sink.Begin()
	sink.End()
	expect("not listed")
}

// TestProfileOfKindsThatGo: what a kind left in the profile goes with it.
func TestProfileOfKindsThatGo(t *testing.T) {
	t.Parallel()
	s := profiling(t)
	deny := schema.GroupKind{Group: profile.ConstraintGroup, Kind: "K8sDeny"}
	for gk, object := range map[schema.GroupKind]string{
		deny: `{"metadata":{"name":"deny"},"spec":{"match":{"kinds":[{"apiGroups":["cert-manager.io"]}]}}}`,
		{Group: "cert-manager.io", Kind: "ClusterIssuer"}: `{"metadata":{"name":"ca"},"spec":{"selfSigned":{}}}`,
	} {
		sink := s.tableSink(gk)
		sink.Begin()
		sink.Object([]byte(object))
		sink.End()
		s.followed[gk] = true
	}
	before := s.profileNow()
	if len(before.Policies) != 1 || len(before.Issuers) != 1 {
		t.Fatalf("profile of a policy and an issuer: %+v", before)
	}
	s.followServed(map[schema.GroupKind]schema.GroupVersionResource{}, map[string]bool{"cert-manager.io": true})
	if after := s.profileNow(); len(after.Policies) != 0 || len(after.Issuers) != 1 {
		t.Errorf("profile when one group is gone and the other is silent: %+v", after)
	}
	sink := s.tableSink(deny)
	sink.Object([]byte(`{"metadata":{"name":"deny","labels":{"tlsplatform.io/platform":"main"}}}`))
	sink.Deleted([]byte(`{"metadata":{"name":"deny"}}`))
	if after := s.profileNow(); len(after.Policies) != 0 {
		t.Errorf("a policy that was deleted: %+v", after.Policies)
	}
}

func TestPoliciesAreFollowedAsServed(t *testing.T) {
	t.Parallel()
	s := profiling(t)
	policy := schema.GroupKind{Group: "kyverno.io", Kind: "ClusterPolicy"}
	constraint := schema.GroupKind{Group: profile.ConstraintGroup, Kind: "K8sAny"}
	other := schema.GroupKind{Group: "kyverno.io", Kind: "CleanupPolicy"}
	wanted := s.wantedKinds(map[schema.GroupKind]schema.GroupVersionResource{policy: {}, constraint: {}, other: {}})
	for gk, want := range map[schema.GroupKind]bool{
		policy: true, constraint: true, other: false, certificates: true,
		{Group: "policy.cert-manager.io", Kind: "CertificateRequestPolicy"}: false, // not served
	} {
		if wanted[gk] != want {
			t.Errorf("%s is wanted: %t, want %t", gk, wanted[gk], want)
		}
	}
}

// TestUnreadPoliciesRaiseNoDoubts: no Secret is used by a policy.
func TestUnreadPoliciesRaiseNoDoubts(t *testing.T) {
	t.Parallel()
	s := profiling(t)
	for _, resource := range []string{"clusterpolicies.kyverno.io", "k8sdeny.constraints.gatekeeper.sh", "gateways.networking.istio.io"} {
		s.cover.report(scanner{resource: resource}, tail.State{Condition: tail.Forbidden, Message: "no"})
	}
	if diff := cmp.Diff([]string{"gateways.networking.istio.io: forbidden"}, s.cover.judgement(s.table).Unread); diff != "" {
		t.Error(diff)
	}
}

func TestAuthorityOfASecret(t *testing.T) {
	t.Parallel()
	s := profiling(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	good := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, test := range map[string]struct {
		kind  inventory.Kind
		key   string
		value []byte
		want  string
	}{
		"with a certificate":       {inventory.KindSecret, "tls.crt", good, hex.EncodeToString(sum[:])},
		"under another key":        {inventory.KindSecret, "ca.crt", good, ""},
		"in a ConfigMap":           {inventory.KindConfigMap, "tls.crt", good, ""},
		"without a certificate":    {inventory.KindSecret, "tls.crt", []byte("x"), ""},
		"with one that is damaged": {inventory.KindSecret, "tls.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := profiling(t)
			value, _ := s.parser.Chain(test.value, nil)
			s.inv.Set(&inventory.Object{
				Place:   inventory.Place{Kind: test.kind, Namespace: "certs", Name: "root"},
				Records: []inventory.Record{{Key: test.key, Value: value}},
			}, originSecrets, 1)
			if got := s.authorityIn("certs", "root"); got != test.want {
				t.Errorf("authority %q, want %q", got, test.want)
			}
		})
	}
	if got := s.authorityIn("certs", "root"); got != "" {
		t.Errorf("authority of no Secret: %q", got)
	}
}

// TestTheProfileIsReportedWhole: until everything was read once the one of an
// earlier process stands.
func TestTheProfileIsReportedWhole(t *testing.T) {
	t.Parallel()
	s := profiling(t)
	s.profile.Set(profile.Key{Kind: profile.Bundle, Name: "half"}, &profile.BundleRecord{Digest: "1"})
	earlier := &v1alpha1.ClusterProfile{Omitted: 7}
	task := &assignment{object: &v1alpha1.TLSAgent{Status: v1alpha1.TLSAgentStatus{Profile: earlier}}}
	p := &publication{Agent: s.Agent}
	if got := p.clusterProfile(task); got != earlier {
		t.Errorf("while it is read: %+v", got)
	}
	p.synced = true
	want := &v1alpha1.ClusterProfile{Bundles: []v1alpha1.DigestProfile{{Kind: "Bundle", Name: "half", Digest: "1"}}}
	if diff := cmp.Diff(want, p.clusterProfile(task)); diff != "" {
		t.Error(diff)
	}
	p.synced = false // another session reads all again
	if diff := cmp.Diff(want, p.clusterProfile(task)); diff != "" {
		t.Error(diff)
	}
}
