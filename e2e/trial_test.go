// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// trials is how often something of the technician's is tried that the host holds back.
const trials = 6

// trial plays something of the technician's and wants it done at the host. While the host's
// windows do not answer or its banner is not seen, which is so too when the machine stands
// still for a moment, the host lets go of all that is held and does nothing, and its log says
// so: what was played into such a moment is played anew. Any other failure is one.
func (l *live) trial(t *testing.T, p *pad, play func() error) {
	t.Helper()
	for n := 1; ; n++ {
		before := len(l.host.proc.said())
		err := play()
		if err == nil {
			return
		}
		why := heldBack(l.host.proc.said()[before:])
		if why == "" || n == trials {
			l.tech.fail(t, err)
		}
		t.Logf("%v, but the host says %s", err, why)
		p.calm(t)
	}
}

// heldBack is the line in the log of a host that says that something had to wait.
func heldBack(log string) string {
	for line := range strings.Lines(log) {
		done := strings.Contains(line, `"input held back"`) || strings.Contains(line, `"keys and buttons let go"`)
		if done && (strings.Contains(line, "the windows do not answer") || strings.Contains(line, "consent: paused") ||
			strings.Contains(line, "nothing heard")) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// calm waits until nothing comes any more of what was played before.
func (p *pad) calm(t *testing.T) {
	t.Helper()
	for {
		passes(700 * time.Millisecond) // and the host's log tells anew of what it holds back
		if p == nil || len(p.take(true)) == 0 {
			return
		}
	}
}

// gesture is a trial upon a pad: so many events must come of it, and be right.
func (l *live) gesture(t *testing.T, p *pad, n int, play func(), wrong func(got []deed) string) {
	t.Helper()
	l.trial(t, p, func() error {
		p.take(true)
		play()
		got, err := p.collect(n)
		if err != nil {
			return err
		}
		if said := wrong(got); said != "" {
			return errors.New(said)
		}
		return nil
	})
}
