package override_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/override"
)

// FuzzFor merges patches that nobody checked before. Whatever they are, For does
// not panic and does not change its input; what it returns is a spec that the
// API can hold, and the same every time.
func FuzzFor(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `[]`, `{"policy":null}`,
		`{"policy":{"action":"Enforce","rules":{"maxDuration":null}}}`,
		`{"issuers":[{"$patch":"delete","name":"web"}]}`,
		`{"issuers":[{"$patch":"replace"},{"name":"a","backends":[{"name":"b","selfSigned":{}}]}]}`,
		`{"issuers":[{"name":{}},{"name":{}}]}`,
		`{"issuers":[null]}`, `{"issuers":[[]]}`, `{"issuers":[1,"a"]}`,
		`{"issuers":[{"name":"web","backends":[{"name":"main","acme":{"server":"x","solvers":[{"$patch":"delete"},null]}}]}]}`,
		`{"components":{"certManager":{"values":{"a":{"b":null},"c":[1,null,{"d":null}]}}}}`,
		`{"components":{"certManager":null,"trustManager":{"values":null}}}`,
		`{"policy":{"rules":{"dnsNames":{"allowed":["a.example.com"],"denied":[]}}}}`,
		`{"$setElementOrder/issuers":[{"name":{}}]}`,
		`{"$deleteFromPrimitiveList/policy":[{}]}`,
		`{"trust":{"bundles":[{"name":"corp","sources":null}]},"inventory":{"keys":[{}]}}`,
		`{"observability":{"serviceMonitors":{"labels":{"a":{"b":1}}}}}`,
	} {
		f.Add([]byte(seed), []byte(`{}`))
		f.Add([]byte(`{"issuers":[{"name":"web","backends":[]}],"policy":null}`), []byte(seed))
	}
	f.Fuzz(checkFor)
}

func checkFor(t *testing.T, first, second []byte) {
	t.Helper()
	spec := parse(t, base)
	for _, raw := range [][]byte{first, second} {
		spec.Overrides = append(spec.Overrides, v1alpha1.Override{Name: "fuzzed", Patch: apiextensionsv1.JSON{Raw: bytes.Clone(raw)}})
	}
	before := spec.DeepCopy()
	merged, _, err := override.For(spec, nil)
	if diff := cmp.Diff(before, spec); diff != "" {
		t.Fatalf("the input was changed:\n%s", diff)
	}
	again, _, errAgain := override.For(spec, nil)
	if (err == nil) != (errAgain == nil) {
		t.Fatalf("once %v, then %v", err, errAgain)
	}
	if err != nil {
		if len(err.Error()) > 2048 {
			t.Fatalf("error has %d bytes", len(err.Error()))
		}
		return
	}
	data, hash, err := override.Revision(merged)
	if err != nil || !json.Valid(data) {
		t.Fatalf("no revision of what was merged: %v", err)
	}
	if _, hashAgain, _ := override.Revision(again); hash != hashAgain {
		t.Fatal("merged differently the second time")
	}
	if _, err := override.FromRevision(data); err != nil {
		t.Fatalf("what was merged is no spec: %v", err)
	}
}

// A patch that is nearly right gets deeper than bytes at random do: the estate
// itself, with some values replaced by what does not belong there.
func TestForNearlyRightPatches(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	estate := asMap(t, parse(t, base))
	for _, field := range []string{"deletionPolicy", "clusters", "delivery"} {
		delete(estate, field)
	}
	good := 0
	for range 200 {
		var patches [2][]byte
		for i := range patches {
			data, err := json.Marshal(spoil(random, estate, 40))
			if err != nil {
				t.Fatal(err)
			}
			patches[i] = data
		}
		checkFor(t, patches[0], patches[1])
		spec := parse(t, base)
		spec.Overrides = []v1alpha1.Override{{Name: "spoiled", Patch: apiextensionsv1.JSON{Raw: patches[0]}}}
		if _, _, err := override.For(spec, nil); err == nil {
			good++
		}
	}
	if good < 20 || good > 180 {
		t.Errorf("%d of 200 patches could be merged: the test proves little", good)
	}
}

// spoil copies a value and replaces about one in so many of its parts.
func spoil(random *rand.Rand, value any, oneIn int) any {
	if random.IntN(oneIn) == 0 {
		junk := []any{nil, true, 1.5, "", "x", []any{}, []any{nil}, map[string]any{}, map[string]any{"$patch": "delete"}, []any{map[string]any{"name": map[string]any{}}}}
		return junk[random.IntN(len(junk))]
	}
	switch typed := value.(type) {
	case map[string]any:
		spoiled := map[string]any{}
		for _, key := range slices.Sorted(maps.Keys(typed)) {
			if random.IntN(4) > 0 {
				spoiled[key] = spoil(random, typed[key], oneIn)
			}
		}
		if random.IntN(oneIn) == 0 {
			spoiled["$patch"] = []any{"delete", "replace", "merge", nil, map[string]any{}}[random.IntN(5)]
		}
		return spoiled
	case []any:
		spoiled := []any{}
		for _, item := range typed {
			for range random.IntN(3) {
				spoiled = append(spoiled, spoil(random, item, oneIn))
			}
		}
		return spoiled
	default:
		return value
	}
}
