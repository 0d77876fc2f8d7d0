package drift

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// OwnedFields returns the fields that manager owns through server-side apply.
// A manager that owns nothing has an empty set.
func OwnedFields(entries []metav1.ManagedFieldsEntry, manager string) (*fieldpath.Set, error) {
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
	set, err := OwnedFields(entries, manager)
	if err != nil {
		return "", err
	}
	return HashOf(set)
}

// HashOf a set of fields, as FieldsHash.
func HashOf(set *fieldpath.Set) (string, error) {
	raw, err := set.ToJSON()
	if err != nil {
		return "", fmt.Errorf("writing managed fields: %w", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8]), nil
}

// Change says which of our fields others took or removed, and who they are.
type Change struct {
	// Fields as paths, in order; empty when that can't be told.
	Fields []string
	// By are the field managers that did it, in order; empty for unknown.
	By []string
	// Since is when the last of them wrote; zero for unknown.
	Since time.Time
}

// Explain an object that no longer has the fields that it had for manager.
// wanted are those; entries are the managed fields as found. wanted may be nil
// when it is not known: then the last other writer is named, without fields.
func Explain(wanted *fieldpath.Set, entries []metav1.ManagedFieldsEntry, manager string) Change {
	lost := &fieldpath.Set{}
	if have, err := OwnedFields(entries, manager); err == nil && wanted != nil {
		lost = wanted.Difference(have).Leaves()
	}
	var c Change
	lost.Iterate(func(p fieldpath.Path) { c.Fields = append(c.Fields, p.String()) })
	slices.Sort(c.Fields)
	c.By, c.Since = takers(entries, lost, manager)
	return c
}

// takers names the other managers that own one of the lost fields. A field that
// was removed has no owner any more; then the last writer is named.
func takers(entries []metav1.ManagedFieldsEntry, lost *fieldpath.Set, manager string) (managers []string, since time.Time) {
	var last *metav1.ManagedFieldsEntry
	for i := range entries {
		e := &entries[i]
		if e.Manager == manager || e.Subresource != "" || e.FieldsV1 == nil {
			continue
		}
		if last == nil || timeOf(e).After(timeOf(last)) {
			last = e
		}
		set := &fieldpath.Set{}
		if err := set.FromJSON(e.FieldsV1.GetRawReader()); err != nil || set.Intersection(lost).Empty() {
			continue
		}
		managers = append(managers, e.Manager)
		if timeOf(e).After(since) {
			since = timeOf(e)
		}
	}
	if len(managers) == 0 && last != nil {
		return []string{last.Manager}, timeOf(last)
	}
	slices.Sort(managers)
	return slices.Compact(managers), since
}

// timeOf the last write of a manager; zero for unknown.
func timeOf(e *metav1.ManagedFieldsEntry) time.Time {
	if e.Time == nil {
		return time.Time{}
	}
	return e.Time.Time
}

// maxNamed bounds how many fields a sentence lists.
const maxNamed = 3

// String is the change in a sentence without its end.
func (c Change) String() string {
	by := "somebody unknown"
	if len(c.By) > 0 {
		by = strings.Join(c.By, ", ")
	}
	if len(c.Fields) == 0 {
		return "changed by " + by
	}
	fields, more := c.Fields, ""
	if len(fields) > maxNamed {
		more = fmt.Sprintf(" and %d more", len(fields)-maxNamed)
		fields = fields[:maxNamed]
	}
	return strings.Join(fields, ", ") + more + " changed by " + by
}
