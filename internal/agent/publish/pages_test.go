package publish

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// checkPages fails unless every record is on exactly one page, and every page is
// of the right size and in order.
func checkPages(t *testing.T, e *estate, pages map[string]v1alpha1.CertificateSlice) {
	t.Helper()
	if diff := difference(e.names(), published(pages)); diff != "" {
		t.Fatalf("the records and the published ones: %s", diff)
	}
	for name, page := range pages {
		data, err := json.Marshal(page)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > MaxPage {
			t.Errorf("page %s has %d bytes", name, len(data))
		}
		if int(page.Count) != len(page.Records) {
			t.Errorf("page %s says %d records and has %d", name, page.Count, len(page.Records))
		}
		if !slices.IsSortedFunc(page.Records, func(a, b v1alpha1.CertificateRecord) int { return compareRecords(&a, &b) }) {
			t.Errorf("page %s is not in order", name)
		}
		_, digest, err := measure(page.Records)
		if err != nil {
			t.Fatal(err)
		}
		if page.Annotations[names.AnnotationDigest] != digest {
			t.Errorf("page %s has the digest %q, and its records %q", name, page.Annotations[names.AnnotationDigest], digest)
		}
	}
}

func TestPagesUnderRandomChanges(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	api := newRecorder(t)
	e := &estate{}
	p := restored(t, api)
	publish(t, p, e)
	if diff := cmp.Diff([]string{"create inventory"}, api.took()); diff != "" {
		t.Errorf("writes for an empty cluster (-want +got):\n%s", diff)
	}
	const universe = 3000
	for round := range 20 {
		// Phases of growth and of decline, so that pages split and merge.
		share := 0.9
		if round/5%2 == 1 {
			share = 0.1
		}
		var dirty []int
		for range 300 + random.IntN(300) {
			i := random.IntN(universe)
			if random.Float64() < share {
				e.set(secret(i), ingressView(i, random.IntN(1000)))
			} else {
				e.set(secret(i))
			}
			dirty = append(dirty, secret(i).Shard())
		}
		writes := publish(t, p, e, dirty...)
		if took := api.took(); len(took) != writes {
			t.Errorf("round %d: %d writes are reported and %d were made", round, writes, len(took))
		}
		checkPages(t, e, api.pages(t))
		if got := len(api.pages(t)); got != int(p.Slices()) {
			t.Errorf("round %d: %d pages exist, and %d are reported", round, got, p.Slices())
		}
		if round%7 == 6 {
			p = restored(t, api)
			if writes := publish(t, p, e); writes != 0 {
				t.Errorf("round %d: a restart took %d writes: %q", round, writes, api.took())
			}
		}
	}
	for i := range universe {
		e.set(secret(i))
	}
	publish(t, p, e, allShards()...)
	checkPages(t, e, api.pages(t))
	if diff := cmp.Diff([]string{"inventory"}, pageNames(api.pages(t))); diff != "" {
		t.Errorf("pages of an empty cluster (-want +got):\n%s", diff)
	}
}

func TestOneChangeRewritesOnePage(t *testing.T) {
	t.Parallel()
	api := newRecorder(t)
	e := &estate{}
	e.fill(0, 2000)
	p := restored(t, api)
	publish(t, p, e)
	if len(api.pages(t)) < 4 {
		t.Fatalf("%d pages are too few for this test", len(api.pages(t)))
	}
	for i := range 20 {
		api.took()
		e.set(secret(i), ingressView(i, 77))
		if writes := publish(t, p, e, secret(i).Shard()); writes != 1 {
			t.Errorf("changing record %d took the writes %q", i, api.took())
		}
		if writes := publish(t, p, e, secret(i).Shard()); writes != 0 {
			t.Errorf("no change of record %d took the writes %q", i, api.took())
		}
	}
	checkPages(t, e, api.pages(t))
}

func TestSplitAndMergeWriteBeforeTheyDelete(t *testing.T) {
	t.Parallel()
	api := newRecorder(t)
	e := &estate{}
	e.fill(0, 100)
	p := restored(t, api)
	publish(t, p, e)
	api.took()

	e.fill(100, 300)
	publish(t, p, e, allShards()...)
	want := []string{"create inventory-0", "create inventory-1", "delete inventory"}
	if diff := cmp.Diff(want, api.took()); diff != "" {
		t.Errorf("writes of a split (-want +got):\n%s", diff)
	}

	for i := 50; i < 300; i++ {
		e.set(secret(i))
	}
	publish(t, p, e, allShards()...)
	want = []string{"create inventory", "delete inventory-0", "delete inventory-1"}
	if diff := cmp.Diff(want, api.took()); diff != "" {
		t.Errorf("writes of a merge (-want +got):\n%s", diff)
	}
	checkPages(t, e, api.pages(t))
}

func TestLayoutDoesNotSwing(t *testing.T) {
	t.Parallel()
	api := newRecorder(t)
	e := &estate{}
	e.fill(0, 100)
	p := restored(t, api)
	publish(t, p, e)
	n := 100
	for p.Slices() == 1 {
		e.fill(n, n+1)
		publish(t, p, e, secret(n).Shard())
		n++
	}
	api.took()
	for range 5 {
		e.set(secret(n - 1))
		publish(t, p, e, secret(n-1).Shard())
		e.fill(n-1, n)
		publish(t, p, e, secret(n-1).Shard())
	}
	for _, write := range api.took() {
		if write != "update inventory-0" && write != "update inventory-1" {
			t.Errorf("one record at the edge of a split causes %q", write)
		}
	}
}

func allShards() []int {
	list := make([]int, 256)
	for i := range list {
		list[i] = i
	}
	return list
}

func pageNames(pages map[string]v1alpha1.CertificateSlice) []string {
	list := make([]string, 0, len(pages))
	for name := range pages {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// A page that overflows counts as large also when what was read of it before the
// overflow is little; else pages would merge and split without end.
func TestASmallPageDoesNotMergeWithALargeOne(t *testing.T) {
	t.Parallel()
	api := newRecorder(t)
	e := &estate{}
	e.fill(0, 300)
	p := restored(t, api)
	publish(t, p, e)
	large := inventory.Place{Kind: inventory.KindConfigMap, Namespace: "default"}
	for i := 0; large.Shard() != 255; i++ {
		large.Name = fmt.Sprintf("large-%d", i)
	}
	var views []inventory.View
	for i := range 225 {
		v := ingressView(0, 0)
		v.Record.Key = fmt.Sprintf("key-%03d", i)
		views = append(views, v)
	}
	e.set(large, views...)
	kept := map[int]int{}
	for i := range 300 {
		if half := secret(i).Shard() / 128; kept[half] < 10 {
			kept[half]++
		} else {
			e.set(secret(i))
		}
	}
	var c content
	if err := c.collect(e, prefix{bits: 1 << 63, length: 1}); err != nil || !c.overflow || c.size() > minContent {
		t.Fatalf("this is not the case that is meant: overflow %t, %d bytes read, error %v", c.overflow, c.size(), err)
	}
	publish(t, p, e, allShards()...)
	checkPages(t, e, api.pages(t))
}
