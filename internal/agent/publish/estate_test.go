package publish

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

const testNamespace = "tls-platform-system"

// estate is an inventory for tests.
type estate struct {
	shards [inventory.Shards]map[inventory.Place][]inventory.View
}

func (e *estate) Each(shard int, f func(*inventory.View)) {
	places := slices.SortedFunc(maps.Keys(e.shards[shard]), comparePlaces)
	for _, place := range places {
		for _, v := range e.shards[shard][place] {
			f(&v)
		}
	}
}

// set puts an object with these records, or takes it away when there are none.
func (e *estate) set(place inventory.Place, views ...inventory.View) {
	shard := place.Shard()
	if len(views) == 0 {
		delete(e.shards[shard], place)
		return
	}
	if e.shards[shard] == nil {
		e.shards[shard] = map[inventory.Place][]inventory.View{}
	}
	object := &inventory.Object{Place: place, Records: make([]inventory.Record, 0, len(views))}
	for i := range views {
		object.Records = append(object.Records, *views[i].Record)
		views[i].Object = object
		views[i].Record = &object.Records[i]
	}
	e.shards[shard][place] = views
}

// fill adds the Secrets with these numbers.
func (e *estate) fill(from, to int) {
	for i := from; i < to; i++ {
		e.set(secret(i), ingressView(i, 0))
	}
}

// names are the objects and keys that should be published.
func (e *estate) names() []string {
	var list []string
	for shard := range inventory.Shards {
		e.Each(shard, func(v *inventory.View) { list = append(list, recordName(RecordOf(v))) })
	}
	slices.Sort(list)
	return list
}

func recordName(r v1alpha1.CertificateRecord) string {
	return r.Kind + " " + r.Namespace + "/" + r.Name + " " + r.Key
}

func secret(i int) inventory.Place {
	return inventory.Place{Kind: inventory.KindSecret, Namespace: fmt.Sprintf("team-%03d", i%400), Name: fmt.Sprintf("shop-%05d-tls", i)}
}

// ingressView is the certificate of an Ingress as cert-manager makes it.
func ingressView(i, renewed int) inventory.View {
	place := secret(i)
	host := fmt.Sprintf("shop-%05d.apps.example.com", i)
	leaf := &certificate.Certificate{
		Fingerprint: sha256.Sum256(fmt.Appendf(nil, "%s %d", host, renewed)),
		Subject:     "CN=" + host,
		Issuer:      "CN=Example Issuing CA 3,O=Example Corp,C=DE",
		Serial:      fmt.Sprintf("%032x", 1<<60+i),
		Names:       []string{host, "www." + host},
		NameCount:   2,
		NotBefore:   1764000000 + int64(renewed),
		NotAfter:    1764000000 + 90*day,
		PublicKey:   "ECDSA P-256",
		Signature:   "SHA256-RSA",
	}
	return inventory.View{
		Record: &inventory.Record{
			Key:   "tls.crt",
			Value: &certificate.Bundle{Format: certificate.PEM, Count: 2, Certificates: []*certificate.Certificate{leaf, issuingCA}},
		},
		Layer:       v1alpha1.LayerIngress,
		Manager:     inventory.ManagedByCertManager,
		ManagerName: "Certificate " + place.Namespace + "/" + place.Name,
		Issuer:      &inventory.IssuerRef{Kind: "ClusterIssuer", Name: "letsencrypt", Group: "cert-manager.io"},
		Renewal:     1764000000 + 60*day,
		Owner:       "team-shop",
		Referrers: []reference.Referrer{{
			Source: reference.Source{Kind: "Ingress", Namespace: place.Namespace, Name: "shop"}, Field: ".spec.tls[*].secretName",
			Layer: v1alpha1.LayerIngress, Certain: true,
		}},
		Use: reference.Verdict{Use: reference.Used, Reason: "Ingress " + place.Namespace + "/shop names it"},
	}
}

var issuingCA = &certificate.Certificate{
	Fingerprint: sha256.Sum256([]byte("issuing CA")),
	Subject:     "CN=Example Issuing CA 3,O=Example Corp,C=DE",
	Issuer:      "CN=Example Root CA,O=Example Corp,C=DE",
	NotAfter:    1764000000 + 1000*day,
	IsCA:        true,
}

func testScheme(t testing.TB) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return scheme
}

// recorder is an API server that notes what is written: "create inventory".
type recorder struct {
	client.Client
	writes []string
	// refuse is asked before each write.
	refuse func(write string) error
}

func newRecorder(t testing.TB, objects ...client.Object) *recorder {
	t.Helper()
	r := &recorder{refuse: func(string) error { return nil }}
	note := func(verb string, o client.Object) error {
		write := verb + " " + o.GetName()
		if err := r.refuse(write); err != nil {
			return err
		}
		r.writes = append(r.writes, write)
		return nil
	}
	r.Client = interceptor.NewClient(fake.NewClientBuilder().WithScheme(testScheme(t)).WithObjects(objects...).
		WithStatusSubresource(&v1alpha1.TLSAgent{}).Build(), interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			if err := note("create", o); err != nil {
				return err
			}
			return c.Create(ctx, o, opts...)
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			if err := note("update", o); err != nil {
				return err
			}
			return c.Update(ctx, o, opts...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			if err := note("delete", o); err != nil {
				return err
			}
			return c.Delete(ctx, o, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			if err := note("patch", o); err != nil {
				return err
			}
			return c.SubResource(sub).Patch(ctx, o, patch, opts...)
		},
	})
	return r
}

// took are the writes since the last call.
func (r *recorder) took() []string {
	writes := r.writes
	r.writes = nil
	return writes
}

// pages are all pages that exist, by name.
func (r *recorder) pages(t testing.TB) map[string]v1alpha1.CertificateSlice {
	t.Helper()
	var list v1alpha1.CertificateSliceList
	if err := r.List(t.Context(), &list, client.InNamespace(testNamespace)); err != nil {
		t.Fatal(err)
	}
	pages := map[string]v1alpha1.CertificateSlice{}
	for _, page := range list.Items {
		pages[page.Name] = page
	}
	return pages
}

// published are the objects and keys on the pages, each as often as it is there.
func published(pages map[string]v1alpha1.CertificateSlice) []string {
	var list []string
	for _, page := range pages {
		for _, r := range page.Records {
			list = append(list, recordName(r))
		}
	}
	slices.Sort(list)
	return list
}

// restored is a Publisher that starts anew on what the API server holds.
func restored(t testing.TB, c client.Client) *Publisher {
	t.Helper()
	p := New(Options{Client: c, Namespace: testNamespace, Agent: v1alpha1.AgentName})
	if _, err := p.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

// publish has all given shards published without error.
func publish(t testing.TB, p *Publisher, views Views, dirty ...int) (writes int) {
	t.Helper()
	writes, err := p.Pages(t.Context(), views, dirty)
	if err != nil {
		t.Fatal(err)
	}
	return writes
}

// difference shows the first difference of two long lists.
func difference(want, got []string) string {
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			return fmt.Sprintf("%d and %d entries, which differ at %d: %s", len(want), len(got), i,
				strings.Join([]string{cmp.Or(at(want, i), "none"), cmp.Or(at(got, i), "none")}, " and "))
		}
	}
	return ""
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}
