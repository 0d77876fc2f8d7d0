package publish

import (
	"time"
)

// Pace of publishing.
const (
	// Gather is how long the first change after quiet waits for others.
	Gather = 100 * time.Millisecond
	// Burst is the number of pages that may be written at once after quiet.
	Burst = 10
	// PagesPerSecond bounds the writes of pages on average.
	PagesPerSecond = 4
	// MaxRest bounds the rest after many pages were written at once, as at the
	// start: no change waits longer than that.
	MaxRest = 10 * time.Second
	// StatusInterval is the least time between two writes of the status.
	StatusInterval = 5 * time.Second
)

// Pacer says when to publish: soon after the first change, and in larger batches
// the more is written. It is a bucket of tokens, one for each write of a page.
// The zero value is a full bucket. It reads no clock, and is not safe for
// concurrent use.
type Pacer struct {
	// full is when the bucket is full again. It is full now when that is past.
	full time.Time
}

// Next is when pages may be written, given when the first of the changes that
// are not published yet appeared.
func (p *Pacer) Next(dirtySince time.Time) time.Time {
	next := dirtySince.Add(Gather)
	// One token is there when all but one of a full bucket are still missing.
	if allowed := p.full.Add(-(Burst - 1) * time.Second / PagesPerSecond); allowed.After(next) {
		return allowed
	}
	return next
}

// Wrote takes the tokens of pages that were written. More may be written than
// there are tokens: a batch is never cut, but followed by a rest.
func (p *Pacer) Wrote(now time.Time, pages int) {
	if p.full.Before(now) {
		p.full = now
	}
	p.full = p.full.Add(time.Duration(pages) * time.Second / PagesPerSecond)
	if latest := now.Add(MaxRest + (Burst-1)*time.Second/PagesPerSecond); p.full.After(latest) {
		p.full = latest
	}
}

// NextStatus is when the status may be written, given when it was last written;
// the zero time for never, and then it is the zero time as well.
func NextStatus(last time.Time) time.Time {
	if last.IsZero() {
		return last
	}
	return last.Add(StatusInterval)
}
