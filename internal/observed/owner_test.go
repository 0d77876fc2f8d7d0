package observed

import (
	"testing"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

func TestOwnerOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		labels, annotations map[string]string
		owner               Owner
		release             string
	}{
		"ours, whatever released it before": {
			map[string]string{names.LabelPlatform: "main", names.LabelAppInstance: "cm", names.LabelOLMManaged: "true"},
			map[string]string{names.AnnotationHelmRelease: "other"}, OwnerPlatform, "cm",
		},
		"a ClusterServiceVersion's": {map[string]string{names.LabelOLMOwner: "x.v1"}, nil, OwnerOLM, "x.v1"},
		"an operator's by label":    {map[string]string{names.LabelOLMManaged: "true", names.LabelAppInstance: "cm"}, nil, OwnerOLM, ""},
		"not an operator's":         {map[string]string{names.LabelOLMManaged: "false"}, nil, OwnerPlain, ""},
		"a release's": {
			map[string]string{names.LabelAppInstance: "labelled"}, map[string]string{names.AnnotationHelmRelease: "cm"}, OwnerHelm, "cm",
		},
		"a chart's that was applied": {map[string]string{names.LabelAppInstance: "cm"}, nil, OwnerPlain, "cm"},
		"nobody's":                   {nil, nil, OwnerPlain, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			owner, release := OwnerOf(c.labels, c.annotations)
			if owner != c.owner || release != c.release {
				t.Errorf("got %s and release %q, want %s and %q", owner, release, c.owner, c.release)
			}
		})
	}
}

func TestBelongsTo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		workload string
		labels   map[string]string
		want     bool
	}{
		"the controller under any name":     {"tls", map[string]string{names.LabelAppName: "cert-manager"}, true},
		"a webhook that is named so":        {"cert-manager-webhook", map[string]string{names.LabelAppName: "webhook"}, true},
		"a cainjector of a release":         {"ca", map[string]string{names.LabelAppName: "cainjector", names.LabelAppInstance: "my-cert-manager"}, true},
		"somebody else's webhook":           {"shop-webhook", map[string]string{names.LabelAppName: "webhook", names.LabelAppInstance: "shop"}, false},
		"one that only ends in such a name": {"my-cert-manager", map[string]string{names.LabelAppName: "webhook"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := BelongsTo("cert-manager", c.workload, c.labels); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
