package reference

import (
	"github.com/tlsplatform/tls-platform-operator/internal/names"

	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	annotated := func(key, value string) Metadata {
		return Metadata{Namespace: "shop", Name: "web", Annotations: map[string]string{key: value}}
	}
	labelled := func(key, value string) Metadata {
		return Metadata{Namespace: "shop", Name: "web", Labels: map[string]string{key: value}}
	}
	exempt := func(reason string) *Subject { return &Subject{Exempt: reason} }
	cases := map[string]struct {
		metadata Metadata
		want     *Subject
	}{
		"nothing special":    {Metadata{Namespace: "shop", Name: "web", Type: "kubernetes.io/tls"}, nil},
		"opted out":          {annotated(names.AnnotationOrphan, "ignore"), exempt("Its annotation tlsplatform.io/orphan says ignore.")},
		"opted out wrongly":  {annotated(names.AnnotationOrphan, "no"), nil},
		"key of a request":   {labelled("cert-manager.io/next-private-key", "true"), exempt("cert-manager keeps the key of a request in it.")},
		"CA of Istio itself": {Metadata{Name: "istio-ca-secret"}, exempt("Istio keeps its CA in the Secret of this name.")},
		"CA given to Istio":  {Metadata{Name: "cacerts"}, exempt("Istio reads its CA from the Secret of this name.")},
		"ConfigMap that is named like a Secret of Istio": {Metadata{Kind: ConfigMap, Name: "cacerts"}, nil},
		"issuer of Linkerd":           {Metadata{Name: "linkerd-identity-issuer"}, exempt("Linkerd reads its issuer from the Secret of this name.")},
		"trust anchors of Linkerd":    {Metadata{Kind: ConfigMap, Name: "linkerd-identity-trust-roots"}, exempt("Linkerd reads its trust anchors by this name.")},
		"CA of Cilium":                {Metadata{Name: "cilium-ca"}, exempt("Cilium keeps its CA in the Secret of this name.")},
		"certificate of Hubble":       {Metadata{Name: "hubble-relay-client-certs"}, exempt("Cilium reads it by its name.")},
		"certificate of Cluster Mesh": {Metadata{Name: "clustermesh-apiserver-remote-cert"}, exempt("Cilium reads it by its name.")},
		"somebody's own hubble-tls":   {Metadata{Name: "hubble-tls"}, nil},
		"webhook of OLM":              {labelled("olm.managed", "true"), exempt("The Operator Lifecycle Manager made it for a webhook or an API.")},
		"token of a ServiceAccount":   {Metadata{Type: "kubernetes.io/service-account-token"}, exempt("It is the token of a ServiceAccount.")},
		"bootstrap token":             {Metadata{Type: "bootstrap.kubernetes.io/token"}, exempt("It is a bootstrap token of Kubernetes.")},
		"release of Helm":             {Metadata{Type: "helm.sh/release.v1"}, exempt("Helm keeps a release in it.")},
		"server of Argo CD":           {Metadata{Name: "argocd-repo-server-tls"}, exempt("Argo CD reads it by its name.")},
		"cluster of Argo CD":          {labelled("argocd.argoproj.io/secret-type", "cluster"), exempt("Argo CD finds it by its label argocd.argoproj.io/secret-type.")},
		"CA of Kong":                  {labelled("konghq.com/ca-cert", "true"), exempt("Kong loads it by its label konghq.com/ca-cert.")},
		"target of trust-manager":     {labelled("trust.cert-manager.io/bundle", "roots"), exempt("trust-manager made it for everybody in its namespace.")},
		"owned by a controller": {
			Metadata{ControllerAPIVersion: "apps/v1", ControllerKind: "StatefulSet", ControllerName: "db"},
			exempt("StatefulSet db owns it."),
		},
		"owned by a Certificate, which is no user": {
			Metadata{ControllerAPIVersion: "cert-manager.io/v1", ControllerKind: "Certificate", ControllerName: "web"}, nil,
		},
		"owned by a Certificate of somebody else": {
			Metadata{ControllerAPIVersion: "networking.internal.knative.dev/v1", ControllerKind: "Certificate", ControllerName: "web"},
			exempt("Certificate web owns it."),
		},
		"mirror of reflector":            {annotated(reflectorMirror, "certs/wildcard"), &Subject{ReplicatedFrom: "certs/wildcard"}},
		"source of reflector":            {annotated(reflectorAllowed, "true"), &Subject{Replicates: true}},
		"source of reflector, automatic": {annotated(reflectorAuto, "true"), &Subject{Replicates: true}},
		"reflection that is forbidden":   {annotated(reflectorAllowed, "false"), nil},
		"copy of replicator":             {annotated(replicatorFrom, "certs/wildcard"), &Subject{ReplicatedFrom: "certs/wildcard"}},
		"copy that replicator pushed":    {annotated(replicatorVersion, "42"), &Subject{ReplicatedFrom: "*/web"}},
		"source of replicator":           {annotated(replicatorTo, "team-.*"), &Subject{Replicates: true}},
		"source of replicator by labels": {annotated(replicatorMatching, "tls=true"), &Subject{Replicates: true}},
		"source that permits replicator": {annotated(replicatorAllowed, "true"), &Subject{Replicates: true}},
		"source of config-syncer":        {annotated(syncerSync, ""), &Subject{Replicates: true}},
		"copy of config-syncer": {
			Metadata{Namespace: "shop", Name: "wildcard", Labels: map[string]string{syncerName: "wildcard", syncerNamespace: "certs"}},
			&Subject{ReplicatedFrom: "certs/wildcard"},
		},
		"copy of itself":          {annotated(reflectorMirror, "shop/web"), nil},
		"copy of a hostile value": {annotated(reflectorMirror, "%n/../../x"), nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, Describe(c.metadata)); diff != "" {
				t.Errorf("subject (-want +got):\n%s", diff)
			}
			for _, keys := range []map[string]string{c.metadata.Labels, c.metadata.Annotations} {
				for key := range keys {
					if !Relevant(key) {
						t.Errorf("%s is looked at and not relevant", key)
					}
				}
			}
		})
	}
	if Relevant("app.kubernetes.io/name") {
		t.Error("a label that is not looked at is relevant")
	}
}
