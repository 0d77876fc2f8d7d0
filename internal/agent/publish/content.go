package publish

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
)

// MaxPage bounds a CertificateSlice in bytes of its JSON, metadata included.
const MaxPage = 256 << 10

const (
	// metadataRoom is kept free in a page for metadata, with what the API
	// server adds to it.
	metadataRoom = 8 << 10
	// maxContent bounds the JSON of the records of a page.
	maxContent = MaxPage - metadataRoom
	// minContent is the size below which a page and its sibling become one. It
	// is far below the size of the halves of a page that was split, so that
	// pages do not split and merge in turn.
	minContent = maxContent / 3
)

// Views are the records that are published.
type Views interface {
	// Each calls f for every record of a shard (0 to inventory.Shards-1) in a
	// stable order, in which the records of one object follow each other. A view
	// is valid only inside of f.
	Each(shard int, f func(*inventory.View))
}

// content is what belongs on a page. The zero value is empty and ready for use.
type content struct {
	items   []item
	encoded bytes.Buffer
	// overflow says that it is more than fits; items is then a part of it.
	overflow bool
	// omitted counts the records that were left out of a page that can't be
	// split any further.
	omitted int

	// group are the records of the object that is being read.
	group []v1alpha1.CertificateRecord
}

// item is a record with the place of its JSON in the encoded records.
type item struct {
	record     v1alpha1.CertificateRecord
	start, end int
}

// collect reads the records that the prefix covers. What was collected before is
// forgotten; its memory is used again.
func (c *content) collect(views Views, x prefix) error {
	clear(c.items)
	c.items = c.items[:0]
	c.encoded.Reset()
	c.overflow, c.omitted = false, 0

	last := x.length >= maxDepth
	var failed error
	first, end := x.shards()
	for shard := first; shard <= end && !c.overflow && failed == nil; shard++ {
		var object *inventory.Object
		covered := false
		views.Each(shard, func(v *inventory.View) {
			if v.Object != object {
				failed = firstError(failed, c.addGroup(last))
				object = v.Object
				covered = x.covers(object.Hash())
			}
			if covered && !c.overflow && failed == nil {
				c.group = append(c.group, RecordOf(v))
			}
		})
		failed = firstError(failed, c.addGroup(last))
	}
	if failed != nil {
		return fmt.Errorf("encoding a record: %w", failed)
	}
	slices.SortStableFunc(c.items, func(a, b item) int { return compareRecords(&a.record, &b.record) })
	if c.omitted > 0 {
		return c.noteOmitted()
	}
	return nil
}

// addGroup adds the records of one object to the content.
func (c *content) addGroup(last bool) error {
	if len(c.group) == 0 {
		return nil
	}
	group := c.group
	defer func() {
		clear(group)
		c.group = group[:0]
	}()
	if c.overflow {
		return nil
	}
	if whole, err := c.append(group); whole || err != nil {
		return err
	}
	short, err := shorten(group, maxContent)
	if err != nil {
		return err
	}
	whole, err := c.append(short)
	switch {
	case whole || err != nil:
	case last:
		c.omitted += len(group)
	default:
		c.overflow = true
	}
	return err
}

// append adds all of the records, or none when they do not fit.
func (c *content) append(records []v1alpha1.CertificateRecord) (whole bool, err error) {
	items, size := len(c.items), c.encoded.Len()
	for i := range records {
		start := c.encoded.Len()
		if err = encode(&c.encoded, &records[i]); err == nil && c.size() <= maxContent {
			c.items = append(c.items, item{record: records[i], start: start, end: c.encoded.Len()})
			continue
		}
		c.encoded.Truncate(size)
		clear(c.items[items:])
		c.items = c.items[:items]
		return false, err
	}
	return true, nil
}

// noteOmitted says on the last record that others are missing.
func (c *content) noteOmitted() error {
	if len(c.items) == 0 {
		return nil
	}
	end := &c.items[len(c.items)-1]
	end.record.Problem = withNote(end.record.Problem, c.omitted, "of objects that hash alike")
	end.start = c.encoded.Len()
	err := encode(&c.encoded, &end.record)
	end.end = c.encoded.Len()
	return err
}

// size is the length of the JSON of all records, with a separator for each.
func (c *content) size() int { return c.encoded.Len() + len(c.items) }

// digest is the SHA-256 of the JSON of the records as a list, in hex.
func (c *content) digest() string {
	h := sha256.New()
	h.Write([]byte{'['})
	for i := range c.items {
		if i > 0 {
			h.Write([]byte{','})
		}
		h.Write(c.encoded.Bytes()[c.items[i].start:c.items[i].end])
	}
	h.Write([]byte{']'})
	return hex.EncodeToString(h.Sum(nil))
}

// records are the records in the order of a page; never nil.
func (c *content) records() []v1alpha1.CertificateRecord {
	list := make([]v1alpha1.CertificateRecord, 0, len(c.items))
	for i := range c.items {
		list = append(list, c.items[i].record)
	}
	return list
}

// measure gives size and digest of the records of a page that exists, as size
// and digest of content would be.
func measure(records []v1alpha1.CertificateRecord) (size int, digest string, err error) {
	var c content
	for i := range records {
		start := c.encoded.Len()
		if err := encode(&c.encoded, &records[i]); err != nil {
			return 0, "", err
		}
		c.items = append(c.items, item{start: start, end: c.encoded.Len()})
	}
	return c.size(), c.digest(), nil
}

// shorten makes the records of one object fit into limit bytes: lists are left
// out first, their counts stay; then records are, and the last one that is left
// says so.
func shorten(records []v1alpha1.CertificateRecord, limit int) ([]v1alpha1.CertificateRecord, error) {
	whole, err := fitting(records, limit)
	if err != nil || whole == len(records) {
		return records, err
	}
	short := slices.Clone(records)
	slices.SortStableFunc(short, func(a, b v1alpha1.CertificateRecord) int { return compareRecords(&a, &b) })
	for i := range short {
		short[i].Names, short[i].Chain, short[i].UsedBy, short[i].Doubts = nil, nil, nil, nil
	}
	fit, err := fitting(short, limit-noteRoom)
	if err != nil || fit == len(short) || fit == 0 {
		return short[:fit], err
	}
	short[fit-1].Problem = withNote(short[fit-1].Problem, len(short)-fit, "of this object, which is too large for a page,")
	return short[:fit], nil
}

// fitting is the number of records whose JSON fits into limit bytes, with a
// separator for each.
func fitting(records []v1alpha1.CertificateRecord, limit int) (int, error) {
	var b bytes.Buffer
	size := 0
	for i := range records {
		b.Reset()
		if err := encode(&b, &records[i]); err != nil {
			return 0, err
		}
		if size += b.Len() + 1; size > limit {
			return i, nil
		}
	}
	return len(records), nil
}

// noteRoom is what a note about records that are left out takes at most.
const noteRoom = 256

func withNote(problem string, left int, which string) string {
	note := fmt.Sprintf("%d more values %s are not listed", left, which)
	if problem == "" {
		return note
	}
	return problem + "; " + note
}

// encode appends the JSON of a record, as the API server will store it.
func encode(b *bytes.Buffer, record *v1alpha1.CertificateRecord) error {
	if err := json.NewEncoder(b).Encode(record); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the newline
	return nil
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
