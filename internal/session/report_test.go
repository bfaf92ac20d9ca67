// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/consent"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/wire"
)

// reported is what the host reported of the newest request: nil, or one proof, which
// holds.
func (w *world) reported(t *testing.T) wire.Signed {
	t.Helper()
	l := w.server.last()
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	if len(l.reports) == 0 {
		return nil
	}
	hash, err := trust.RequestHash(l.ring.Request)
	if err != nil || len(l.reports) != 1 {
		t.Fatalf("%d reports, %v", len(l.reports), err)
	}
	body, err := trust.VerifyReport(l.reports[0], trust.RecordCheck{Key: w.who.host.Public(), Session: l.ring.Session, RequestHash: hash})
	if err != nil {
		t.Error(err)
	}
	return body
}

// However the person reports, the administrator is told with what this machine signed;
// when they only refuse or cut, nobody is.
func TestReportsAreToldWithTheirProof(t *testing.T) {
	live := func(say error, act func(*world, *session.Technician)) func(*world) *session.Technician {
		return func(w *world) *session.Technician {
			tech := w.meet(viewPoint)
			w.now(says(0, say))
			act(w, tech)
			return tech
		}
	}
	asked := func(say error, act func(*world)) func(*world) *session.Technician {
		return func(w *world) *session.Technician {
			w.now(says(0, say))
			if say == nil {
				w.now(silent)
			}
			tech := w.ask(viewPoint)
			synctest.Wait()
			act(w)
			return tech
		}
	}
	cut := func(why wire.EndReason) func(*world) { return func(w *world) { w.host.Cut(why) } }
	nothing := func(*world) {}
	wants := func(_ *world, tech *session.Technician) { _ = tech.Want(consent.RightControl) }
	waits := func(*world, *session.Technician) { pass(consent.LeaseLife) }
	for name, c := range map[string]struct {
		play   func(w *world) *session.Technician
		answer bool // what proves it: the answer, or else the record of the end
		none   bool
	}{
		"refused and reported": {play: asked(consent.ErrReported, nothing), answer: true},
		"reported while asked": {play: asked(nil, cut(wire.EndReported)), answer: true},
		"cut and reported":     {play: live(nil, func(w *world, _ *session.Technician) { w.host.Cut(wire.EndReported) })},
		"a wish for more":      {play: live(consent.ErrReported, wants)},
		"when asked to go on":  {play: live(consent.ErrReported, waits)},
		"refused":              {play: asked(consent.ErrRefused, nothing), none: true},
		"not answered":         {play: asked(consent.ErrNoAnswer, nothing), none: true},
		"cut":                  {play: live(nil, func(w *world, _ *session.Technician) { w.host.Cut(wire.EndUserCut) }), none: true},
		"not granted again":    {play: live(consent.ErrRefused, waits), none: true},
		"locked while asked":   {play: asked(nil, cut(wire.EndLocked)), none: true},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, w *world) {
				w.over(c.play(w))
				synctest.Wait()
				body := w.reported(t)
				_, answer := body.(*wire.Answer)
				if (body == nil) != c.none || answer != c.answer {
					t.Errorf("reported by %T", body)
				}
			})
		})
	}
}

// The proof of a refusal is the very answer that the technician got, and that of a cut the
// very record of the end: the server has both at once.
func TestTheProofIsWhatWasSaidAnyway(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(viewPoint)
		w.host.Cut(wire.EndReported)
		w.over(tech)
		synctest.Wait()
		l := w.server.last()
		if !slices.ContainsFunc(l.notes, func(env []byte) bool { return bytes.Equal(env, l.reports[0]) }) {
			t.Error("the report has another proof than the end")
		}
		var acts []session.Act
		for _, d := range w.record().Done {
			acts = append(acts, d.Act)
		}
		if n := len(acts); n < 2 || acts[n-2] != session.ActReported || acts[n-1] != session.ActEnded || w.record().End != wire.EndReported {
			t.Errorf("the record tells %v, %v", acts, w.record().End)
		}
	})
}

// Cutting comes first: whatever the report takes, nothing more is seen or done when the
// cut returns, and it returns at once.
func TestReportingHoldsUpNoCut(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.server.slow = time.Minute
		tech := w.meet(consent.AllRights)
		if err := tech.Input(&wire.Move{}); err != nil {
			t.Fatal(err)
		}
		pass(0)
		before, start := w.machine.typed(), time.Now()
		w.host.Cut(wire.EndReported)
		if took := time.Since(start); took != 0 {
			t.Errorf("it took %v", took)
		}
		w.say(&wire.Move{X: 1})
		w.machine.draw(0)
		shows := w.shows(0)
		pass(time.Second)
		if w.machine.typed() != before || w.shows(0) != shows || w.lamp.Lit() {
			t.Error("something happens after the cut")
		}
		if body := w.reported(t); body != nil {
			t.Errorf("reported by %T before its time", body)
		}
		w.over(tech)
		pass(time.Minute)
		if body := w.reported(t); body == nil {
			t.Error("nothing was reported")
		}
	})
}
