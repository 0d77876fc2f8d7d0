package publish

import (
	"cmp"
	"strings"
)

const (
	// pageName is the name of the page that covers everything, unless a
	// publisher has one of its own. Other pages have their prefix appended.
	pageName = "inventory"
	// maxDepth bounds the prefix of a page in bits.
	maxDepth = 32
	// shardBits is the part of the hash that is the shard: its top 8 bits.
	shardBits = 8
)

// prefix is the start of a hash: its first length bits, at the top of bits; the
// others are zero.
type prefix struct {
	bits   uint64
	length int
}

// covers says whether the hash starts with the prefix.
func (x prefix) covers(hash uint64) bool { return (hash^x.bits)>>(64-x.length) == 0 }

// contains says whether everything that y covers is covered by x too.
func (x prefix) contains(y prefix) bool { return x.length <= y.length && x.covers(y.bits) }

// overlaps says whether there are hashes that both cover.
func (x prefix) overlaps(y prefix) bool { return x.contains(y) || y.contains(x) }

// children are the two prefixes that are longer by one bit.
func (x prefix) children() (zero, one prefix) {
	zero = prefix{bits: x.bits, length: x.length + 1}
	one = zero
	one.bits |= 1 << (63 - x.length)
	return zero, one
}

// parent is the prefix that is shorter by one bit. The empty prefix has none.
func (x prefix) parent() prefix {
	last := uint64(1) << (64 - x.length)
	return prefix{bits: x.bits &^ last, length: x.length - 1}
}

// shards are the first and the last shard that the prefix covers, in whole or in
// part.
func (x prefix) shards() (first, last int) {
	first = int(x.bits >> (64 - shardBits))
	if x.length >= shardBits {
		return first, first
	}
	return first, first + 1<<(shardBits-x.length) - 1
}

// name of the page with this prefix; page is that of the one that covers
// everything.
func (x prefix) name(page string) string {
	if x.length == 0 {
		return page
	}
	name := []byte(page + "-")
	for i := range x.length {
		name = append(name, '0'+byte(x.bits>>(63-i)&1))
	}
	return string(name)
}

// parsePrefix reads what name writes.
func parsePrefix(page, name string) (x prefix, ok bool) {
	if name == page {
		return prefix{}, true
	}
	digits, ok := strings.CutPrefix(name, page+"-")
	if !ok || digits == "" || len(digits) > maxDepth {
		return prefix{}, false
	}
	for i, digit := range []byte(digits) {
		switch digit {
		case '0':
		case '1':
			x.bits |= 1 << (63 - i)
		default:
			return prefix{}, false
		}
	}
	x.length = len(digits)
	return x, true
}

// comparePrefixes orders prefixes by what they cover; one that contains another
// comes first.
func comparePrefixes(a, b prefix) int {
	return cmp.Or(cmp.Compare(a.bits, b.bits), cmp.Compare(a.length, b.length))
}
