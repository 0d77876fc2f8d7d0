package apply

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// ownedFields returns the fields that manager owns through server-side apply.
// A manager that owns nothing has an empty set.
func ownedFields(entries []metav1.ManagedFieldsEntry, manager string) (*fieldpath.Set, error) {
	set := &fieldpath.Set{}
	for _, e := range entries {
		if e.Manager != manager || e.Operation != metav1.ManagedFieldsOperationApply || e.Subresource != "" || e.FieldsV1 == nil {
			continue
		}
		one := &fieldpath.Set{}
		if err := one.FromJSON(e.FieldsV1.GetRawReader()); err != nil {
			return nil, fmt.Errorf("reading managed fields of %s: %w", manager, err)
		}
		set = set.Union(one)
	}
	return set, nil
}

// FieldsHash is a digest of the fields that manager owns, 16 hex digits. It is
// the same before and after a write by anybody else that leaves them alone.
func FieldsHash(entries []metav1.ManagedFieldsEntry, manager string) (string, error) {
	set, err := ownedFields(entries, manager)
	if err != nil {
		return "", err
	}
	raw, err := set.ToJSON()
	if err != nil {
		return "", fmt.Errorf("writing managed fields of %s: %w", manager, err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8]), nil
}

// maxBlame bounds how many fields a drift message lists.
const maxBlame = 3

// blame says which of our fields others had taken or removed, and who they are.
// before are the managed fields as found, after those that our write returned.
func blame(before, after []metav1.ManagedFieldsEntry, manager string) string {
	had, err1 := ownedFields(before, manager)
	have, err2 := ownedFields(after, manager)
	if err1 != nil || err2 != nil {
		return "changed by somebody else"
	}
	lost := have.Difference(had).Leaves()
	var fields []string
	lost.Iterate(func(p fieldpath.Path) {
		fields = append(fields, p.String())
	})
	if len(fields) == 0 {
		return "changed by somebody else"
	}
	slices.Sort(fields)
	more := ""
	if len(fields) > maxBlame {
		more = fmt.Sprintf(" and %d more", len(fields)-maxBlame)
		fields = fields[:maxBlame]
	}
	return strings.Join(fields, ", ") + more + " changed by " + takers(before, lost, manager)
}

// takers names the other managers that own one of the lost fields. A field that
// was removed has no owner any more; then the last writer is named.
func takers(entries []metav1.ManagedFieldsEntry, lost *fieldpath.Set, manager string) string {
	var names []string
	var last *metav1.ManagedFieldsEntry
	for i, e := range entries {
		if e.Manager == manager || e.Subresource != "" || e.FieldsV1 == nil {
			continue
		}
		if last == nil || (e.Time != nil && (last.Time == nil || last.Time.Before(e.Time))) {
			last = &entries[i]
		}
		set := &fieldpath.Set{}
		if err := set.FromJSON(e.FieldsV1.GetRawReader()); err == nil && !set.Intersection(lost).Empty() {
			names = append(names, e.Manager)
		}
	}
	switch {
	case len(names) > 0:
		slices.Sort(names)
		return strings.Join(slices.Compact(names), ", ")
	case last != nil:
		return last.Manager
	}
	return "somebody unknown"
}
