package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestSearcherFindsPatterns(t *testing.T) {
	t.Parallel()
	patterns := [][]byte{
		[]byte("12345678"), []byte("abcdefgh-first"), []byte("abcdefgh-second"), []byte("abcdefgh-first"),
	}
	filler := strings.Repeat("x", searchBuffer)
	tests := map[string]struct {
		text string
		want map[int]int
	}{
		"nothing in nothing":                          {text: "", want: map[int]int{}},
		"nothing in less than a prefix":               {text: "1234567", want: map[int]int{}},
		"the shortest pattern alone":                  {text: "12345678", want: map[int]int{0: 1}},
		"a pattern that overlaps the end is none":     {text: "zabcdefgh-firs", want: map[int]int{}},
		"the same pattern twice counts for both":      {text: "abcdefgh-first", want: map[int]int{1: 1, 3: 1}},
		"patterns with one prefix are told apart":     {text: "abcdefgh-second!", want: map[int]int{2: 1}},
		"every occurrence counts":                     {text: "12345678 12345678", want: map[int]int{0: 2}},
		"one that begins at the edge of a buffer":     {text: filler + "12345678" + filler, want: map[int]int{0: 1}},
		"one that lies across the edge of a buffer":   {text: filler + "12345" + "abcdefgh-second" + filler, want: map[int]int{2: 1}},
		"one that ends with the last of many buffers": {text: filler + filler + "abcdefgh-second", want: map[int]int{2: 1}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := newSearcher(patterns)
			if err != nil {
				t.Fatal(err)
			}
			got := map[int]int{}
			if err := s.find(strings.NewReader(tc.text), got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

// What is planted at random is found at every offset, and nothing else is.
func TestSearcherAgainstPlainSearch(t *testing.T) {
	t.Parallel()
	random := rand.NewChaCha8([32]byte{1})
	bytesOf := func(n int) []byte {
		b := make([]byte, n)
		_, _ = random.Read(b)
		return b
	}
	var patterns [][]byte
	for i := range 5000 {
		patterns = append(patterns, bytesOf(24+i%9))
	}
	text := bytesOf(3*searchBuffer + 17)
	for i := 0; i < len(patterns); i += 7 {
		copy(text[i*600:], patterns[i])
	}
	want := map[int]int{}
	for i := range patterns[:700] { // the plain way is slow
		if n := bytes.Count(text, patterns[i]); n > 0 {
			want[i] = n
		}
	}
	if len(want) != 100 {
		t.Fatalf("%d patterns were planted, want 100", len(want))
	}
	s, err := newSearcher(patterns)
	if err != nil {
		t.Fatal(err)
	}
	got := map[int]int{}
	if err := s.find(iotest.HalfReader(bytes.NewReader(text)), got); err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if i%7 != 0 {
			t.Errorf("pattern %d was found, and is not there", i)
		}
		if i >= 700 {
			delete(got, i)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}

func TestSearcherSaysWhatItCannotDo(t *testing.T) {
	t.Parallel()
	if _, err := newSearcher([][]byte{[]byte("1234567")}); err == nil {
		t.Error("a pattern that is too short was taken")
	}
	s, err := newSearcher([][]byte{[]byte("12345678")})
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	if err := s.find(iotest.ErrReader(broken), map[int]int{}); !errors.Is(err, broken) {
		t.Errorf("got error %v, want that of the reader", err)
	}
}

func TestWritableMappings(t *testing.T) {
	t.Parallel()
	got, err := writable(strings.NewReader(`00400000-0166e000 r--p 00000000 fe:00 112 /bin/agent
060b6000-061b4000 rw-p 05cb6000 fe:00 112 /bin/agent
c000000000-c000400000 rw-p 00000000 00:00 0
c000400000-c004000000 ---p 00000000 00:00 0
7fff1000-7fff2000 rwxp 00000000 00:00 0 [stack]
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []span{{0x60b6000, 0x61b4000}, {0xc000000000, 0xc000400000}, {0x7fff1000, 0x7fff2000}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(span{})); diff != "" {
		t.Errorf("mappings (-want +got):\n%s", diff)
	}
	if _, err := writable(strings.NewReader("what-ever rw-p\n")); err == nil {
		t.Error("a line without addresses was taken")
	}
}

// The whole way, in this process: a key that is alive is found in the heap dump,
// and one that is not, is not. What is looked for is made after the dump. It is
// not parallel, since it collects the garbage of all.
func TestHeapDumpShowsWhatIsAlive(t *testing.T) {
	planted[0] = plant(plantedLive)
	plantAndDrop()
	alive := plant("PEM of a key")
	file := filepath.Join(t.TempDir(), "heap")
	collectGarbage()
	if err := dump(file); err != nil {
		t.Fatal(err)
	}
	runtime.KeepAlive(alive)
	s, err := keySearcher(
		needles{scalar: plant("another key"), text: plant("its PEM"), encoded: plant("its base64")},
		needles{scalar: plant("a key"), text: plant("PEM of a key"), encoded: plant("base64 of a key")},
	)
	if err != nil {
		t.Fatal(err)
	}
	got, err := heapKeys(s, file)
	if err != nil {
		t.Errorf("%v: %+v", err, got)
	}
	if got.keys != 1 || got.forms != [len(needleForms)]int{0, 1, 0} {
		t.Errorf("got %s, want the PEM that is alive", got)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the heap dump is left (%v)", err)
	}
	// The searcher is alive now, with all that it looks for.
	if err := dump(file); err != nil {
		t.Fatal(err)
	}
	if got, err := heapKeys(s, file); err == nil || !got.gone {
		t.Errorf("what should be gone is alive, and the dump is trusted: %+v", got)
	}
}

func TestJudgeKeys(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		found map[int]int
		want  string
		alive bool
		gone  bool
	}{
		"nothing":                           {found: map[int]int{}, want: "none"},
		"what is planted is no key":         {found: map[int]int{0: 1, 1: 3}, want: "none", alive: true, gone: true},
		"one key in two forms is one key":   {found: map[int]int{0: 1, 2: 4, 3: 1}, want: "1 keys, 1 raw, 1 PEM", alive: true},
		"two keys, one of them as in JSON":  {found: map[int]int{3: 1, 7: 1}, want: "2 keys, 1 PEM, 1 base64 of PEM"},
		"the same form of neighbouring one": {found: map[int]int{2: 1, 5: 1}, want: "2 keys, 2 raw"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := judgeKeys(tc.found)
			if got.String() != tc.want || got.alive != tc.alive || got.gone != tc.gone {
				t.Errorf("got %q %+v, want %q", got, got, tc.want)
			}
		})
	}
}

func BenchmarkSearch(b *testing.B) {
	var keys []needles
	for i := range 20_000 {
		keys = append(keys, needles{
			scalar: fmt.Appendf(nil, "%032d", i*7919), text: fmt.Appendf(nil, "%024x", i*104729), encoded: fmt.Appendf(nil, "e%023d", i),
		})
	}
	s, err := keySearcher(keys...)
	if err != nil {
		b.Fatal(err)
	}
	text := make([]byte, 32<<20)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(text)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if err := s.find(bytes.NewReader(text), map[int]int{}); err != nil {
			b.Fatal(err)
		}
	}
}
