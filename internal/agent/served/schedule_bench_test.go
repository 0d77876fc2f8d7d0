package served

import (
	"testing"
	"time"

	"github.com/tlsplatform/tls-platform-operator/internal/prober"
)

// BenchmarkScheduleFirstRound probes 10,000 endpoints that came at once.
func BenchmarkScheduleFirstRound(b *testing.B) {
	for b.Loop() {
		s := NewSchedule(time.Hour)
		for i := range 10000 {
			s.Touch(prober.Endpoint{Host: "192.0.2.1", Port: uint16(i + 1)}, start) // it fits
		}
		for list := s.Start(start); len(list) > 0; list = s.Start(start) {
			for _, e := range list {
				s.Done(e, start, true, 0)
			}
		}
	}
}
