package consistency

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// have is what a cluster has of a bundle: a digest, "" for none, or "?" when it
// has the bundle and the digest is not known.
type have string

// naive judges one bundle as the doc comments say, without any of the
// shortcuts: the majority, and the clusters that are outliers or sides of a split.
func naive(cells []have) (majority string, agreeing int, deviating []int) {
	counts := map[have]int{}
	for _, c := range cells {
		counts[c]++
	}
	top := have("?")
	for c, n := range counts {
		if c != "?" && 2*n > len(cells) {
			top = c
		}
	}
	// may says that two clusters may have the same.
	may := func(a, b have) bool {
		return a == b || a == "?" && b != "" || b == "?" && a != ""
	}
	for i, c := range cells {
		switch {
		case top != "?":
			if !may(c, top) {
				deviating = append(deviating, i)
			}
		case c == "?" && counts[""] == 0:
		case slices.ContainsFunc(cells, func(other have) bool { return !may(c, other) }):
			deviating = append(deviating, i)
		}
	}
	if top == "?" {
		return "", 0, deviating
	}
	return string(top), counts[top], deviating
}

func TestCompareAgreesWithASlowJudge(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewSource(1)) //nolint:gosec // a test
	for range 3000 {
		cells := make([]have, 1+r.Intn(6))
		clusters := make([]Cluster, len(cells))
		for i := range cells {
			cells[i] = []have{"a", "a", "a", "b", "c", "", "", "?"}[r.Intn(8)]
			p := v1alpha1.ClusterProfile{}
			if d := cells[i]; d != "" {
				digest := string(d)
				if d == "?" {
					digest = ""
				}
				p.Bundles = []v1alpha1.DigestProfile{{Kind: "Bundle", Name: "x", Digest: digest}}
			}
			clusters[i] = with(fmt.Sprint(i), p)
		}
		majority, agreeing, deviating := naive(cells)
		var got []int
		for _, o := range Outliers(clusters) {
			if o.Majority != majority || int(o.Agreeing) != agreeing || int(o.Of) != len(cells) {
				t.Errorf("%q: got majority %q (%d of %d), want %q (%d)", cells, o.Majority, o.Agreeing, o.Of, majority, agreeing)
			}
			for _, c := range o.Clusters {
				got = append(got, int(c[0]-'0'))
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(deviating, got); diff != "" {
			t.Errorf("%q: clusters differ (-want +got):\n%s", cells, diff)
		}
		marked := false
		for _, row := range NewMatrix(clusters).Rows {
			marked = marked || row.Differs()
		}
		if marked != (len(deviating) > 0) {
			t.Errorf("%q: the matrix says %v", cells, marked)
		}
	}
}
