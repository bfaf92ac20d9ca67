// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// lateEnd is an end of a signalling path that takes its time, and keeps the order.
type lateEnd struct {
	*wireEnd
	delay time.Duration
	queue chan lateSignal
	kinds [signalEnd]atomic.Int32 // how many went
}

type lateSignal struct {
	at time.Time
	b  []byte
}

func late(t *testing.T, s Signaler, delay time.Duration) *lateEnd {
	t.Helper()
	end, ok := s.(*wireEnd)
	if !ok {
		t.Fatal("not a path in memory")
	}
	l := &lateEnd{wireEnd: end, delay: delay, queue: make(chan lateSignal, 256)}
	ctx := t.Context()
	go func() {
		for {
			select {
			case s := <-l.queue:
				<-time.After(time.Until(s.at))
				l.out <- s.b
			case <-ctx.Done():
				return
			}
		}
	}()
	return l
}

func (l *lateEnd) Send(_ context.Context, b []byte) error {
	l.kinds[b[0]].Add(1)
	l.queue <- lateSignal{time.Now().Add(l.delay), slices.Clone(b)}
	return nil
}

// A link that is slow but works is left to work, whatever the path of the signals: one
// offer is all it takes. A busy machine may take longer than the 15 s of a session.
func TestSlowPathsAreNotGivenUp(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, c := range []struct{ oneWay, signals time.Duration }{
		{500 * time.Millisecond, 500 * time.Millisecond},
		{750 * time.Millisecond, 750 * time.Millisecond},
		{750 * time.Millisecond, 0},
		{20 * time.Millisecond, 1500 * time.Millisecond},
	} {
		t.Run(fmt.Sprintf("%v, signals %v", c.oneWay, c.signals), func(t *testing.T) {
			t.Parallel()
			a, b := newShapedNet(t, 5e6), newShapedNet(t, 5e6)
			a.oneWay, b.oneWay = c.oneWay, c.oneWay
			began := time.Now()
			var host *lateEnd
			newPair(t, setup{hostNet: a, techNet: b, limit: 30 * time.Second, change: func(h, v *Config) {
				host = late(t, h.Signaler, c.signals)
				h.Signaler, v.Signaler = host, late(t, v.Signaler, c.signals)
			}})
			if n := host.kinds[signalOffer].Load(); n != 1 {
				t.Errorf("%d offers", n)
			}
			t.Logf("connected in %v", time.Since(began))
		})
	}
}

// When paths are given up, to the moment.
func TestPatience(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	type seen struct {
		at      float64
		stable  bool
		answers uint64
	}
	for name, c := range map[string]struct {
		seen   []seen
		until  float64
		last   float64 // still waited
		over   float64 // given up; 0: never
		noneAt float64 // 0, or so late that it is of no use
	}{
		"the offer is not answered":      {[]seen{{0.1, false, 0}}, 15, 14.9, 0, 0},
		"nothing answers":                {[]seen{{0.1, true, 0}}, 15, 5.09, 5.1, 13.1},
		"a check was answered":           {[]seen{{0.1, true, 0}, {2, true, 3}}, 15, 6.99, 7, 0},
		"checks are answered":            {[]seen{{0.1, true, 0}, {4, true, 1}, {8, true, 2}, {12, true, 3}}, 15, 14.9, 0, 0},
		"the answer is slow":             {[]seen{{1.5, true, 0}}, 60, 7.49, 7.5, 48.1},
		"slow, and too late for another": {[]seen{{1.5, true, 0}}, 15, 14.9, 0, 0},
		"what is no answer is no life":   {[]seen{{0.1, true, 4}, {3, true, 4}, {4, true, 0}}, 15, 5.09, 5.1, 0},
		"no end":                         {[]seen{{0.1, true, 0}}, 0, 5.09, 5.1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := patience{offered: start}
			if c.until > 0 {
				p.end = at(c.until)
			}
			for _, s := range c.seen {
				if p.over(at(s.at)) {
					t.Errorf("given up at %v", s.at)
				}
				p.look(at(s.at), s.stable, s.answers)
			}
			if p.over(at(c.last)) {
				t.Errorf("given up at %v", c.last)
			}
			if c.over > 0 && !p.over(at(c.over)) {
				t.Errorf("not given up at %v", c.over)
			}
			if c.noneAt > 0 && p.over(at(c.noneAt)) {
				t.Errorf("given up at %v, too late for another", c.noneAt)
			}
		})
	}
}
