// SPDX-License-Identifier: Apache-2.0

package evil

import (
	"context"
	"fmt"
	"testing"
	"time"

	"assist/internal/consent"
	"assist/internal/session"
	"assist/internal/wire"
)

// phase is a moment of an intervention.
type phase struct {
	name string
	at   func(e *ends, tech *session.Technician) bool
	hold bool // the person takes their time
	use  bool // there is a picture, and a key was struck
}

func phases() []phase {
	return []phase{
		{"while the person is asked", func(e *ends, tech *session.Technician) bool {
			return len(e.questions()) > 0 && tech.State().Phase == session.TechnicianWaiting
		}, true, false},
		{"while the ends connect", func(e *ends, _ *session.Technician) bool {
			return e.app.State().Phase >= session.HostConnecting
		}, false, false},
		{"in the session", func(_ *ends, tech *session.Technician) bool {
			return tech.State().Phase == session.TechnicianLive
		}, false, true},
	}
}

// words are all that a server can say to end something: goodbyes for each reason, and
// refusals.
func words(id wire.SessionID) []wire.FromServer {
	var all []wire.FromServer
	for r := wire.EndUserCut; r <= wire.EndInputOff; r++ {
		all = append(all, &wire.Bye{Session: id, Reason: r})
	}
	for r := wire.RefusedIdentity; r <= wire.RefusedPassword; r++ {
		all = append(all, &wire.Refused{Session: id, Why: r})
	}
	return all
}

// TestServerSpeaksForNobody: goodbyes and refusals that no end said, in each phase, to
// either end. They can end what is under way; they cannot grant, and they never make
// the record say that the person ended it.
func TestServerSpeaksForNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t, newNonces(t))
	for _, ph := range phases() {
		for i := range words(wire.SessionID{}) {
			if i%4 == 0 {
				b.leave() // a host that was asked in vain six times asks nobody for a while
			}
			// One end hears each word; which one alternates, and with it what the other
			// has of it.
			to := [2]side{hostSide, technicianSide}[i%2]
			if ph.hold {
				to = hostSide // that is where somebody is asked
			}
			if err := b.interrupt(ph, to, i); err != nil {
				t.Errorf("%s, word %d to the %s: %v\n%s", ph.name, i, to, err, b.pair.log)
				b.leave()
			}
		}
	}
}

// interrupt says one word in one phase of an intervention.
func (b *bench) interrupt(ph phase, to side, word int) error {
	var named wire.SessionID
	var legs [3]*leg
	b.liar.tell(func(p passing) [][]byte {
		k := trackOf(p)
		b.liar.mu.Lock()
		defer b.liar.mu.Unlock()
		legs[k.side] = p.leg
		if ring, ok := p.message().(*wire.Ring); ok && !p.up {
			named = ring.Session
		}
		return [][]byte{p.raw}
	}, nil)
	e, err := b.ready(false)
	if err != nil {
		return err
	}
	e.forget()
	withdrawn := make(chan error, 1+again)
	e.answers = nil
	if ph.hold {
		e.answers = func(ctx context.Context, _ consent.Question) (consent.Rights, error) {
			<-ctx.Done()
			withdrawn <- ctx.Err()
			return granted, nil // a yes that comes too late
		}
	}
	came := false
	tech, reason := e.asks(func(tech *session.Technician) {
		until(patience, func() bool { came = ph.at(e, tech); return came || e.unheard(tech) })
	})
	if !came {
		return fmt.Errorf("the phase does not come: %+v, the host is %v", tech.State(), e.app.State().Phase)
	}
	if ph.use {
		if err := e.use(tech); err != nil {
			return err
		}
	}
	b.liar.mu.Lock()
	l, id := legs[to], named
	b.liar.mu.Unlock()
	if err := l.inject(words(id)[word]); err != nil {
		return err
	}
	return e.interrupted(ph, tech, withdrawn, reason)
}

// interrupted looks at what became of it. The question is gone at once, and a yes that
// comes later is none; of a session nothing moves when it is over.
func (e *ends) interrupted(ph phase, tech *session.Technician, withdrawn <-chan error, reason string) error {
	if ph.hold {
		select {
		case <-withdrawn:
		case <-time.After(patience):
			return fmt.Errorf("%w: the question stays", errWrong)
		}
	}
	tech.End()
	<-tech.Done()
	e.clear()
	if ph.hold {
		return e.untouched(1)
	}
	frames, events := e.desktop.touched()
	if err := e.recorded(reason); err != nil {
		return err
	}
	if f, n := e.desktop.touched(); f != frames || n != events || !e.dark() {
		return fmt.Errorf("%w: %d frames and %d events after the end", errWrong, f-frames, n-events)
	}
	return e.discreet()
}
