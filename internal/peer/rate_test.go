// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"testing"
	"time"
)

// simulation is a link with one queue, simulated millisecond by millisecond. No
// clock but its own is read.
type simulation struct {
	now      time.Time
	control  *controller
	capacity float64       // bit/s
	oneWay   time.Duration // each way
	loss     int           // every n-th packet is lost; zero for none
	demand   float64       // bit/s the application wants to send; zero for all it may

	credit  float64 // bytes that may leave now
	free    time.Time
	sent    int
	pending []ack // not reported yet
	worst   time.Duration
	report  time.Time
}

func newSimulation(capacity float64) *simulation {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return &simulation{now: start, control: newController(start), capacity: capacity, oneWay: 15 * time.Millisecond, free: start}
}

const simulated = 1200 // bytes of every packet

// run lets time pass.
func (s *simulation) run(d time.Duration) {
	for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(time.Millisecond) {
		rate := s.control.rate
		if s.demand > 0 {
			rate = min(rate, s.demand)
		}
		for s.credit += rate / 8 / 1000; s.credit >= simulated; s.credit -= simulated {
			s.send()
		}
		if s.now.Sub(s.report) >= feedbackEvery {
			s.feedback()
		}
	}
}

// send puts a packet into the queue of the link.
func (s *simulation) send() {
	s.sent++
	a := ack{size: simulated, sent: s.now}
	if s.loss == 0 || s.sent%s.loss != 0 {
		if s.free.Before(s.now) {
			s.free = s.now
		}
		s.free = s.free.Add(time.Duration(simulated * 8 / s.capacity * float64(time.Second)))
		a.arrived = s.free.Add(s.oneWay).Add(-42 * time.Minute) // their clock is another
		s.worst = max(s.worst, s.free.Sub(s.now))
	}
	s.pending = append(s.pending, a)
}

// feedback reports the packets that have arrived one way back ago.
func (s *simulation) feedback() {
	s.report = s.now
	seen := s.now.Add(-s.oneWay).Add(-42 * time.Minute)
	i := 0
	for i < len(s.pending) && !s.pending[i].arrived.After(seen) {
		i++
	}
	limited := s.demand == 0 || s.control.rate < s.demand
	if i > 0 {
		s.control.report(s.now, 2*s.oneWay, s.pending[:i], limited)
	}
	s.pending = append([]ack(nil), s.pending[i:]...)
}

func (s *simulation) expect(t *testing.T, what string, low, high float64) {
	t.Helper()
	t.Logf("%s: %.2f Mbit/s, worst queue %v", what, s.control.rate/1e6, s.worst)
	if s.control.rate < low || s.control.rate > high {
		t.Errorf("%s: %.2f Mbit/s, not %.1f to %.1f", what, s.control.rate/1e6, low/1e6, high/1e6)
	}
}

func TestRateFollowsTheLink(t *testing.T) {
	s := newSimulation(8e6)
	s.run(5 * time.Second)
	s.expect(t, "on 8 Mbit/s", 5e6, 10e6)
	s.capacity = 3e6
	s.run(2 * time.Second)
	s.expect(t, "two seconds after a fall to 3", 1.5e6, 3.9e6)
	s.worst = 0
	s.run(5 * time.Second)
	s.expect(t, "steady on 3", 1.8e6, 3.9e6)
	if s.worst > 200*time.Millisecond {
		t.Errorf("steady on 3 Mbit/s the queue grows to %v", s.worst)
	}
	s.capacity = 12e6
	s.run(5 * time.Second)
	s.expect(t, "five seconds after a rise to 12", 8e6, 15e6)
}

func TestRateStartsFastOnAFastLink(t *testing.T) {
	s := newSimulation(200e6)
	s.run(time.Second)
	s.expect(t, "one second on a fast link", 40e6, maxRate)
}

func TestSlowLinkIsNotFlooded(t *testing.T) {
	s := newSimulation(1e6)
	s.run(3 * time.Second)
	s.expect(t, "three seconds on 1 Mbit/s", minRate, 1.3e6)
	s.worst = 0
	s.run(5 * time.Second)
	if s.worst > 400*time.Millisecond {
		t.Errorf("the queue of a slow link grows to %v", s.worst)
	}
}

