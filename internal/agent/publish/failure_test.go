package publish

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

var resource = schema.GroupResource{Group: "tlsplatform.io", Resource: "certificateslices"}

func TestPagesFailing(t *testing.T) {
	t.Parallel()
	tooMany := apierrors.NewTooManyRequests("slow down", 7)
	invalid := apierrors.NewInvalid(schema.GroupKind{Group: "tlsplatform.io", Kind: "CertificateSlice"}, "x", nil)
	cases := map[string]struct {
		fails   string
		err     error
		writes  []string
		retried []string
	}{
		"an API server that asks for patience is left alone": {
			fails: "update inventory-0", err: tooMany,
			retried: []string{"update inventory-0", "update inventory-1"},
		},
		"a page that is refused does not stop the next": {
			fails: "update inventory-0", err: invalid,
			writes:  []string{"update inventory-1"},
			retried: []string{"update inventory-0"},
		},
		"a page that is always in conflict does not stop the next": {
			fails: "update inventory-0", err: apierrors.NewConflict(resource, "inventory-0", errors.New("changed")),
			writes:  []string{"update inventory-1"},
			retried: []string{"update inventory-0"},
		},
		"pages that were written are not written again": {
			fails: "update inventory-1", err: errors.New("connection refused"),
			writes:  []string{"update inventory-0"},
			retried: []string{"update inventory-1"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newRecorder(t)
			e := &estate{}
			e.fill(0, 300)
			p := restored(t, api)
			publish(t, p, e)
			api.took()
			for i := range 300 {
				e.set(secret(i), ingressView(i, 1))
			}
			api.refuse = func(write string) error {
				if write == c.fails {
					return c.err
				}
				return nil
			}
			_, err := p.Pages(t.Context(), e, allShards())
			if !errors.Is(err, c.err) || !strings.Contains(err.Error(), strings.Fields(c.fails)[1]) {
				t.Errorf("the error is %v", err)
			}
			if seconds, ok := apierrors.SuggestsClientDelay(err); ok != errors.Is(c.err, tooMany) || ok && seconds != 7 {
				t.Errorf("the error suggests a delay of %d s: %t", seconds, ok)
			}
			if diff := cmp.Diff(c.writes, api.took()); diff != "" {
				t.Errorf("writes (-want +got):\n%s", diff)
			}
			api.refuse = func(string) error { return nil }
			publish(t, p, e)
			if diff := cmp.Diff(c.retried, api.took()); diff != "" {
				t.Errorf("writes of the next call (-want +got):\n%s", diff)
			}
			checkPages(t, e, api.pages(t))
		})
	}
}

func TestManyFailuresAreToldInShort(t *testing.T) {
	t.Parallel()
	var f failures
	for range 100 {
		f.add("inventory-0", apierrors.NewBadRequest("no"))
	}
	if got := f.join().Error(); len(got) > 500 || !strings.Contains(got, "and 96 more pages") {
		t.Errorf("the error is %q", got)
	}
}

func TestInterruptedSplitAndMerge(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		before, after int
		fails         string
		// err is what fails it, by default that the API server does not answer.
		err error
		// pages that are there when the process ends, and when the next one has
		// published.
		left, then []string
	}{
		"split before the second half": {
			before: 100, after: 300, fails: "create inventory-1",
			left: []string{"inventory", "inventory-0"}, then: []string{"inventory-0", "inventory-1"},
		},
		"split with a second half that is refused": {
			before: 100, after: 300, fails: "create inventory-1", err: apierrors.NewBadRequest("no"),
			left: []string{"inventory", "inventory-0"}, then: []string{"inventory-0", "inventory-1"},
		},
		"split before the whole is deleted": {
			before: 100, after: 300, fails: "delete inventory",
			left: []string{"inventory", "inventory-0", "inventory-1"}, then: []string{"inventory-0", "inventory-1"},
		},
		"merge before the whole is written": {
			before: 300, after: 50, fails: "create inventory",
			left: []string{"inventory-0", "inventory-1"}, then: []string{"inventory"},
		},
		"merge before the halves are deleted": {
			before: 300, after: 50, fails: "delete inventory-0",
			left: []string{"inventory", "inventory-0", "inventory-1"}, then: []string{"inventory"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.err == nil {
				c.err = errors.New("connection refused")
			}
			api := newRecorder(t)
			e := &estate{}
			e.fill(0, c.before)
			p := restored(t, api)
			publish(t, p, e)
			for i := c.after; i < c.before; i++ {
				e.set(secret(i))
			}
			e.fill(c.before, c.after)
			api.refuse = func(write string) error {
				if write == c.fails {
					return c.err
				}
				return nil
			}
			if _, err := p.Pages(t.Context(), e, allShards()); err == nil {
				t.Error("no error is returned")
			}
			pages := api.pages(t)
			if diff := cmp.Diff(c.left, pageNames(pages)); diff != "" {
				t.Errorf("pages when it is interrupted (-want +got):\n%s", diff)
			}
			for _, name := range e.names()[:min(c.before, c.after)] {
				if !slices.Contains(published(pages), name) {
					t.Fatalf("%s is on no page when it is interrupted", name)
				}
			}
			api.refuse = func(string) error { return nil }
			again := restored(t, api)
			publish(t, again, e)
			checkPages(t, e, api.pages(t))
			if diff := cmp.Diff(c.then, pageNames(api.pages(t))); diff != "" {
				t.Errorf("pages after a restart (-want +got):\n%s", diff)
			}
		})
	}
}

