package publish

import "time"

// Pace of writes of the status that must not wait for StatusInterval.
const (
	// StatusBurst is the number of them that may follow each other after quiet.
	StatusBurst = 3
	// StatusesPerSecond bounds them on average.
	StatusesPerSecond = 2
)

// StatusPacer says when the status may be written out of turn. It is a bucket of
// tokens, one for each write. The zero value is a full bucket. It reads no clock,
// and is not safe for concurrent use.
type StatusPacer struct {
	// full is when the bucket is full again. It is full now when that is past.
	full time.Time
}

// Next is when the status may be written; it may be past.
func (p *StatusPacer) Next() time.Time {
	return p.full.Add(-(StatusBurst - 1) * time.Second / StatusesPerSecond)
}

// Wrote takes the token of a write.
func (p *StatusPacer) Wrote(now time.Time) {
	if p.full.Before(now) {
		p.full = now
	}
	p.full = p.full.Add(time.Second / StatusesPerSecond)
}
