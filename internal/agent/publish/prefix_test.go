package publish

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPrefix(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		name        string
		hash        uint64
		covers      bool
		first, last int
	}{
		"the empty prefix covers everything":           {name: "inventory", hash: 1 << 63, covers: true, first: 0, last: 255},
		"one bit covers half of the shards":            {name: "inventory-1", hash: 1 << 63, covers: true, first: 128, last: 255},
		"the other half is not covered":                {name: "inventory-1", hash: 1<<63 - 1, first: 128, last: 255},
		"eight bits are one shard":                     {name: "inventory-00000101", hash: 5 << 56, covers: true, first: 5, last: 5},
		"more than eight bits are a part of one shard": {name: "inventory-000001011", hash: 5 << 56, first: 5, last: 5},
		"the longest prefix": {
			name: "inventory-" + strings.Repeat("1", 32), hash: 0xffffffff00000001, covers: true, first: 255, last: 255,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, ok := parsePrefix(pageName, c.name)
			if !ok || x.name(pageName) != c.name {
				t.Errorf("the name is read as %+v (%t), which is %q", x, ok, x.name(pageName))
			}
			if got := x.covers(c.hash); got != c.covers {
				t.Errorf("covers: %t", got)
			}
			if first, last := x.shards(); first != c.first || last != c.last {
				t.Errorf("shards %d to %d", first, last)
			}
		})
	}
}

func TestNamesThatAreNoPages(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "inventory-", "inventory-2", "inventory-01x", "inventory0", "pages-0", "inventory-" + strings.Repeat("0", 33)} {
		if x, ok := parsePrefix(pageName, name); ok {
			t.Errorf("%q is read as %+v", name, x)
		}
	}
}

func TestChildrenPartTheirParent(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		x := prefix{}
		hash := random.Uint64()
		for x.length < random.IntN(maxDepth) {
			zero, one := x.children()
			if zero.parent() != x || one.parent() != x {
				t.Fatalf("%s has the children %s and %s, and they other parents", x.name(pageName), zero.name(pageName), one.name(pageName))
			}
			if zero.covers(hash) == one.covers(hash) || zero.overlaps(one) || !x.contains(zero) || !x.overlaps(one) || one.contains(x) {
				t.Fatalf("%s and %s do not part %s", zero.name(pageName), one.name(pageName), x.name(pageName))
			}
			if x = zero; one.covers(hash) {
				x = one
			}
		}
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ pages, leaves, overlapping []string }{
		"no pages":                 {leaves: []string{"inventory"}},
		"one page":                 {pages: []string{"inventory"}, leaves: []string{"inventory"}},
		"two halves":               {pages: []string{"inventory-1", "inventory-0"}, leaves: []string{"inventory-0", "inventory-1"}},
		"a half that is missing":   {pages: []string{"inventory-1"}, leaves: []string{"inventory-0", "inventory-1"}},
		"a deep page alone":        {pages: []string{"inventory-010"}, leaves: []string{"inventory-00", "inventory-010", "inventory-011", "inventory-1"}},
		"the whole and its halves": {pages: []string{"inventory", "inventory-0", "inventory-1"}, leaves: []string{"inventory-0", "inventory-1"}, overlapping: []string{"inventory"}},
		"the whole and one half":   {pages: []string{"inventory", "inventory-0"}, leaves: []string{"inventory-0", "inventory-1"}, overlapping: []string{"inventory"}},
		"three generations": {
			pages: []string{"inventory-1", "inventory-111", "inventory-11"}, leaves: []string{"inventory-0", "inventory-10", "inventory-110", "inventory-111"},
			overlapping: []string{"inventory-1", "inventory-11"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var pages []*leaf
			for _, name := range c.pages {
				x, _ := parsePrefix(pageName, name)
				pages = append(pages, &leaf{prefix: x})
			}
			leaves, overlapping := complete(pages)
			if diff := cmp.Diff(c.leaves, leafNames(leaves)); diff != "" {
				t.Errorf("leaves (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.overlapping, leafNames(overlapping)); diff != "" {
				t.Errorf("overlapping (-want +got):\n%s", diff)
			}
		})
	}
}

func leafNames(leaves []*leaf) (list []string) {
	for _, l := range leaves {
		list = append(list, l.prefix.name(pageName))
	}
	return list
}
