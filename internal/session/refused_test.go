// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assist/internal/consent"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/wire"
)

// heap is what was refused, as an app would keep it.
type heap struct {
	mu    sync.Mutex
	lines []string
	whys  []error
}

func (h *heap) add(what string, why error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines, h.whys = append(h.lines, what), append(h.whys, why)
}

// only checks that there is one line, and what it says.
func (h *heap) only(t *testing.T, what string, why func(error) bool) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Equal(h.lines, []string{what}) || !why(h.whys[0]) {
		t.Errorf("kept %v: %v", h.lines, h.whys)
	}
}

// names checks who is named beside the last reason; empty: nobody.
func (h *heap) names(t *testing.T, who string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	var a *session.Attempt
	got := ""
	if errors.As(h.whys[len(h.whys)-1], &a) {
		got = a.Who
	}
	if got != who {
		t.Errorf("names %q, want %q", got, who)
	}
	if strings.Contains(h.whys[len(h.whys)-1].Error(), "Prénom") {
		t.Error("a name in what goes to a log")
	}
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func ended(r wire.EndReason) func(error) bool {
	return func(err error) bool {
		var e *session.Ended
		return errors.As(err, &e) && e.Reason == r
	}
}

// mute is a request that nobody ever answers.
type mute struct{ over chan struct{} }

func (m mute) wait(ctx context.Context) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
func (m mute) Pledge(ctx context.Context) ([]byte, error)  { return m.wait(ctx) }
func (m mute) Answer(ctx context.Context) ([]byte, error)  { return m.wait(ctx) }
func (m mute) Receive(ctx context.Context) ([]byte, error) { return m.wait(ctx) }
func (m mute) Send(context.Context, []byte) error          { return nil }
func (m mute) Note([]byte)                                 {}
func (m mute) End(wire.EndReason)                          {}
func (m mute) Done() <-chan struct{}                       { return m.over }
func (m mute) Reason() wire.EndReason                      { return 0 }

// A technician's app to which nothing comes back keeps a line about it.
func TestSilenceLeavesALine(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		var kept heap
		cfg := w.technicianConfig()
		cfg.Refused = kept.add
		cfg.Ask = func(context.Context, string, []byte) (session.Outgoing, error) { return mute{make(chan struct{})}, nil }
		tech, err := session.NewTechnician(cfg, w.wish(viewPoint))
		if err != nil {
			t.Fatal(err)
		}
		tech.Start(t.Context())
		w.over(tech)
		kept.only(t, session.AboutAnswer, ended(wire.EndExpired))
	})
}

// What somebody decided is no refusal of the technician's app: not a no, not their own end.
func TestDecisionsLeaveNoLineAtTheTechnician(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		var kept heap
		cfg := w.technicianConfig()
		cfg.Refused = kept.add
		for _, person := range []func(context.Context, consent.Question) (consent.Rights, error){says(0, consent.ErrRefused), silent} {
			w.now(person)
			tech, err := session.NewTechnician(cfg, w.wish(viewPoint))
			if err != nil {
				t.Fatal(err)
			}
			tech.Start(t.Context())
			pass(time.Second)
			tech.End()
			w.over(tech)
		}
		if len(kept.lines) > 0 {
			t.Errorf("kept %v: %v", kept.lines, kept.whys)
		}
	})
}

// A certificate that is not this technician's is noticed before anybody is asked.
func TestForeignCertificateLeavesALine(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		var kept heap
		cfg := w.technicianConfig()
		cfg.Refused = kept.add
		cfg.Certificate[len(cfg.Certificate)-1] ^= 1
		if _, err := session.NewTechnician(cfg, w.wish(viewPoint)); err != nil {
			t.Fatal(err)
		}
		kept.only(t, session.AboutCertificate, is(trust.ErrCertificate))
	})
}

// reopen starts the host's app anew, with a list of what it refuses.
func (w *world) reopen(kept *heap) {
	w.shut()
	w.refused = kept.add
	w.open()
}

// A request that is turned down leaves a line at the host, with the reason.
func TestRequestTurnedDownLeavesALine(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		var kept heap
		w.reopen(&kept)
		w.now(says(0, consent.ErrRefused))
		w.over(w.ask(viewPoint))
		kept.only(t, session.AboutRequest, is(consent.ErrRefused))
		kept.names(t, "Prénom Nom")
	})
}

// repeats asks once more with the request of a session that is over; before that something
// happens. It returns the envelope of the answer.
func (w *world) repeats(t *testing.T, before func()) []byte {
	t.Helper()
	tech := w.meet(consent.RightView)
	request := w.server.last().ring.Request
	tech.End()
	w.over(tech)
	before()
	line, err := w.server.Ask(t.Context(), canaryCode, request)
	if err != nil {
		t.Fatal(err)
	}
	env, err := line.Answer(t.Context())
	if err != nil {
		t.Error(err)
	}
	return env
}

// A request that is repeated by somebody else names nobody, whoever signed it.
func TestARepeatedRequestNamesNobody(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		var kept heap
		w.reopen(&kept)
		w.repeats(t, func() {})
		kept.only(t, session.AboutRequest, is(trust.ErrReplayed))
		kept.names(t, "")
	})
}

// Whoever proved to ask and is not let in is named: by the name on the charter's card. One that
// the charter does not list, and one whose old request somebody repeats, is not.
func TestWhoIsBarredIsNamed(t *testing.T) {
	zone := func(w *world) *trust.Charter { return w.charter(bars(w)["lacks a zone"].change) }
	play(t, func(t *testing.T, w *world) {
		var kept heap
		w.reopen(&kept)
		for name, b := range bars(w) {
			w.unit.learn(w.charter(b.change), nil)
			w.over(w.ask(viewPoint))
			if who := map[bool]string{true: "", false: "Prénom Nom"}[name == "not listed"]; !errors.Is(kept.whys[len(kept.whys)-1], b.want) {
				t.Errorf("%s: %v", name, kept.whys)
			} else {
				kept.names(t, who)
			}
		}
	})
	play(t, func(t *testing.T, w *world) {
		var kept heap
		w.reopen(&kept)
		w.repeats(t, func() { w.unit.learn(zone(w), nil) })
		kept.only(t, session.AboutRequest, is(trust.ErrWrongZones))
		kept.names(t, "")
	})
}

// A question that is taken off the screen leaves one, unless somebody here did so.
func TestQuestionTakenAwayLeavesALine(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(w *world, tech *session.Technician)
		line bool
	}{
		"withdrawn": {func(_ *world, tech *session.Technician) { tech.End() }, true},
		"cut":       {func(w *world, _ *session.Technician) { w.host.Cut(wire.EndUserCut) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, w *world) {
				var kept heap
				w.reopen(&kept)
				w.now(silent)
				tech := w.ask(viewPoint)
				pass(time.Second)
				c.end(w, tech)
				w.over(tech)
				if c.line {
					kept.only(t, session.AboutQuestion, ended(wire.EndCancelled))
					kept.names(t, "Prénom Nom")
				} else if len(kept.lines) > 0 {
					t.Errorf("kept %v: %v", kept.lines, kept.whys)
				}
			})
		})
	}
}
