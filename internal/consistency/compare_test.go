package consistency

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

func TestSentencesOfOutliers(t *testing.T) {
	t.Parallel()
	cut := v1alpha1.ClusterProfile{Omitted: 3}
	for name, c := range map[string]struct {
		clusters []Cluster
		want     []string
	}{
		"no cluster has nothing to differ from":  {nil, nil},
		"one cluster has nothing to differ from": {several(1, "v1"), nil},
		"equal clusters do not differ":           {several(15, "v1"), nil},
		"one of fifteen is an outlier": {
			append(several(14, "v1.18.2"), running("prod-eu-2", "v1.17.0")),
			[]string{"component cert-manager: 14 of 15 clusters have v1.18.2, prod-eu-2 has v1.17.0"},
		},
		"to lack it is to differ": {
			append(several(2, "v1"), with("bare", v1alpha1.ClusterProfile{})),
			[]string{"component cert-manager: 2 of 3 clusters have v1, bare has none"},
		},
		"to have it where most do not is to differ": {
			[]Cluster{with("a", v1alpha1.ClusterProfile{}), with("b", v1alpha1.ClusterProfile{}), running("c", "v1")},
			[]string{"component cert-manager: 2 of 3 clusters have none, c has v1"},
		},
		"two clusters that differ are split, and none of them is the outlier": {
			[]Cluster{running("a", "v1"), running("b", "v2")},
			[]string{
				"component cert-manager: 2 clusters without a majority, a has v1",
				"component cert-manager: 2 clusters without a majority, b has v2",
			},
		},
		"half is no majority": {
			append(several(2, "v1"), running("c", "v2"), running("d", "v3")),
			[]string{
				"component cert-manager: 4 clusters without a majority, c has v2",
				"component cert-manager: 4 clusters without a majority, d has v3",
				"component cert-manager: 4 clusters without a majority, prod-0 and prod-1 have v1",
			},
		},
		"a cluster that is not seen is not counted": {
			append(several(2, "v1"), running("c", "v2"), Cluster{Name: "d"}),
			[]string{"component cert-manager: 2 of 3 clusters have v1, c has v2"},
		},
		"another owner of the same version is a difference": {
			append(several(2, "v1"), with("c", v1alpha1.ClusterProfile{
				Components: []v1alpha1.ComponentProfile{{Name: "cert-manager", Version: "v1", Owner: "OLM"}},
			})),
			[]string{"component cert-manager owner: 2 of 3 clusters have Helm, c has OLM"},
		},
		"a version that can't be told may be the same": {
			append(several(2, "v1"), running("c", "")), nil,
		},
		"but it is not nothing": {
			[]Cluster{with("a", v1alpha1.ClusterProfile{}), with("b", v1alpha1.ClusterProfile{}), running("c", "")},
			[]string{"component cert-manager: 2 of 3 clusters have none, c has unknown"},
		},
		"and not nothing without a majority either": {
			[]Cluster{with("a", v1alpha1.ClusterProfile{}), running("b", "")},
			[]string{
				"component cert-manager: 2 clusters without a majority, a has none",
				"component cert-manager: 2 clusters without a majority, b has unknown",
			},
		},
		"CAs that could not be read are no majority": {
			[]Cluster{issuing("a", "ca secret cm/x unread"), issuing("b", "ca secret cm/x unread"), issuing("c", "ca 12")}, nil,
		},
		"a list that was cut does not say that something is missing": {
			[]Cluster{issuing("a", "ca 1"), issuing("b", "ca 1"), with("c", cut)}, nil,
		},
		"but what is on it counts": {
			[]Cluster{issuing("a", "ca 1"), issuing("b", "ca 1"), with("c", v1alpha1.ClusterProfile{
				Issuers: []v1alpha1.IssuerProfile{clusterIssuer("web", "ca 2", true)}, Omitted: 1,
			})},
			[]string{"ClusterIssuer web: 2 of 3 clusters have ca 1, c has ca 2"},
		},
		"ClusterIssuers are complete where Issuers follow": {
			[]Cluster{issuing("a", "ca 1"), issuing("b", "ca 1"), with("c", v1alpha1.ClusterProfile{
				Issuers: []v1alpha1.IssuerProfile{namespaced("shop", "x", "ca 3")}, Omitted: 1,
			})},
			[]string{"ClusterIssuer web: 2 of 3 clusters have ca 1, c has none"},
		},
		"components may be missing from a profile that was cut very short": {
			append(several(2, "v1"), with("c", v1alpha1.ClusterProfile{
				Components: []v1alpha1.ComponentProfile{{Name: "csi-driver"}}, Omitted: 9,
			})),
			[]string{"component csi-driver: 2 of 3 clusters have none, c has unknown"},
		},
		"but not from one where there is room for more": {
			append(several(2, "v1"), with("c", v1alpha1.ClusterProfile{Issuers: []v1alpha1.IssuerProfile{namespaced("shop", "x", "ca 1")}, Omitted: 9})),
			[]string{"component cert-manager: 2 of 3 clusters have v1, c has none"},
		},
		"settings of a component that is not there are not missing": {
			[]Cluster{
				with("a", v1alpha1.ClusterProfile{Components: component("v1"), Settings: []v1alpha1.Setting{{Name: "x", Value: "1"}}}),
				with("b", v1alpha1.ClusterProfile{Components: component("v1"), Settings: []v1alpha1.Setting{{Name: "x", Value: "1"}}}),
				with("c", v1alpha1.ClusterProfile{}),
			},
			[]string{"component cert-manager: 2 of 3 clusters have v1, c has none"},
		},
		"set to nothing is not the same as not set": {
			[]Cluster{
				with("a", v1alpha1.ClusterProfile{Components: component("v1"), Settings: []v1alpha1.Setting{{Name: "x"}}}),
				with("b", v1alpha1.ClusterProfile{Components: component("v1"), Settings: []v1alpha1.Setting{{Name: "x"}}}),
				with("c", v1alpha1.ClusterProfile{Components: component("v1")}),
			},
			[]string{`setting x: 2 of 3 clusters have "", c has none`},
		},
		"issuers of namespaces are not compared": {
			[]Cluster{
				with("a", v1alpha1.ClusterProfile{Issuers: []v1alpha1.IssuerProfile{namespaced("shop", "x", "ca 1")}}),
				with("b", v1alpha1.ClusterProfile{}), with("c", v1alpha1.ClusterProfile{}),
			}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			outliers := Outliers(c.clusters)
			for i := range outliers {
				got = append(got, Sentence(&outliers[i]))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("sentences differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSentenceNamesTheFirstClusters(t *testing.T) {
	t.Parallel()
	o := v1alpha1.Outlier{Subject: "Bundle corp", Majority: "aa", Agreeing: 50, Of: 60, Value: "bb", Clusters: []string{"a", "b", "c", "d", "e"}, More: 5}
	if got, want := Sentence(&o), "Bundle corp: 50 of 60 clusters have aa, a, b, c, d and 6 more have bb"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheClearestDifferenceComesFirst(t *testing.T) {
	t.Parallel()
	bundle := func(name, digest string) v1alpha1.DigestProfile {
		return v1alpha1.DigestProfile{Kind: "Bundle", Name: name, Digest: digest}
	}
	var clusters []Cluster
	for i, n := range []string{"a", "b", "c", "d", "e", "f"} {
		p := v1alpha1.ClusterProfile{Bundles: []v1alpha1.DigestProfile{
			bundle("split", fmt.Sprint(i%3)), bundle("two", fmt.Sprint(i/4)), bundle("one", fmt.Sprint(i/5)), bundle("also-one", fmt.Sprint(i/5)),
		}}
		if i == 0 {
			p.Bundles = p.Bundles[:3]
			p.Bundles[2].Digest = ""
		}
		clusters = append(clusters, with(n, p))
	}
	var got []string
	for _, o := range Outliers(clusters) {
		got = append(got, fmt.Sprintf("%s %d/%d %s", o.Subject, o.Agreeing, o.Of, o.Clusters))
	}
	want := []string{
		"Bundle one 4/6 [f]", "Bundle also-one 4/6 [a]", "Bundle also-one 4/6 [f]", "Bundle two 4/6 [e f]",
		"Bundle split 0/6 [a d]", "Bundle split 0/6 [b e]", "Bundle split 0/6 [c f]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order differs (-want +got):\n%s", diff)
	}
}

func TestCompareIsBoundedAndCountsAll(t *testing.T) {
	t.Parallel()
	hostile := strings.Repeat("ü", 5000)
	var clusters []Cluster
	for i := range 60 {
		p := v1alpha1.ClusterProfile{}
		for j := range 64 {
			digest := "same"
			if i < 20 {
				digest = hostile
			}
			p.Policies = append(p.Policies, v1alpha1.DigestProfile{Kind: hostile, Name: fmt.Sprint(j), Digest: digest})
		}
		clusters = append(clusters, with(fmt.Sprintf("c%02d", i), p))
	}
	got := Compare(clusters)
	if got.Differences != 64 || len(got.Outliers) != 32 {
		t.Errorf("got %d differences and %d outliers, want 64 and 32", got.Differences, len(got.Outliers))
	}
	for _, o := range got.Outliers {
		if len(o.Clusters) != 8 || o.More != 12 || o.Of != 60 || o.Agreeing != 40 {
			t.Errorf("got %d clusters and %d more, %d of %d", len(o.Clusters), o.More, o.Agreeing, o.Of)
		}
		for _, text := range []string{o.Subject, o.Majority, o.Value} {
			if len(text) > maxText || !utf8.ValidString(text) {
				t.Errorf("a text is %d bytes, valid: %v", len(text), utf8.ValidString(text))
			}
		}
	}
	if data, err := json.Marshal(got); err != nil || len(data) > 32<<10 {
		t.Errorf("the status takes %d bytes (%v)", len(data), err)
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	clusters := []Cluster{
		with("a", v1alpha1.ClusterProfile{Issuers: []v1alpha1.IssuerProfile{
			clusterIssuer("web", "acme https://x", true), clusterIssuer("self", "selfSigned", false), namespaced("shop", "old", "ca secret shop/x unread"),
		}}),
		with("b", v1alpha1.ClusterProfile{Issuers: []v1alpha1.IssuerProfile{
			clusterIssuer("web", "acme https://x", false), clusterIssuer("self", "selfSigned", false), namespaced("shop", "odd", "unknown"), namespaced("shop", "more", "acme https://x"),
		}}),
		{Name: "c"},
	}
	got := Compare(clusters)
	got.Outliers = nil
	if diff := cmp.Diff(v1alpha1.Consistency{Backends: 2, ShadowIssuers: 5}, got); diff != "" {
		t.Errorf("figures differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Backend{
		{Name: "acme https://x", Clusters: []string{"a", "b"}, Issuers: []string{"ClusterIssuer web", "Issuer shop/more"}},
		{Name: "selfSigned", Clusters: []string{"a", "b"}, Issuers: []string{"ClusterIssuer self"}},
	}, Backends(clusters)); diff != "" {
		t.Errorf("backends differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Shadow{
		{Kind: "ClusterIssuer", Name: "self", Backends: []string{"selfSigned"}, Clusters: []string{"a", "b"}},
		{Kind: "ClusterIssuer", Name: "web", Backends: []string{"acme https://x"}, Clusters: []string{"b"}},
		{Kind: "Issuer", Namespace: "shop", Name: "more", Backends: []string{"acme https://x"}, Clusters: []string{"b"}},
		{Kind: "Issuer", Namespace: "shop", Name: "odd", Backends: []string{"unknown"}, Clusters: []string{"b"}},
		{Kind: "Issuer", Namespace: "shop", Name: "old", Backends: []string{"ca secret shop/x unread"}, Clusters: []string{"a"}},
	}, ShadowIssuers(clusters)); diff != "" {
		t.Errorf("shadow issuers differ (-want +got):\n%s", diff)
	}
	if issuers, in := Unread(clusters); issuers != 2 || in != 2 {
		t.Errorf("%d issuers in %d clusters are unread, want 2 in 2", issuers, in)
	}
}

// TestOrderOfTheInputDoesNotMatter shuffles clusters and lists.
func TestOrderOfTheInputDoesNotMatter(t *testing.T) {
	t.Parallel()
	want, matrix := Compare(fleet(60)), NewMatrix(fleet(60))
	if len(want.Outliers) == 0 {
		t.Fatal("the sample has no outlier, so nothing is tested")
	}
	for seed := range int64(2) {
		r := rand.New(rand.NewSource(seed))
		clusters := fleet(60)
		r.Shuffle(len(clusters), func(i, j int) { clusters[i], clusters[j] = clusters[j], clusters[i] })
		for _, c := range clusters {
			p := c.Profile
			r.Shuffle(len(p.Policies), func(i, j int) { p.Policies[i], p.Policies[j] = p.Policies[j], p.Policies[i] })
			r.Shuffle(len(p.Issuers), func(i, j int) { p.Issuers[i], p.Issuers[j] = p.Issuers[j], p.Issuers[i] })
		}
		before, profile := slices.Clone(clusters), clusters[0].Profile.DeepCopy()
		if diff := cmp.Diff(want, Compare(clusters)); diff != "" {
			t.Errorf("seed %d: outcome differs (-want +got):\n%s", seed, diff)
		}
		if diff := cmp.Diff(matrix, NewMatrix(clusters)); diff != "" {
			t.Errorf("seed %d: matrix differs (-want +got):\n%s", seed, diff)
		}
		if !slices.Equal(before, clusters) || cmp.Diff(profile, clusters[0].Profile) != "" {
			t.Errorf("seed %d: the input was changed", seed)
		}
	}
}

// TestMatrixAndOutliersAgree checks the two views of the same comparison.
func TestMatrixAndOutliersAgree(t *testing.T) {
	t.Parallel()
	clusters := fleet(120)
	differing := 0
	m := NewMatrix(clusters)
	for i := range m.Rows {
		if m.Rows[i].Differs() {
			differing++
		}
	}
	if got := int(Compare(clusters).Differences); got != differing || got == 0 {
		t.Errorf("got %d differences, %d rows differ", got, differing)
	}
}

func BenchmarkCompare500(b *testing.B) {
	clusters := fleet(500)
	b.ReportAllocs()
	for b.Loop() {
		Compare(clusters)
	}
}

func BenchmarkMatrix500(b *testing.B) {
	clusters := fleet(500)
	b.ReportAllocs()
	for b.Loop() {
		NewMatrix(clusters)
	}
}
