package policy

import (
	"cmp"
	"slices"
	"time"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// Active sorts exceptions by name into those that hold at a time and those that
// have ended. An exception ends at the instant of until. next is the earliest
// end among the active ones, nil when there is none: the time at which to ask
// again.
func Active(exceptions []v1alpha1.PolicyException, now time.Time) (active, ended []v1alpha1.PolicyException, next *time.Time) {
	sorted := slices.SortedStableFunc(slices.Values(exceptions), func(a, b v1alpha1.PolicyException) int {
		return cmp.Compare(a.Name, b.Name)
	})
	for _, e := range sorted {
		if !now.Before(e.Until.Time) {
			ended = append(ended, e)
			continue
		}
		active = append(active, e)
		if next == nil || e.Until.Time.Before(*next) {
			until := e.Until.Time
			next = &until
		}
	}
	return active, ended, next
}
