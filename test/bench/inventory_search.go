package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"strconv"
	"strings"
)

const (
	// prefixLength is how much of a pattern is hashed. No pattern is shorter.
	prefixLength = 8
	// filterBits is the size, as a power of two, of the filter that is asked at
	// every offset. It fits into a second-level cache.
	filterBits = 22
	// searchBuffer is how much is read at a time.
	searchBuffer = 1 << 20
	// golden spreads hashes (Knuth, The Art of Computer Programming, 6.4).
	golden = 0x9e3779b97f4a7c15
)

// searcher finds many patterns in much data: at every offset the next eight
// bytes are looked up in a bit set, and in a table only where that says so.
type searcher struct {
	patterns [][]byte
	longest  int
	filter   []uint64
	// slots is an open hash table of indexes into patterns, plus one.
	slots []int32
	shift int
}

// newSearcher prepares the search of patterns, each of prefixLength bytes at
// least.
func newSearcher(patterns [][]byte) (*searcher, error) {
	size := bits.Len(uint(2*len(patterns) + 1))
	s := &searcher{
		patterns: patterns, longest: prefixLength,
		filter: make([]uint64, 1<<filterBits/64), slots: make([]int32, 1<<size), shift: 64 - size,
	}
	for i, p := range patterns {
		if len(p) < prefixLength {
			return nil, fmt.Errorf("pattern %d has %d bytes; want %d at least", i, len(p), prefixLength)
		}
		s.longest = max(s.longest, len(p))
		h := hashPrefix(p)
		s.filter[h>>(64-filterBits)/64] |= 1 << (h >> (64 - filterBits) % 64)
		at := h >> s.shift
		for s.slots[at] != 0 {
			at = (at + 1) & uint64(len(s.slots)-1)
		}
		s.slots[at] = int32(i + 1)
	}
	return s, nil
}

func hashPrefix(text []byte) uint64 { return binary.LittleEndian.Uint64(text) * golden }

// find counts occurrences by the index of the pattern. A pattern that is given
// twice counts for both.
func (s *searcher) find(r io.Reader, found map[int]int) error {
	buffer := make([]byte, searchBuffer+s.longest)
	kept := 0
	for {
		n, err := io.ReadFull(r, buffer[kept:])
		text := buffer[:kept+n]
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return err
		}
		// What begins in the tail may go on in the next part, and is looked at
		// with that.
		end := len(text) - s.longest + 1
		if last {
			end = len(text)
		}
		s.scan(text, max(end, 0), found)
		if last {
			return nil
		}
		kept = copy(buffer, text[end:])
	}
}

// scan looks at the offsets of text before end.
func (s *searcher) scan(text []byte, end int, found map[int]int) {
	end = min(end, len(text)-prefixLength+1)
	for offset := range max(end, 0) {
		h := hashPrefix(text[offset:])
		if s.filter[h>>(64-filterBits)/64]&(1<<(h>>(64-filterBits)%64)) != 0 {
			s.compare(text[offset:], h, found)
		}
	}
}

func (s *searcher) compare(text []byte, h uint64, found map[int]int) {
	for at := h >> s.shift; s.slots[at] != 0; at = (at + 1) & uint64(len(s.slots)-1) {
		i := int(s.slots[at] - 1)
		if p := s.patterns[i]; len(text) >= len(p) && string(text[:len(p)]) == string(p) {
			found[i]++
		}
	}
}

// searchFile searches a file.
func (s *searcher) searchFile(path string) (map[int]int, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening what is searched: %w", err)
	}
	defer func() { _ = f.Close() }()
	found := map[int]int{}
	if err := s.find(f, found); err != nil {
		return nil, fmt.Errorf("searching %s: %w", path, err)
	}
	return found, nil
}

// searchProcess searches all memory that a process can write, while it runs.
func (s *searcher) searchProcess(pid int) (map[int]int, error) {
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return nil, fmt.Errorf("reading the mappings of process %d: %w", pid, err)
	}
	defer func() { _ = maps.Close() }()
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return nil, fmt.Errorf("opening the memory of process %d: %w", pid, err)
	}
	defer func() { _ = memory.Close() }()
	ranges, err := writable(maps)
	if err != nil {
		return nil, fmt.Errorf("reading the mappings of process %d: %w", pid, err)
	}
	found := map[int]int{}
	for _, r := range ranges {
		if err := s.find(io.NewSectionReader(memory, r.start, r.end-r.start), found); err != nil {
			return nil, fmt.Errorf("reading the memory of process %d at %#x: %w", pid, r.start, err)
		}
	}
	return found, nil
}

// span of addresses.
type span struct{ start, end int64 }

// writable are the mappings that can be read and written, from the text of
// /proc/PID/maps (proc_pid_maps(5)).
func writable(maps io.Reader) ([]span, error) {
	var list []span
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || !strings.HasPrefix(words[1], "rw") {
			continue
		}
		from, to, _ := strings.Cut(words[0], "-")
		start, err := strconv.ParseInt(from, 16, 64)
		if err != nil {
			return nil, fmt.Errorf("a mapping's start: %w", err)
		}
		end, err := strconv.ParseInt(to, 16, 64)
		if err != nil {
			return nil, fmt.Errorf("a mapping's end: %w", err)
		}
		list = append(list, span{start, end})
	}
	return list, lines.Err()
}
