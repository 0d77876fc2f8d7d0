package node

import "time"

const (
	firstBackOff = time.Second
	maxBackOff   = 30 * time.Second
	// healthyAfter is how long a process has to run for its earlier failures to
	// be forgotten.
	healthyAfter = 2 * maxBackOff
	// maxGrace bounds how long a process may take to end.
	maxGrace = 5 * time.Second
)

// backOff returns how long to wait before the restart that follows so many
// failures in a row: 1 s, 2 s, 4 s and so on, at most 30 s.
func backOff(failures int) time.Duration {
	wait := firstBackOff
	for range failures - 1 {
		if wait *= 2; wait >= maxBackOff {
			return maxBackOff
		}
	}
	return wait
}

// grace returns how long a process may take to end when the pod asks for so
// many seconds.
func grace(seconds *int64) time.Duration {
	if seconds == nil {
		return maxGrace
	}
	return min(time.Duration(*seconds)*time.Second, maxGrace)
}
