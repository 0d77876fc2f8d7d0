package publish

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

func TestRestoreReturnsSinceWhenObjectsAreUnreferenced(t *testing.T) {
	t.Parallel()
	api := newRecorder(t)
	e := &estate{}
	e.fill(0, 400)
	want := map[inventory.Place]int64{}
	for i := 0; i < 400; i += 9 {
		v := ingressView(i, 0)
		v.Use = reference.Verdict{Use: reference.Unreferenced}
		v.UnreferencedSince = int64(1700000000 + i)
		e.set(secret(i), v)
		want[secret(i)] = v.UnreferencedSince
	}
	for kind := inventory.KindSecret; kind <= inventory.KindCertificateRequest; kind++ {
		place := inventory.Place{Kind: kind, Name: "cluster-wide"}
		v := ingressView(0, 0)
		v.UnreferencedSince = 1700000000
		e.set(place, v)
		want[place] = v.UnreferencedSince
	}
	publish(t, restored(t, api), e)
	since, err := New(Options{Client: api, Namespace: testNamespace, Agent: v1alpha1.AgentName}).Restore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, since); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRestoreLeavesPagesOfOthersAlone(t *testing.T) {
	t.Parallel()
	page := func(namespace, agent string) client.Object {
		p := &v1alpha1.CertificateSlice{}
		p.Namespace, p.Name = namespace, "inventory-0"
		p.Labels = map[string]string{names.LabelAgent: agent}
		return p
	}
	api := newRecorder(t, page("elsewhere", v1alpha1.AgentName), page(testNamespace, "other"))
	p := restored(t, api)
	publish(t, p, &estate{}, allShards()...)
	if diff := cmp.Diff([]string{"create inventory"}, api.took()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

func TestAnObjectThatIsTooLargeIsShortened(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		records int
		view    func(key int) inventory.View
		listed  func(n int) bool
		note    bool
	}{
		"lists are left out first": {
			records: 300, view: func(key int) inventory.View {
				v := ingressView(0, 0)
				v.Record.Key = "key-" + strconv.Itoa(key)
				return v
			},
			listed: func(n int) bool { return n == 300 },
		},
		"then values, with a note": {
			records: 200, view: hostileView,
			listed: func(n int) bool { return n > 5 && n < 200 }, note: true,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newRecorder(t)
			e := &estate{}
			large := inventory.Place{Kind: inventory.KindConfigMap, Namespace: "default", Name: "large"}
			views := make([]inventory.View, 0, c.records)
			for i := range c.records {
				views = append(views, c.view(i))
			}
			e.set(large, views...)
			e.fill(0, 250)
			p := restored(t, api)
			publish(t, p, e)
			listed, notes := 0, 0
			for name, page := range api.pages(t) {
				if size, _, err := measure(page.Records); err != nil || size > MaxPage-metadataRoom/2 {
					t.Errorf("page %s has %d bytes, error %v", name, size, err)
				}
				for _, r := range page.Records {
					if r.Name == "large" {
						listed++
					}
					if strings.HasSuffix(r.Problem, "of this object, which is too large for a page, are not listed") {
						notes++
					}
				}
			}
			if !c.listed(listed) || c.note != (notes == 1) {
				t.Errorf("%d values are listed, %d notes", listed, notes)
			}
			if n := len(published(api.pages(t))) - listed; n != 250 {
				t.Errorf("%d of 250 other records are there", n)
			}
			if writes := publish(t, restored(t, api), e); writes != 0 {
				t.Errorf("a restart took the writes %q", api.took())
			}
			for i := range 250 {
				e.set(secret(i))
			}
			publish(t, p, e, allShards()...)
			if n := len(api.pages(t)); n != 1 {
				t.Errorf("%d pages are left for one object", n)
			}
		})
	}
}

func TestPagesThatCannotBeSplitSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	large := inventory.Place{Kind: inventory.KindConfigMap, Namespace: "default", Name: "large"}
	e := &estate{}
	views := make([]inventory.View, 0, 300)
	for i := range 300 {
		v := ingressView(0, 0)
		v.Record.Key = strconv.Itoa(i)
		views = append(views, v)
	}
	e.set(large, views...)
	// A second object with the same hash, as a page at the greatest depth may
	// have it.
	twice := viewsFunc(func(shard int, f func(*inventory.View)) {
		e.Each(shard, f)
		object := inventory.Object{Place: large}
		e.Each(shard, func(v *inventory.View) {
			again := *v
			again.Object = &object
			f(&again)
		})
	})
	deep := prefix{bits: large.Hash() &^ (1<<32 - 1), length: maxDepth}
	var c content
	if err := c.collect(twice, deep); err != nil {
		t.Fatal(err)
	}
	if c.overflow || len(c.items) != 300 || c.omitted != 300 {
		t.Fatalf("overflow %t, %d records and %d omitted", c.overflow, len(c.items), c.omitted)
	}
	records := c.records()
	if got, want := records[299].Problem, "300 more values of objects that hash alike are not listed"; got != want {
		t.Errorf("the problem of the last record is %q", got)
	}
	if _, digest, err := measure(records); err != nil || digest != c.digest() {
		t.Errorf("the digest is %q, and of the records %q, error %v", c.digest(), digest, err)
	}
	if err := c.collect(twice, deep.parent()); err != nil || !c.overflow {
		t.Errorf("a page that can be split does not overflow, error %v", err)
	}
}

type viewsFunc func(shard int, f func(*inventory.View))

func (v viewsFunc) Each(shard int, f func(*inventory.View)) { v(shard, f) }

func TestRestoreSaysWhatFailed(t *testing.T) {
	t.Parallel()
	p := New(Options{Client: failing{}, Namespace: testNamespace, Agent: v1alpha1.AgentName})
	_, err := p.Restore(t.Context())
	if err == nil || !errors.Is(err, errDown) || !strings.Contains(err.Error(), testNamespace) {
		t.Errorf("the error of Restore is %v", err)
	}
	if _, err = p.Verify(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("the error of Verify is %v", err)
	}
	if !slices.ContainsFunc(p.leaves, func(l *leaf) bool { return l.dirty }) {
		t.Error("nothing is left to do")
	}
}

var errDown = errors.New("connection refused")

// failing is an API server that does not answer.
type failing struct{ client.Client }

func (failing) List(context.Context, client.ObjectList, ...client.ListOption) error { return errDown }

func TestClearRemovesThePagesOfOneWriter(t *testing.T) {
	t.Parallel()
	page := func(name, agent string) *v1alpha1.CertificateSlice {
		return &v1alpha1.CertificateSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: name, Labels: map[string]string{names.LabelAgent: agent}}}
	}
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(page("served-0", "prober"), page("served-1", "prober"), page("inventory", "default")).Build()
	deleted, err := New(Options{Client: c, Namespace: "system", Agent: "default"}).Clear(t.Context(), "prober")
	if err != nil || deleted != 2 {
		t.Fatalf("deleted %d pages, error %v; want 2", deleted, err)
	}
	var left v1alpha1.CertificateSliceList
	if err := c.List(t.Context(), &left); err != nil || len(left.Items) != 1 || left.Items[0].Name != "inventory" {
		t.Errorf("left are %d pages, error %v; want the agent's alone", len(left.Items), err)
	}
}
