package inventory

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// fixture is an inventory with a clock of its own.
type fixture struct {
	*Inventory
	t      *testing.T
	now    time.Time
	grace  time.Duration
	parser *certificate.Parser
	crt    []byte
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, now: start, grace: time.Hour, parser: certificate.NewParser()}
	f.crt, _, _ = certify(t, nil, "web.example.com", false)
	f.Inventory = New(func() time.Time { return f.now }, func() time.Duration { return f.grace })
	return f
}

func (f *fixture) secret(namespace, name string) *Object {
	o := NewReducer(f.parser).Secret(object(namespace, name, typeTLS, "tls.crt", string(f.crt)))
	o.UID = namespace + "/" + name
	return o
}

// views of everything, as "Kind namespace/name: use".
func (f *fixture) views() map[string]View {
	all := map[string]View{}
	for shard := range Shards {
		f.Each(shard, func(v *View) {
			all[fmt.Sprintf("%s %s/%s", v.Object.Kind, v.Object.Namespace, v.Object.Name)] = *v
		})
	}
	return all
}

func (f *fixture) refer(kind, namespace, name, secret string, layer v1alpha1.Layer) {
	f.Refer(reference.Reduced{
		Source: reference.Source{Kind: kind, Namespace: namespace, Name: name},
		References: []reference.Reference{{
			Target: reference.Target{Kind: reference.Secret, Namespace: namespace, Name: secret}, Field: "spec", Layer: layer, Certain: true,
		}},
	})
}

func TestUseIsJoined(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Set(f.secret("shop", "web"), 0, 1)
	f.Set(f.secret("shop", "old"), 0, 1)
	f.refer("Ingress", "shop", "front", "web", v1alpha1.LayerIngress)
	f.Manage("shop", "web", &Managed{Name: "web-cert", Renewal: 5, Owner: "team"})
	if len(f.Judge()) == 0 {
		t.Fatal("nothing to publish")
	}
	v := f.views()["Secret shop/web"]
	if v.Use.Use != reference.Used || v.Layer != v1alpha1.LayerIngress || v.Manager != ManagedByCertManager ||
		v.ManagerName != "Certificate shop/web-cert" || v.Renewal != 5 || v.Owner != "team" || len(v.Referrers) != 1 {
		t.Errorf("a used one is %+v", v)
	}
	v = f.views()["Secret shop/old"]
	if v.Use.Use != reference.Unreferenced || v.UnreferencedSince != start.Unix() || v.Orphan || v.Layer != v1alpha1.LayerApplication {
		t.Errorf("an unused one is %+v", v)
	}
	if again := f.Judge(); len(again) != 0 {
		t.Errorf("nothing changed, and %d shards are to be published", len(again))
	}
}

func TestGraceEndsByItself(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Set(f.secret("shop", "old"), 0, 1)
	f.Ripen()
	f.Judge()
	f.now = f.now.Add(59 * time.Minute)
	f.Ripen()
	if shards := f.Judge(); len(shards) != 0 || f.views()["Secret shop/old"].Orphan {
		t.Errorf("an orphan before its time: %v", shards)
	}
	f.now = f.now.Add(2 * time.Minute)
	f.Ripen()
	if shards := f.Judge(); len(shards) != 1 || !f.views()["Secret shop/old"].Orphan {
		t.Errorf("no orphan after its time: %v", shards)
	}
	f.refer("Ingress", "shop", "front", "old", v1alpha1.LayerIngress)
	f.Judge()
	if v := f.views()["Secret shop/old"]; v.UnreferencedSince != 0 || v.Orphan {
		t.Errorf("used again, it is %+v", v)
	}
}

func TestSinceSurvives(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	old, gone := Place{KindSecret, "shop", "old"}, Place{KindSecret, "shop", "gone"}
	f.Restore(map[Place]int64{old: 100, gone: 100})
	f.Set(f.secret("shop", "old"), 0, 1)
	f.Prune()
	f.Judge()
	if since := f.views()["Secret shop/old"].UnreferencedSince; since != 100 {
		t.Errorf("unreferenced since %d, want 100", since)
	}
	f.Set(f.secret("shop", "gone"), 0, 1)
	f.Judge()
	if since := f.views()["Secret shop/gone"].UnreferencedSince; since != start.Unix() {
		t.Errorf("one that went and came back is unreferenced since %d, want now", since)
	}
}

func TestListingsAndDeletions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	pass := f.Pass()
	f.Set(f.secret("shop", "a"), 1, pass)
	f.Set(f.secret("shop", "b"), 1, pass)
	f.Set(f.secret("shop", "c"), 2, pass)
	f.Sweep(1, pass)
	if n := len(f.views()); n != 3 {
		t.Fatalf("%d records after the first listing, want 3", n)
	}
	pass = f.Pass()
	f.Set(f.secret("shop", "b"), 1, pass)
	f.Sweep(1, pass)
	if got := f.views(); len(got) != 2 || got["Secret shop/a"].Object != nil {
		t.Errorf("after a listing without a: %d records", len(got))
	}
	f.Delete(Place{KindSecret, "shop", "b"}, "another uid", 1)
	f.Delete(Place{KindSecret, "shop", "b"}, "", 2)
	if got := f.views(); got["Secret shop/b"].Object == nil {
		t.Error("b was deleted in the place of another")
	}
	f.Delete(Place{KindSecret, "shop", "b"}, "shop/b", 1)
	f.Retain(func(o Origin) bool { return o != 2 })
	if got := f.views(); len(got) != 0 {
		t.Errorf("%d records are left", len(got))
	}
}