// A little loss is repaired, not answered with a lower rate; a lot is.
func TestLossLowersTheRateOnlyWhenHigh(t *testing.T) {
	s := newSimulation(20e6)
	s.loss = 50
	s.run(5 * time.Second)
	s.expect(t, "2 % loss", 10e6, 26e6)
	s = newSimulation(20e6)
	s.run(3 * time.Second)
	before := s.control.rate
	s.loss = 4
	s.run(2 * time.Second)
	s.expect(t, "25 % loss", minRate, before/2)
}

// A screen that shows little proves nothing about the link: the rate stays.
func TestRateDoesNotClimbUnused(t *testing.T) {
	s := newSimulation(8e6)
	s.demand = 1.1e6
	s.run(30 * time.Second)
	s.expect(t, "after half a minute of little work", startRate, startRate)
}

func TestSilenceHalvesTheRate(t *testing.T) {
	c := newController(time.Unix(0, 0))
	for i := range 21 {
		c.tick(time.Unix(0, 0).Add(time.Duration(i)*250*time.Millisecond), true)
	}
	if c.rate > startRate/8 || c.rate < minRate {
		t.Errorf("after five silent seconds the rate is %.2f Mbit/s", c.rate/1e6)
	}
	c = newController(time.Unix(0, 0))
	c.tick(time.Unix(60, 0), false)
	if c.rate != startRate {
		t.Error("silence counts although nothing was sent")
	}
}

func TestRateStaysWithinItsLimits(t *testing.T) {
	now := time.Unix(0, 0)
	c := newController(now)
	for range 200 {
		now = now.Add(200 * time.Millisecond)
		c.report(now, 0, []ack{{size: 1000, sent: now}, {size: 1000, sent: now}}, true) // nothing arrives
		c.report(now, 0, []ack{{1000, now.Add(-time.Second), now}}, true)
		c.tick(now.Add(2*time.Second), true)
	}
	if c.rate < minRate {
		t.Errorf("the rate is %f", c.rate)
	}
	c.report(now, 0, nil, true)
}

func TestBucket(t *testing.T) {
	now := time.Unix(0, 0)
	b := newBucket(8e6, now) // a megabyte a second
	left := 0
	for b.take(1000, now) == 0 {
		left += 1000
	}
	if left < minBurst || left > 30_000 {
		t.Errorf("%d bytes left at once", left)
	}
	if !b.limited() || b.limited() {
		t.Error("the wait was not noted once")
	}
	d := b.take(1000, now)
	if d <= 0 || d > 3*time.Millisecond {
		t.Errorf("the wait for one packet is %v", d)
	}
	for range 1000 {
		now = now.Add(time.Millisecond)
		for b.take(1000, now) == 0 {
			left += 1000
		}
	}
	if left < 990_000 || left > 1_060_000 {
		t.Errorf("%d bytes left within a second", left)
	}
	b.setRate(800)
	b.spend(10_000, now)
	if d := b.take(1, now); d < 50*time.Second {
		t.Errorf("a debt of 10 kB at 100 B/s is forgiven after %v", d)
	}
}

func TestBucketWaitEnds(t *testing.T) {
	b := newBucket(8, time.Now())
	b.spend(1<<20, time.Now())
	ctx := within(t, 10*time.Millisecond)
	if err := b.wait(ctx, nil, 1); err == nil {
		t.Error("waiting outlived its context")
	}
	done := make(chan struct{})
	close(done)
	if err := b.wait(t.Context(), done, 1); err == nil {
		t.Error("waiting outlived the link")
	}
}

func TestMeter(t *testing.T) {
	now := time.Unix(0, 0)
	m := newMeter(now)
	for range 30 {
		now = now.Add(40 * time.Millisecond)
		m.add(now, 1)
	}
	if got := m.perSecond(now); got < 23 || got > 26 {
		t.Errorf("25 a second are measured as %.1f", got)
	}
	m.perSecond(now.Add(2 * time.Second))
	if got := m.perSecond(now.Add(4 * time.Second)); got != 0 {
		t.Errorf("nothing is measured as %.1f", got)
	}
}
