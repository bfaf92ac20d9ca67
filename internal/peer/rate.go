// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"math"
	"time"
)

// Rates in bit/s.
const (
	startRate = 6_000_000
	minRate   = 250_000
	maxRate   = 100_000_000
)

const (
	// highQueue is how much longer than at its best a packet may take before the
	// link counts as full; lowQueue is below what jitter alone makes.
	highQueue = 40 * time.Millisecond
	lowQueue  = 15 * time.Millisecond
	// highLoss is more than a bad radio link loses by itself; such loss means the
	// link is full. Less is repaired and otherwise ignored.
	highLoss = 0.10
	// baseWindow is how long the best transit time is remembered: clocks drift.
	baseWindow = 10 * time.Second
	// ackWindow is what the arriving rate is averaged over.
	ackWindow = 300 * time.Millisecond
	// maxArrivals is how many packets of that window count, by whatever clock the other
	// end claims to have: more than maxRate sends in it.
	maxArrivals = 4096
	// feedbackLimit is how long the other end may be silent about packets before
	// the rate is halved.
	feedbackLimit = time.Second
)

// ack is what the other end said of one packet.
type ack struct {
	size    int       // bytes
	sent    time.Time // our clock
	arrived time.Time // their clock; zero when it has not come
}

// controller turns reports of what arrived when into the rate to send at. It has
// no clock of its own and belongs to one goroutine at a time.
type controller struct {
	rate     float64
	starting bool // doubling until the first sign of a full link

	base      [2]time.Duration // best transit in this window and the one before
	baseSince time.Time
	lossAvg   float64
	cut       time.Time // last decrease, or last sign that it works
	cutQueue  time.Duration
	grown     time.Time // last increase
	heard     time.Time // last report
	arrivals  []ack     // of the last ackWindow, by their clock
}

func newController(now time.Time) *controller {
	return &controller{
		rate: startRate, starting: true, base: [2]time.Duration{math.MaxInt64, math.MaxInt64},
		baseSince: now, heard: now, grown: now,
	}
}

// report takes one report. limited says whether sending was held back by the rate
// since the last one: only then does its success prove anything.
func (c *controller) report(now time.Time, rtt time.Duration, acks []ack, limited bool) {
	c.heard = now
	queue, ok := c.measure(now, acks)
	if !ok {
		return
	}
	c.lose(acks)
	if queue < lowQueue {
		c.cutQueue = 0
	}
	switch {
	case now.Sub(c.cut) < rtt+100*time.Millisecond: // the last cut shows only now
	case queue > highQueue && c.draining(now, queue):
	case queue > highQueue:
		c.cutQueue = queue
		c.decrease(now, 0.85, limited)
	case c.lossAvg > highLoss:
		c.decrease(now, 1-c.lossAvg/2, limited)
	case limited && queue < lowQueue:
		c.increase(now)
	}
}

// measure returns by how much the quickest packet of this report was slower than
// the quickest of late; the quickest, because the others saw jitter besides.
func (c *controller) measure(now time.Time, acks []ack) (time.Duration, bool) {
	best, found := time.Duration(math.MaxInt64), false
	for _, a := range acks {
		if a.arrived.IsZero() {
			continue
		}
		found = true
		best = min(best, a.arrived.Sub(a.sent))
		c.arrivals = append(c.arrivals, a)
	}
	if !found {
		return 0, false
	}
	c.forget()
	if now.Sub(c.baseSince) > baseWindow {
		c.base[1], c.base[0], c.baseSince = c.base[0], best, now
	}
	c.base[0] = min(c.base[0], best)
	return best - min(c.base[0], c.base[1]), true
}

// forget drops arrivals that are older than the window.
func (c *controller) forget() {
	last := c.arrivals[len(c.arrivals)-1].arrived
	i := max(len(c.arrivals)-maxArrivals, 0)
	for i < len(c.arrivals) && last.Sub(c.arrivals[i].arrived) > ackWindow {
		i++
	}
	c.arrivals = append(c.arrivals[:0], c.arrivals[i:]...)
}

// arriving is the rate at which packets came in lately, in bit/s.
func (c *controller) arriving() float64 {
	if len(c.arrivals) == 0 {
		return 0
	}
	bits := 0
	for _, a := range c.arrivals {
		bits += 8 * a.size
	}
	span := c.arrivals[len(c.arrivals)-1].arrived.Sub(c.arrivals[0].arrived)
	return float64(bits) / max(span, ackWindow/3).Seconds()
}

func (c *controller) lose(acks []ack) {
	lost := 0
	for _, a := range acks {
		if a.arrived.IsZero() {
			lost++
		}
	}
	// a report of one packet says less than one of fifty
	weight := min(float64(len(acks))/50, 0.5)
	c.lossAvg += weight * (float64(lost)/float64(len(acks)) - c.lossAvg)
}

// draining reports whether the queue has shrunk since the last cut; another cut
// would then be one too many.
func (c *controller) draining(now time.Time, queue time.Duration) bool {
	if queue >= c.cutQueue*4/5 {
		return false
	}
	c.cut, c.cutQueue = now, queue
	return true
}

// decrease goes below what the link has just shown it carries.
func (c *controller) decrease(now time.Time, factor float64, limited bool) {
	c.starting, c.cut = false, now
	from := c.rate
	if got := c.arriving(); limited && got > 0 {
		from = min(from, got)
	}
	c.rate = max(from*factor, minRate)
}

// increase doubles at first, later adds about 8 % every tenth of a second, and never
// runs far ahead of what was seen to arrive.
func (c *controller) increase(now time.Time) {
	step := min(now.Sub(c.grown), 200*time.Millisecond)
	c.grown = now
	next := c.rate * math.Pow(1.08, step.Seconds()*10)
	if c.starting {
		next = c.rate * 1.5
	}
	next = min(next, 3*c.arriving()+1_000_000, maxRate)
	c.rate = max(c.rate, next)
}

// tick halves the rate when packets are out and nothing is heard of them; it
// reports whether it did, and the caller then waits for new packets to leave.
func (c *controller) tick(now time.Time, waiting bool) bool {
	if !waiting {
		c.heard = now
		return false
	}
	if now.Sub(c.heard) <= feedbackLimit {
		return false
	}
	c.heard, c.starting = now, false
	c.rate = max(c.rate/2, minRate)
	return true
}