func TestWhatIsTheSameIsNotPublished(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Set(f.secret("shop", "web"), 0, 1)
	f.Judge()
	f.Set(f.secret("shop", "web"), 0, 2)
	f.refer("Ingress", "shop", "front", "other", v1alpha1.LayerIngress)
	f.Judge()
	f.refer("Ingress", "shop", "front", "other", v1alpha1.LayerIngress)
	if shards := f.Judge(); len(shards) != 0 {
		t.Errorf("%d shards are published for nothing", len(shards))
	}
}

func TestARenamedSecretOfACertificate(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Set(f.secret("shop", "one"), 0, 1)
	f.Set(f.secret("shop", "two"), 0, 1)
	f.Manage("shop", "one", &Managed{Name: "web"})
	f.Manage("shop", "two", &Managed{Name: "web"})
	f.Judge()
	views := f.views()
	if views["Secret shop/one"].Manager != ManagedByHand || views["Secret shop/two"].Manager != ManagedByCertManager {
		t.Errorf("managed by %s and %s", views["Secret shop/one"].Manager, views["Secret shop/two"].Manager)
	}
	f.KeepManaged(func(string, string) bool { return false })
	f.Judge()
	if m := f.views()["Secret shop/two"].Manager; m != ManagedByHand {
		t.Errorf("after the Certificate went it is managed by %s", m)
	}
}

func TestACopyKeepsItsSource(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	source, mirror := f.secret("shop", "web"), f.secret("edge", "web")
	source.Subject = &reference.Subject{Replicates: true}
	mirror.Subject = &reference.Subject{ReplicatedFrom: "shop/web"}
	f.Set(source, 0, 1)
	f.Set(mirror, 0, 1)
	f.Judge()
	if v := f.views()["Secret shop/web"]; v.Use.Use != reference.Unreferenced {
		t.Errorf("nothing uses either, and the source is %+v", v.Use)
	}
	f.refer("Ingress", "edge", "front", "web", v1alpha1.LayerIngress)
	shards := f.Judge()
	if v := f.views()["Secret shop/web"]; v.Use.Use != reference.Used || v.UnreferencedSince != 0 {
		t.Errorf("the mirror is used, and the source is %+v", v.Use)
	}
	if want := 2; len(shards) != want {
		t.Errorf("%d shards are published, want those of both", len(shards))
	}
	f.Delete(mirror.Place, "", 0)
	f.Judge()
	if v := f.views()["Secret shop/web"]; v.Use.Use != reference.Unreferenced {
		t.Errorf("the mirror is gone, and the source is %+v", v.Use)
	}
}

func TestCoverageTellsDoubts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Set(f.secret("shop", "old"), 0, 1)
	f.Judge()
	if v := f.views()["Secret shop/old"].Use; v.Confidence != reference.High {
		t.Errorf("with everything read the confidence is %v", v.Confidence)
	}
	f.SetCoverage(reference.Coverage{Unread: []string{"pods: forbidden"}})
	f.Judge()
	v := f.views()["Secret shop/old"].Use
	if v.Confidence != reference.Low || len(v.Doubts) == 0 {
		t.Errorf("with Pods unread it is %+v", v)
	}
	f.SetCoverage(reference.Coverage{Unread: []string{"pods: forbidden"}})
	if diff := cmp.Diff([]int(nil), f.Judge()); diff != "" {
		t.Errorf("the same coverage changed something:\n%s", diff)
	}
}

func TestAPushedCopyKeepsItsSourceAndNoOther(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	source, mirror, idle := f.secret("shop", "web"), f.secret("edge", "web"), f.secret("lab", "web")
	source.Subject = &reference.Subject{Replicates: true}
	mirror.Subject = &reference.Subject{ReplicatedFrom: "*/web"}
	idle.Subject = &reference.Subject{ReplicatedFrom: "*/web"}
	for _, o := range []*Object{source, mirror, idle} {
		f.Set(o, 0, 1)
	}
	f.Judge()
	if v := f.views()["Secret shop/web"]; v.Use.Use != reference.Unreferenced {
		t.Errorf("nothing uses a copy, and the source is %+v", v.Use)
	}
	f.refer("Ingress", "edge", "front", "web", v1alpha1.LayerIngress)
	f.Judge()
	views := f.views()
	if v := views["Secret shop/web"]; v.Use.Use != reference.Used {
		t.Errorf("a copy is used, and the source is %+v", v.Use)
	}
	if v := views["Secret lab/web"]; v.Use.Use != reference.Unreferenced {
		t.Errorf("nothing uses the other copy, and it is %+v", v.Use)
	}
}
