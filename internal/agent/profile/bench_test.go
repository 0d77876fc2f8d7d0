package profile

import (
	"fmt"
	"testing"
)

// BenchmarkProfile is what a look costs in a cluster with an issuer in each of
// 5,000 namespaces.
func BenchmarkProfile(b *testing.B) {
	s := NewStore(func() {})
	for key, record := range sample() {
		s.Set(key, record)
	}
	for i := range 5000 {
		s.Set(Key{Issuer, fmt.Sprintf("team-%d", i), "ca"}, &IssuerRecord{Secret: "ca"})
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Profile(input)
	}
}
