package estate

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
)

// Digest is a sum over the objects of one kind that does not depend on their
// order, and is kept up to date object by object. Its methods are those of one
// listing and watch; they are safe for concurrent use.
type Digest struct {
	changed func()

	mu     sync.Mutex
	total  uint64
	sums   map[string]uint64
	listed bool            // completely, once
	seen   map[string]bool // by the listing under way; nil for none
}

func newDigest(changed func()) *Digest {
	return &Digest{changed: changed, sums: map[string]uint64{}}
}

// Begin starts a listing.
func (d *Digest) Begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = map[string]bool{}
}

// End completes a listing: objects that it did not have are gone.
func (d *Digest) End() {
	d.mu.Lock()
	before, first := d.total, !d.listed
	if d.seen != nil {
		for key, sum := range d.sums {
			if !d.seen[key] {
				d.total -= sum
				delete(d.sums, key)
			}
		}
	}
	d.seen, d.listed = nil, true
	changed := first || d.total != before
	d.mu.Unlock()
	if changed {
		d.changed()
	}
}

// Set says what an object is like, by a Sum of it.
func (d *Digest) Set(key string, sum uint64) {
	d.mu.Lock()
	if d.seen != nil {
		d.seen[key] = true
	}
	before := d.sums[key]
	d.total += sum - before
	d.sums[key] = sum
	changed := d.listed && before != sum
	d.mu.Unlock()
	if changed {
		d.changed()
	}
}

// Delete says that an object is gone, or no longer counts.
func (d *Digest) Delete(key string) {
	d.mu.Lock()
	sum, known := d.sums[key]
	d.total -= sum
	delete(d.sums, key)
	changed := known && d.listed
	d.mu.Unlock()
	if changed {
		d.changed()
	}
}

// String is the digest in 16 hex digits, empty before the first listing is
// complete.
func (d *Digest) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.listed {
		return ""
	}
	return fmt.Sprintf("%016x", d.total)
}

// Sum of what describes one object. It is the same in every process.
func Sum(parts ...string) uint64 {
	h := sha256.New()
	var size [8]byte
	for _, part := range parts {
		// With its length before it, no part runs into the next one.
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write([]byte(part))
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}
