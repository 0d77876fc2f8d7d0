package profile

import (
	"maps"
	"reflect"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// Store keeps the records of one cluster. It is safe for concurrent use, with
// one caller at a time for each kind.
type Store struct {
	changed func()

	mu      sync.Mutex
	records map[Key]Record
	// keys of the records in order, nil when there are others now.
	keys []Key
	// listed has what the listings that are not complete yet brought.
	listed map[schema.GroupKind]map[Key]bool
}

// NewStore returns an empty Store. changed is called after every change, from
// the goroutine that made it; it must not wait.
func NewStore(changed func()) *Store {
	return &Store{changed: changed, records: map[Key]Record{}, listed: map[schema.GroupKind]map[Key]bool{}}
}

// Begin starts a listing of a kind, also in the place of one that was not
// completed.
func (s *Store) Begin(gk schema.GroupKind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed[gk] = map[Key]bool{}
}

// Set keeps a record of an object in the place of an earlier one; nil for none.
func (s *Store) Set(key Key, record Record) {
	if s.set(key, record) {
		s.changed()
	}
}

func (s *Store) set(key Key, record Record) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, known := s.records[key]
	if known != (record != nil) {
		s.keys = nil
	}
	if record == nil {
		delete(s.records, key)
		return known
	}
	if listed := s.listed[key.Kind]; listed != nil {
		listed[key] = true
	}
	s.records[key] = record
	return !known || !reflect.DeepEqual(before, record)
}

// Delete forgets an object.
func (s *Store) Delete(key Key) { s.Set(key, nil) }

// End completes a listing: objects of the kind that it did not have are gone.
func (s *Store) End(gk schema.GroupKind) {
	if s.sweep(gk) {
		s.changed()
	}
}

func (s *Store) sweep(gk schema.GroupKind) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	listed := s.listed[gk]
	delete(s.listed, gk)
	before := len(s.records)
	maps.DeleteFunc(s.records, func(key Key, _ Record) bool { return key.Kind == gk && !listed[key] })
	if len(s.records) == before {
		return false
	}
	s.keys = nil
	return true
}

// Profile of the cluster.
func (s *Store) Profile(in Input) *v1alpha1.ClusterProfile {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		s.keys = slices.SortedFunc(maps.Keys(s.records), compare)
	}
	return assemble(s.keys, s.records, in)
}
