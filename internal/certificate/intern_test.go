package certificate

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"testing"
)

func TestEqualValuesAreOne(t *testing.T) {
	t.Parallel()
	root := newCA(t, nil, "root")
	inter := newCA(t, root, "inter")
	a, b := newLeaf(t, inter, "a.example"), newLeaf(t, inter, "b.example")
	p := NewParser()
	first, trust := p.Chain(chainOf(a, inter), root.pem())
	if again, same := p.Chain(chainOf(a, inter), root.pem()); again != first || same != trust {
		t.Error("an equal chain is another one")
	}
	if p.Bundle(root.pem()) != trust {
		t.Error("an equal bundle is another one")
	}
	if other, _ := p.Chain(chainOf(a, inter), nil); other == first {
		t.Error("a chain with another CA beside is the same")
	}
	if p.Bundle(chainOf(a, inter)) == first {
		t.Error("a bundle is the same as a chain")
	}
	second, _ := p.Chain(chainOf(b, inter), root.pem())
	if second.Certificates[1] != first.Certificates[1] {
		t.Error("a shared intermediate is kept twice")
	}
	if p.Bundle(chainOf(inter, root)).Digest != p.Bundle(chainOf(root, inter, root)).Digest {
		t.Error("the digest depends on the order")
	}
	if first.Digest == second.Digest {
		t.Error("two sets have one digest")
	}
	runtime.KeepAlive(first)
}

func TestInternedGivesBackWhatNobodyHolds(t *testing.T) {
	t.Parallel()
	var table interned[Bundle]
	key := func(i int) (k Fingerprint) {
		binary.BigEndian.PutUint64(k[:], uint64(i))
		return k
	}
	held := &Bundle{Count: 7}
	table.add(key(-1), held)
	for i := range 20 * minSweep {
		table.add(key(i), &Bundle{Count: i})
		if i%minSweep == 0 {
			runtime.GC()
		}
	}
	if got := table.get(key(-1)); got != held {
		t.Errorf("what is held is lost: %v", got)
	}
	runtime.GC()
	if got := table.get(key(3)); got != nil {
		t.Errorf("what nobody holds is there: %v", got)
	}
	if got := len(table.entries); got > 4*minSweep {
		t.Errorf("%d entries are left", got)
	}
	if again := table.add(key(-1), &Bundle{}); again != held {
		t.Error("what is held was replaced")
	}
	runtime.KeepAlive(held)
}

func TestRecentIsBounded(t *testing.T) {
	t.Parallel()
	cache := newRecent[int, int](8)
	for i := range 100 {
		cache.add(i, i)
		if got, ok := cache.get(0); !ok || got != 0 {
			t.Fatalf("what is used was dropped at %d", i)
		}
		if size := len(cache.young) + len(cache.old); size > 8 {
			t.Fatalf("%d entries", size)
		}
	}
	if _, ok := cache.get(50); ok {
		t.Error("what was not used is there")
	}
}

func TestParserIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	root := newCA(t, nil, "root")
	chains := make([][]byte, 8)
	for i := range chains {
		chains[i] = newLeaf(t, root, fmt.Sprintf("%d.example", i)).pem()
	}
	p := NewParser()
	results := make([][]*Bundle, 4)
	var group sync.WaitGroup
	for i := range results {
		group.Go(func() {
			for _, chain := range chains {
				served, _ := p.Chain(chain, root.pem())
				results[i] = append(results[i], served)
			}
		})
	}
	group.Wait()
	for i := range results {
		for k := range chains {
			if results[i][k] != results[0][k] {
				t.Errorf("chain %d is there twice", k)
			}
		}
	}
}

// BenchmarkLeaves reads distinct leaves of one CA that lies beside them, and
// reports what each of them keeps allocated.
func BenchmarkLeaves(b *testing.B) {
	root := newCA(b, nil, "root")
	key := newKey(b)
	values := make([][]byte, b.N)
	for i := range values {
		name := fmt.Sprintf("service-%d.team.svc", i)
		values[i] = issue(b, root, key, name, asServer(name, name+".cluster.local")).pem()
	}
	authority := root.pem()
	p := NewParser()
	kept := make([]*Bundle, b.N)
	before := heap()
	b.ResetTimer()
	for i, value := range values {
		kept[i], _ = p.Chain(value, authority)
	}
	b.StopTimer()
	b.ReportMetric(float64(heap()-before)/float64(b.N), "bytes/leaf")
	if kept[0].Findings != 0 {
		b.Errorf("findings %v", kept[0].Findings.Strings())
	}
	runtime.KeepAlive(values)
	runtime.KeepAlive(kept)
	runtime.KeepAlive(p)
}

// heap is what is allocated after a collection, in bytes.
func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