func TestChangesByHandArePutRight(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change  func(t *testing.T, c client.Client)
		drifted int
		writes  []string
	}{
		"nothing changed": {change: func(*testing.T, client.Client) {}},
		"a record was edited": {
			change: func(t *testing.T, c client.Client) {
				edit(t, c, func(page *v1alpha1.CertificateSlice) { page.Records[0].Subject = "CN=somebody else" })
			},
			drifted: 1, writes: []string{"update inventory-1"},
		},
		"a label was taken away": {
			change: func(t *testing.T, c client.Client) {
				edit(t, c, func(page *v1alpha1.CertificateSlice) { page.Labels = nil })
			},
			drifted: 1, writes: []string{"create inventory-1", "update inventory-1"},
		},
		"a page was deleted": {
			change: func(t *testing.T, c client.Client) {
				page := &v1alpha1.CertificateSlice{}
				page.Namespace, page.Name = testNamespace, "inventory-1"
				if err := c.Delete(t.Context(), page); err != nil {
					t.Fatal(err)
				}
			},
			drifted: 1, writes: []string{"create inventory-1"},
		},
		"a copy of a page was made": {
			change: func(t *testing.T, c client.Client) {
				page := &v1alpha1.CertificateSlice{}
				page.Namespace, page.Name = testNamespace, "copy"
				page.Labels = map[string]string{names.LabelAgent: v1alpha1.AgentName}
				page.Records = []v1alpha1.CertificateRecord{{Kind: "Secret", Name: "copy"}}
				if err := c.Create(t.Context(), page); err != nil {
					t.Fatal(err)
				}
			},
			drifted: 1, writes: []string{"delete copy"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, restart := range []bool{false, true} {
				api := newRecorder(t)
				e := &estate{}
				e.fill(0, 300)
				p := restored(t, api)
				publish(t, p, e)
				c.change(t, api)
				api.took()
				if restart {
					p = restored(t, api)
				} else if drifted, err := p.Verify(t.Context()); err != nil || drifted != c.drifted {
					t.Errorf("%d pages are said to have drifted, error %v", drifted, err)
				}
				publish(t, p, e)
				// A refused create is tried on the way to an update.
				if diff := cmp.Diff(c.writes, api.took()); diff != "" {
					t.Errorf("restart %t: writes (-want +got):\n%s", restart, diff)
				}
				checkPages(t, e, api.pages(t))
				if drifted, err := p.Verify(t.Context()); err != nil || drifted != 0 {
					t.Errorf("restart %t: then %d pages are said to have drifted, error %v", restart, drifted, err)
				}
			}
		})
	}
}

func TestAWriteMeetsChangesByHand(t *testing.T) {
	t.Parallel()
	api := newRecorder(t)
	e := &estate{}
	e.fill(0, 300)
	p := restored(t, api)
	publish(t, p, e)
	edit(t, api, func(page *v1alpha1.CertificateSlice) { page.Records = page.Records[:1] })
	page := &v1alpha1.CertificateSlice{}
	page.Namespace, page.Name = testNamespace, "inventory-0"
	if err := api.Delete(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		e.set(secret(i), ingressView(i, 1))
	}
	publish(t, p, e, allShards()...)
	checkPages(t, e, api.pages(t))
}

func edit(t *testing.T, c client.Client, change func(*v1alpha1.CertificateSlice)) {
	t.Helper()
	page := &v1alpha1.CertificateSlice{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: testNamespace, Name: "inventory-1"}, page); err != nil {
		t.Fatal(err)
	}
	change(page)
	if err := c.Update(t.Context(), page); err != nil {
		t.Fatal(err)
	}
}
