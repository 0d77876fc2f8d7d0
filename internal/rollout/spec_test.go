package rollout_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/rollout"
)

func TestSpecFrom(t *testing.T) {
	t.Parallel()
	share, word := intstr.FromString("20%"), intstr.FromString("some")
	none := labels.Set{}
	tests := map[string]struct {
		rollout  *v1alpha1.Rollout
		want     *rollout.Spec // without the canary
		canaries []labels.Set
		others   []labels.Set
		wantErr  string
	}{
		"no rollout is all at once": {},
		"an empty one has the defaults of the API": {
			rollout: &v1alpha1.Rollout{},
			want:    &rollout.Spec{MaxUnavailable: intstr.FromInt32(1), Deadline: 10 * time.Minute},
		},
		"what is given is taken": {
			rollout: &v1alpha1.Rollout{
				Canary:           &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "canary"}},
				MaxUnavailable:   &share,
				ProgressDeadline: &metav1.Duration{Duration: time.Hour},
			},
			want:     &rollout.Spec{MaxUnavailable: share, Deadline: time.Hour},
			canaries: []labels.Set{{"tier": "canary"}},
			others:   []labels.Set{none, {"tier": "prod"}},
		},
		"an empty canary selector selects all": {
			rollout:  &v1alpha1.Rollout{Canary: &metav1.LabelSelector{}},
			want:     &rollout.Spec{MaxUnavailable: intstr.FromInt32(1), Deadline: 10 * time.Minute},
			canaries: []labels.Set{none},
		},
		"a selector that can't be read is named": {
			rollout: &v1alpha1.Rollout{Canary: &metav1.LabelSelector{
				MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Near"}},
			}},
			wantErr: "delivery.rollout.canary",
		},
		"a number that can't be read is named": {
			rollout: &v1alpha1.Rollout{MaxUnavailable: &word},
			wantErr: "delivery.rollout.maxUnavailable",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := rollout.SpecFrom(tt.rollout)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("error is %v, should name %s", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, set := range tt.canaries {
				if !got.Canary.Matches(set) {
					t.Errorf("canary should match %v", set)
				}
			}
			for _, set := range tt.others {
				if got.Canary.Matches(set) {
					t.Errorf("canary should not match %v", set)
				}
			}
			if got != nil {
				got.Canary = nil
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
		})
	}
}
