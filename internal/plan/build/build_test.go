package build

import (
	"encoding/pem"
	"strings"
	"testing"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/internal/plan/plantest"
)

func TestObjectOwnsOnlyWhatIsSet(t *testing.T) {
	got := Object(&cmv1.ClusterIssuer{
		TypeMeta:   metav1.TypeMeta{APIVersion: "cert-manager.io/v1", Kind: "ClusterIssuer"},
		ObjectMeta: metav1.ObjectMeta{Name: "a"},
		Spec:       cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{SelfSigned: &cmv1.SelfSignedIssuer{}}},
	})
	want := map[string]any{
		"apiVersion": "cert-manager.io/v1",
		"kind":       "ClusterIssuer",
		"metadata":   map[string]any{"name": "a"},
		"spec":       map[string]any{"selfSigned": map[string]any{}},
	}
	if diff := cmp.Diff(want, got.Object); diff != "" {
		t.Errorf("unexpected object (-want +got):\n%s", diff)
	}
}

func TestDropNullsReachesEverywhere(t *testing.T) {
	got := map[string]any{"a": nil, "b": []any{map[string]any{"c": nil, "d": []any{}}}, "e": map[string]any{"f": nil}}
	dropNulls(got)
	want := map[string]any{"b": []any{map[string]any{"d": []any{}}}, "e": map[string]any{}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unexpected content (-want +got):\n%s", diff)
	}
}

func TestCheckCertificates(t *testing.T) {
	one := string(plantest.CertificatePEM())
	key := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte("hidden")}))
	for name, tt := range map[string]struct{ in, wrong string }{
		"one certificate":          {one, ""},
		"two certificates":         {one + "\n\n" + one, ""},
		"a comment before one":     {"# Example Test Root\n" + one, ""},
		"nothing":                  {"", "there is no PEM certificate"},
		"white space":              {" \n", "there is no PEM certificate"},
		"text":                     {"hello", "after 0 certificates there is text that is not PEM"},
		"text behind":              {one + "hello", "after 1 certificates there is text that is not PEM"},
		"half a certificate":       {one[:len(one)/2], "after 0 certificates there is text that is not PEM"},
		"a key":                    {one + key, `PEM block 2 is of type "RSA PRIVATE KEY"`},
		"a block with other bytes": {string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})), "PEM block 1 is not a certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			err := CheckCertificates([]byte(tt.in))
			switch {
			case tt.wrong == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)):
				t.Errorf("got %v, want an error with %q", err, tt.wrong)
			}
		})
	}
}
