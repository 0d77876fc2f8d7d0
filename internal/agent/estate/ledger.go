package estate

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
)

// book is the ledger as it was read.
type book struct {
	version string // resource version of the ConfigMap
	seen    time.Time
	items   map[desired.Ref]*item
}

// ledgerSink takes the one ConfigMap that holds the ledger.
type ledgerSink struct {
	estate *Estate
	found  bool // by the listing under way
}

// Begin implements tail.Sink.
func (s *ledgerSink) Begin() { s.found = false }

// End implements tail.Sink.
func (s *ledgerSink) End() {
	if !s.found {
		s.estate.enter(nil, "")
	}
}

// Deleted implements tail.Sink.
func (s *ledgerSink) Deleted([]byte) { s.estate.enter(nil, "") }

// Object implements tail.Sink.
func (s *ledgerSink) Object(raw []byte) {
	s.found = true
	var cm struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
		Data map[string]string `json:"data"`
	}
	if err := json.Unmarshal(raw, &cm); err != nil {
		s.estate.garbled(fmt.Errorf("decoding the ConfigMap of the ledger: %w", err))
		return
	}
	l, err := ledger.Decode(cm.Data[ledger.Key])
	if err != nil {
		s.estate.garbled(err)
		return
	}
	s.estate.enter(l, cm.Metadata.ResourceVersion)
}

// garbled says that the ledger can't be understood. What it said before holds.
func (e *Estate) garbled(err error) {
	e.mu.Lock()
	e.read, e.decoding, e.dirty = true, err.Error(), true
	e.source.listed = true
	e.mu.Unlock()
	e.Changed()
}

// enter takes a ledger, nil for none.
func (e *Estate) enter(l *ledger.Ledger, version string) {
	e.mu.Lock()
	news := e.replace(l, version)
	e.mu.Unlock()
	if news {
		e.Changed()
	}
}

// replace the ledger, and say whether it is another. It is called under the lock.
func (e *Estate) replace(l *ledger.Ledger, version string) (news bool) {
	e.source.listed = true
	if e.read && e.decoding == "" && (l == nil) == (e.book == nil) && (l == nil || e.book.version == version) {
		return false
	}
	e.read, e.decoding, e.dirty = true, "", true
	if l == nil {
		e.book, e.settled = nil, ""
		e.rescope()
		return true
	}
	now := e.Clock.Now()
	next := &book{version: version, seen: now, items: make(map[desired.Ref]*item, len(l.Entries))}
	for ref, entry := range l.Entries {
		i := &item{}
		if e.book != nil && e.book.items[ref] != nil {
			i = e.book.items[ref]
		}
		i.entry = entry
		next.items[ref] = i
	}
	e.book = next
	e.rescope()
	for ref := range next.items {
		e.judge(ref, now)
	}
	return true
}
