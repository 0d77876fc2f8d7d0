package drift

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func managed(manager string, op metav1.ManagedFieldsOperationType, fields string) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{
		Manager: manager, Operation: op, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields),
		Time: &metav1.Time{Time: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)},
	}
}

func TestFieldsHash(t *testing.T) {
	t.Parallel()
	const apply, update = metav1.ManagedFieldsOperationApply, metav1.ManagedFieldsOperationUpdate
	base := []metav1.ManagedFieldsEntry{managed("tls-platform/issuers", apply, `{"f:spec":{"f:ca":{"f:secretName":{}}}}`)}
	hash := func(e []metav1.ManagedFieldsEntry) string {
		h, err := FieldsHash(e, "tls-platform/issuers")
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	want := hash(base)
	status := managed("cert-manager", update, `{"f:status":{}}`)
	if got := hash(append([]metav1.ManagedFieldsEntry{status}, base...)); got != want {
		t.Error("a write by somebody else that leaves our fields alone looks like drift")
	}
	sameFields := []metav1.ManagedFieldsEntry{managed("tls-platform/issuers", apply, `{ "f:spec": {"f:ca": {"f:secretName": {} } } }`)}
	if got := hash(sameFields); got != want {
		t.Error("the same fields in other white space look like drift")
	}
	taken := []metav1.ManagedFieldsEntry{managed("kubectl-edit", update, `{"f:spec":{"f:ca":{"f:secretName":{}}}}`)}
	if got := hash(taken); got == want {
		t.Error("a field that was taken over does not look like drift")
	}
	if _, err := FieldsHash([]metav1.ManagedFieldsEntry{managed("tls-platform/issuers", apply, `{`)}, "tls-platform/issuers"); err == nil {
		t.Error("fields that can't be read are no error")
	}
}

func TestExplainNamesFieldAndManager(t *testing.T) {
	t.Parallel()
	const apply, update = metav1.ManagedFieldsOperationApply, metav1.ManagedFieldsOperationUpdate
	after := []metav1.ManagedFieldsEntry{managed("us", apply, `{"f:spec":{"f:ca":{"f:secretName":{}},"f:x":{}}}`)}
	cases := map[string]struct {
		before []metav1.ManagedFieldsEntry
		want   []string
	}{
		"a field that another manager took": {
			[]metav1.ManagedFieldsEntry{
				managed("us", apply, `{"f:spec":{"f:x":{}}}`),
				managed("kubectl-edit", update, `{"f:spec":{"f:ca":{"f:secretName":{}}}}`),
				managed("cert-manager", update, `{"f:status":{}}`),
			},
			[]string{".spec.ca.secretName", "kubectl-edit"},
		},
		"a field that was removed names the last writer": {
			[]metav1.ManagedFieldsEntry{managed("us", apply, `{"f:spec":{"f:x":{}}}`), managed("curl", update, `{"f:metadata":{}}`)},
			[]string{".spec.ca.secretName", "curl"},
		},
		"fields that can't be read blame nobody in particular": {
			[]metav1.ManagedFieldsEntry{managed("us", apply, `{`)},
			[]string{"changed by somebody unknown"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wanted, err := OwnedFields(after, "us")
			if err != nil {
				t.Fatal(err)
			}
			got := Explain(wanted, c.before, "us").String()
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("Explain() = %q, want it to name %q", got, want)
				}
			}
		})
	}
}
