package estate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
)

var deployment = desired.Ref{Group: "apps", Kind: "Deployment", Namespace: "cert-manager", Name: "webhook"}

func rolledOut(ready int) map[string]any {
	o := entity(deployment, "u", ours)
	o["metadata"].(map[string]any)["generation"] = 2
	o["spec"] = map[string]any{"replicas": 2}
	status := "False"
	if ready > 0 {
		status = "True"
	}
	o["status"] = map[string]any{
		"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "readyReplicas": ready, "availableReplicas": ready,
		"conditions": []any{map[string]any{"type": "Available", "status": status, "reason": "R", "message": "M"}},
	}
	return o
}

func TestHealth(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.Serve(served(), nil)
	s.writes("1", map[desired.Ref]ledger.Entry{deployment: entry(t, "u", ours), cmRef("a"): entry(t, "u", ours)})
	s.reads("deployments", rolledOut(2))
	s.reads("configmaps")
	s.after(settling)
	s.news()
	step := func(when string, news bool, want ...v1alpha1.UnhealthyItem) {
		t.Helper()
		if n, _ := s.news(); (n > 0) != news {
			t.Errorf("%s: %d changes were told", when, n)
		}
		r := s.after(0)
		if diff := cmp.Diff(want, r.UnhealthyObjects); diff != "" || int(r.Unhealthy) != len(want) {
			t.Errorf("%s: %d, (-want +got):\n%s", when, r.Unhealthy, diff)
		}
	}
	item := func(message string, serving bool) v1alpha1.UnhealthyItem {
		return v1alpha1.UnhealthyItem{ObjectReference: referenceOf(deployment), Message: message, Serving: serving}
	}
	step("all is well, and that a ConfigMap is gone is drift", false)
	s.event("deployments", rolledOut(1))
	step("while it is rolled out", true, item("Available: 1/2", true))
	s.event("deployments", rolledOut(0))
	step("when nothing serves", true, item("Available: 0/2", false))
	s.event("deployments", rolledOut(2))
	step("when it is back", true)
	s.gone("deployments", rolledOut(2))
	step("when it is gone, at first", true)
	s.after(settling)
	step("and then", false, item("it does not exist", false))
	s.tail("deployments").Report(tail.State{Condition: tail.Forbidden})
	step("when that can't be told any more", true)
}

// TestHealthOfDefinitionsAndWebhooks: what the verdict depends on is decoded.
func TestHealthOfDefinitionsAndWebhooks(t *testing.T) {
	t.Parallel()
	condition := func(kind string) map[string]any {
		return map[string]any{"conditions": []any{map[string]any{"type": kind, "status": "True"}}}
	}
	hook := func(ca string) map[string]any {
		return map[string]any{
			"metadata": map[string]any{"name": "w", "annotations": map[string]any{"cert-manager.io/inject-ca-from": "a/b"}},
			"webhooks": []any{map[string]any{"name": "w", "clientConfig": map[string]any{"caBundle": ca}}},
		}
	}
	issuer := func(observed int) map[string]any {
		return map[string]any{
			"metadata": map[string]any{"name": "i", "generation": 3},
			"status": map[string]any{"conditions": []any{
				map[string]any{"type": "Ready", "status": "True", "observedGeneration": observed},
			}},
		}
	}
	tests := map[string]struct {
		kind   desired.Ref
		object map[string]any
		says   string // empty for healthy
	}{
		"an established definition":          {desired.Ref{Group: "apiextensions.k8s.io", Kind: definition}, map[string]any{"status": condition("Established")}, ""},
		"a new definition":                   {desired.Ref{Group: "apiextensions.k8s.io", Kind: definition}, map[string]any{}, "Install in progress"},
		"a webhook with a CA":                {desired.Ref{Kind: "ValidatingWebhookConfiguration"}, hook("eA=="), ""},
		"a webhook without a CA":             {desired.Ref{Kind: "ValidatingWebhookConfiguration"}, hook(""), "caBundle"},
		"an issuer that is ready":            {desired.Ref{Group: "cert-manager.io", Kind: "ClusterIssuer"}, issuer(3), ""},
		"an issuer that was ready":           {desired.Ref{Group: "cert-manager.io", Kind: "ClusterIssuer"}, issuer(2), "has not been looked at"},
		"what is only there":                 {desired.Ref{Kind: "Service"}, map[string]any{"spec": 5}, ""},
		"a spec that is none":                {desired.Ref{Group: "apps", Kind: "Deployment"}, map[string]any{"spec": 5}, "decoding its spec"},
		"a definition whose spec is no such": {desired.Ref{Group: "apiextensions.k8s.io", Kind: definition}, map[string]any{"spec": 5, "status": condition("Established")}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := object{}
			if d, ok := decode(encode(t, tt.object)); ok {
				o = *reduce(d, scope{GroupKind: tt.kind.GroupKind()}, "v1", "m", nil)
			} else {
				t.Fatal("it can't be decoded")
			}
			if o.health.Ready != (tt.says == "") || !strings.Contains(o.health.Message, tt.says) {
				t.Errorf("%+v", o.health)
			}
		})
	}
}

func TestNumbersStayWholeNumbers(t *testing.T) {
	t.Parallel()
	d, ok := decode([]byte(`{"status":{"observedGeneration":9007199254740993}}`))
	if !ok || d.Status["observedGeneration"] != int64(9007199254740993) {
		t.Errorf("%T %v", d.Status["observedGeneration"], d.Status["observedGeneration"])
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	t.Parallel()
	fields := `{"f:data":{"f:` + strings.Repeat("x", maxKept) + `":{}}}`
	d, ok := decode(encode(t, entity(cmRef("a"), "u", fields)))
	if !ok {
		t.Fatal("it can't be decoded")
	}
	manager := "tls-platform/" + string(testPart)
	if o := reduce(d, scope{GroupKind: cmRef("a").GroupKind()}, "v1", manager, nil); o.owned != nil || o.fields == "" {
		t.Errorf("%d bytes are kept", len(o.owned))
	}
	d, _ = decode(encode(t, entity(cmRef("a"), "u", ours)))
	if o := reduce(d, scope{GroupKind: schema.GroupKind{Kind: definition}}, "v1", manager, nil); o.owned != nil {
		t.Error("fields of a definition are kept")
	}
	garbled := entity(cmRef("a"), "u", `"x"`)
	d, _ = decode(encode(t, garbled))
	if o := reduce(d, scope{GroupKind: cmRef("a").GroupKind()}, "v1", manager, nil); o.fields != "unreadable" {
		t.Errorf("fields that can't be read have the hash %s", o.fields)
	}
	var many strings.Builder
	for i := range 20 {
		if i > 0 {
			many.WriteByte(',')
		}
		many.WriteString(`"f:` + strings.Repeat("k", i+1) + `":{}`)
	}
	d, _ = decode(encode(t, entity(cmRef("a"), "u", "{}")))
	lost := explain(d.Metadata.ManagedFields, manager, []byte(`{"f:data":{`+many.String()+`}}`))
	if len(lost.Fields) != maxFields {
		t.Errorf("%d fields are named", len(lost.Fields))
	}
	if c := explain(nil, manager, []byte(`{`)); len(c.Fields) != 0 || !c.Since.Equal(time.Time{}) {
		t.Errorf("%+v", c)
	}
}
