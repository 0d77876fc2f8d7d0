package apply

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
)

func TestPrunable(t *testing.T) {
	t.Parallel()
	crd := desired.Ref{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition", Name: "certificates.cert-manager.io"}
	deployment := desired.Ref{Group: "apps", Kind: "Deployment", Namespace: "cert-manager", Name: "cert-manager"}
	hook := desired.Ref{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration", Name: "cert-manager-webhook"}
	issuer := desired.Ref{Group: "cert-manager.io", Kind: "ClusterIssuer", Name: "internal"}
	bundle := desired.Ref{Group: "trust.cert-manager.io", Kind: "Bundle", Name: "ca"}
	entries := map[desired.Ref]ledger.Entry{
		crd: {Part: desired.CertManager}, deployment: {Part: desired.CertManager}, hook: {Part: desired.CertManager},
		issuer: {Part: desired.Issuers}, bundle: {Part: desired.Trust},
	}
	cases := map[string]struct {
		wanted map[desired.Ref]bool
		kept   []desired.PartName
		want   []desired.Ref
	}{
		"nothing is removed while all is wanted": {
			map[desired.Ref]bool{crd: true, deployment: true, hook: true, issuer: true, bundle: true}, nil, nil,
		},
		"parts go in reverse order, and within a part webhooks first and CRDs last": {
			nil, nil, []desired.Ref{bundle, issuer, hook, deployment, crd},
		},
		"a part that could not be planned is left alone": {
			nil, []desired.PartName{desired.CertManager}, []desired.Ref{bundle, issuer},
		},
		"only what is no longer wanted goes": {
			map[desired.Ref]bool{crd: true, deployment: true, hook: true, issuer: true}, nil, []desired.Ref{bundle},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, more := prunable(&ledger.Ledger{Entries: entries}, c.wanted, c.kept, orderOf)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("prunable (-want +got):\n%s", diff)
			}
			if more {
				t.Error("more = true for a handful of objects")
			}
		})
	}
}

func TestPruneIsBounded(t *testing.T) {
	t.Parallel()
	entries := map[desired.Ref]ledger.Entry{}
	for i := range 60 {
		entries[desired.Ref{Kind: "ConfigMap", Namespace: "a", Name: fmt.Sprint(i)}] = ledger.Entry{Part: desired.Monitoring}
	}
	list, more := prunable(&ledger.Ledger{Entries: entries}, nil, nil, orderOf)
	if len(list) != 30 || !more {
		t.Errorf("a wrong plan would remove %d of 60 objects in one run (more=%v), want 30 and more", len(list), more)
	}
}

func orderOf(p desired.PartName) int { return slices.Index(desired.Order, p) }

func TestEveryPartHasAnIdentityToBePrunedUnder(t *testing.T) {
	t.Parallel()
	want := map[desired.PartName]desired.Identity{
		desired.Access:      desired.IdentityInstaller,
		desired.CertManager: desired.IdentityInstaller, desired.TrustManager: desired.IdentityInstaller, desired.Agent: desired.IdentityInstaller,
		desired.Issuers: desired.IdentityHub, desired.Policy: desired.IdentityHub, desired.Trust: desired.IdentityHub,
		desired.Monitoring: desired.IdentityHub, desired.Inventory: desired.IdentityHub,
	}
	for _, part := range desired.Order {
		if got := identityOf(part); got != want[part] {
			t.Errorf("%s is pruned under %q, want %q", part, got, want[part])
		}
	}
}
