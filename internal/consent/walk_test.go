// SPDX-License-Identifier: Apache-2.0

package consent_test

import (
	"context"
	"errors"
	"flag"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"assist/internal/consent"
	"assist/internal/consent/consenttest"
)

// Whatever the order of events, gate, lease and every handle ever given out do what
// the model says. What fails is shortened to the fewest events that still do; the walks
// are the same each time, unless -rapid.seed says otherwise.
func TestConsentFollowsTheModel(t *testing.T) {
	steady(t)
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) { newWalk(rt).play(rt) })
	})
}

// steady makes the walks those of every run, and enough of them.
func steady(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{"rapid.seed": "20261121", "rapid.checks": "400"} {
		if f := flag.Lookup(name); f.Value.String() == f.DefValue {
			if err := f.Value.Set(value); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// walk is a gate in a world that does one thing after another to it, and the model that
// the same is done to.
type walk struct {
	*stage
	m       *model
	l       *consent.Lease // the newest; nil at first
	handles map[doer]issued
	dead    []doer // of leases of before
}

// issued is what a handle was given out for.
type issued struct {
	right      consent.Rights
	generation int
}

func newWalk(rt *rapid.T) *walk {
	ceiling := rapid.SampledFrom([]consent.Rights{consent.AllRights, consent.AllRights, consent.AllRights, viewPoint, consent.RightView, consent.RightPoint}).Draw(rt, "ceiling")
	w := &walk{
		stage: &stage{lamp: &consenttest.Lamp{}, person: everything},
		m:     &model{ceiling: ceiling, mood: mood{grant: consent.AllRights}}, handles: map[doer]issued{},
	}
	w.gate = consent.NewGate(consenttest.Person(w.answer), w.lamp, ceiling)
	return w
}

func (w *walk) play(rt *rapid.T) {
	defer func() {
		w.l.Revoke(nil)
		pass(2 * time.Minute) // late askers come back
	}()
	rt.Repeat(map[string]func(*rapid.T){
		"ask":    w.doAsk,
		"widen":  w.doWiden,
		"narrow": w.doNarrow,
		"limit":  w.doLimit,
		"pause":  func(*rapid.T) { w.l.Pause(); w.m.user = w.m.user || w.m.alive },
		"resume": func(*rapid.T) { w.l.Resume(); w.m.user = false },
		"revoke": w.doRevoke,
		"cover":  func(*rapid.T) { w.lamp.Cover(true); w.m.covered = true },
		"bare":   func(*rapid.T) { w.lamp.Cover(false); w.m.covered = false },
		"mind":   func(rt *rapid.T) { w.m.mood = w.think(rt) },
		"wait":   w.doWait,
		"":       w.check,
	})
}

// think draws a mood, and makes it the person's.
func (w *walk) think(rt *rapid.T) mood {
	p := mood{
		grant: masks().Draw(rt, "grants") | rapid.SampledFrom([]consent.Rights{consent.AllRights, consent.RightView, 0}).Draw(rt, "and"),
		err:   rapid.SampledFrom([]error{nil, nil, nil, nil, nil, consent.ErrRefused, consent.ErrReported}).Draw(rt, "says"),
		after: rapid.SampledFrom([]time.Duration{0, 0, 0, 0, 700 * time.Millisecond, 5300 * time.Millisecond,
			59900 * time.Millisecond, 61 * time.Second, 64700 * time.Millisecond}).Draw(rt, "after"),
		deaf: rapid.Bool().Draw(rt, "stays"),
	}
	w.now(p.person)
	return p
}

func (p mood) person(ctx context.Context, _ consent.Question) (consent.Rights, error) {
	if p.deaf || p.after < consent.AnswerTime {
		time.Sleep(p.after)
		return p.grant, p.err
	}
	<-ctx.Done()
	return 0, ctx.Err()
}

func masks() *rapid.Generator[consent.Rights] {
	return rapid.Custom(func(t *rapid.T) consent.Rights {
		return consent.Rights(rapid.IntRange(1, int(consent.AllRights)).Draw(t, "rights"))
	})
}

func (w *walk) doAsk(rt *rapid.T) {
	wanted := masks().Draw(rt, "wanted")
	if !seldom(rt) {
		wanted |= consent.RightView
	}
	p, before := w.think(rt), w.m.lit
	w.m.grant = rapid.SampledFrom([]time.Duration{consent.LeaseLife, 5 * time.Minute, 91 * time.Second, time.Hour}).Draw(rt, "lasts")
	q := question(wanted)
	q.Life = w.m.grant
	l, err := w.gate.Ask(context.Background(), q)
	w.same(rt, "Ask", err, w.m.ask(wanted, p))
	if w.m.lit == before {
		synctest.Wait()
		w.now(w.m.mood.person)
		return
	}
	for h := range w.handles {
		w.dead = append(w.dead, h)
	}
	clear(w.handles)
	w.l = l
	w.now(w.m.mood.person)
	pass(tick / 2)
	w.m.now += tick / 2
}

func (w *walk) doWiden(rt *rapid.T) {
	want, p := masks().Draw(rt, "want"), w.think(rt)
	defer func() { w.now(w.m.mood.person) }()
	if near := w.m.renew - w.m.now; w.l == nil || (p.deaf && near > 0 && near < 6*time.Second) {
		return // a renewal would be put off to the very instant of the end
	}
	got, err := w.l.Widen(context.Background(), want)
	wantGot, wantErr := w.m.widen(want, p)
	w.same(rt, "Widen", err, wantErr)
	if got != wantGot {
		rt.Fatalf("Widen gives %v, want %v", got, wantGot)
	}
	synctest.Wait()
}

func (w *walk) doNarrow(rt *rapid.T) {
	r := masks().Draw(rt, "less")
	if !seldom(rt) {
		r &^= consent.RightView
	}
	w.l.Narrow(r)
	w.m.take(r)
}

func (w *walk) doLimit(rt *rapid.T) {
	most := masks().Draw(rt, "most") | consent.RightView
	w.l.Limit(most)
	w.m.limit(most)
}

// seldom lets ends be rare enough for something to happen before them.
func seldom(rt *rapid.T) bool { return rapid.IntRange(0, 7).Draw(rt, "seldom") == 7 }

func (w *walk) doRevoke(rt *rapid.T) {
	if !seldom(rt) {
		return
	}
	cause := rapid.SampledFrom([]error{nil, consent.ErrReported}).Draw(rt, "cause")
	w.l.Revoke(cause)
	if cause == nil {
		cause = consent.ErrRevoked
	}
	w.m.end(cause)
}

func (w *walk) doWait(rt *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{tick, 4 * tick, 5 * tick, time.Second, 2500 * time.Millisecond, 3 * time.Second,
		44 * time.Second, time.Minute}).Draw(rt, "for")
	// Chance alone would seldom come near the moments that matter.
	switch rapid.IntRange(0, 5).Draw(rt, "until") {
	case 0:
		d = w.m.renew - w.m.now + tick/2 + d - time.Second
	case 1:
		d = w.m.life - w.m.now + tick/2 + d - time.Second
	}
	if d = min(d, consent.LeaseLife); d > 0 {
		pass(d)
		w.m.pass(d)
	}
}

func (w *walk) same(rt *rapid.T, what string, got, want error) {
	if !errors.Is(got, want) || (want == nil) != (got == nil) {
		rt.Fatalf("%s: %v, want %v", what, got, want)
	}
}

// check compares everything that can be seen with what the model says.
func (w *walk) check(rt *rapid.T) {
	synctest.Wait()
	if w.m.born {
		w.checkLease(rt)
	}
	for _, h := range w.dead {
		w.same(rt, "a handle of before", w.try(rt, h), consent.ErrRevoked)
	}
	if w.lamp.Lit() != w.m.alive || w.lamp.Lights() != w.m.lit {
		rt.Fatalf("lit: %v, %d times; want %v, %d times", w.lamp.Lit(), w.lamp.Lights(), w.m.alive, w.m.lit)
	}
	if n := len(w.asked()); n != w.m.asked && !w.m.unsure {
		rt.Fatalf("asked %d times, want %d", n, w.m.asked)
	}
}

func (w *walk) checkLease(rt *rapid.T) {
	if !w.m.causedBy(w.l.Cause()) || closed(w.l.Done()) == w.m.alive || closed(w.l.Dark()) == w.m.alive {
		rt.Fatalf("ended by %v, want %v", w.l.Cause(), w.m.causes)
	}
	if w.l.Rights() != w.m.held() {
		rt.Fatalf("rights %v, want %v", w.l.Rights(), w.m.held())
	}
	w.collect(rt)
	for h, i := range w.handles {
		want := w.m.allows(i.right, i.generation)
		w.same(rt, i.right.String(), w.try(rt, h), want)
		if closed(h.Done()) != errors.Is(want, consent.ErrRevoked) {
			rt.Fatalf("%v: done %v, but Do says %v", i.right, closed(h.Done()), want)
		}
	}
}

// collect asks for each right, and keeps what it is given for the rest of the walk.
func (w *walk) collect(rt *rapid.T) {
	v, errV := w.l.View()
	p, errP := w.l.Pointer()
	c, errC := w.l.Control()
	for _, one := range []struct {
		h     doer
		err   error
		right consent.Rights
	}{{v, errV, consent.RightView}, {p, errP, consent.RightPoint}, {c, errC, consent.RightControl}} {
		switch {
		case !w.m.alive:
			w.same(rt, one.right.String(), one.err, consent.ErrRevoked)
		case !w.m.rights.Has(one.right):
			w.same(rt, one.right.String(), one.err, consent.ErrNotGranted)
		default:
			w.same(rt, one.right.String(), one.err, nil)
			w.handles[one.h] = issued{one.right, w.m.generation[one.right]}
		}
	}
}

// try is what Do says; Live must say the same, and a body must run when it says yes.
func (w *walk) try(rt *rapid.T, h doer) error {
	ran := false
	live := h.Live()
	err := h.Do(func() error { ran = true; return nil })
	if ran != (err == nil) || live != err {
		rt.Fatalf("body ran: %v, Do says %v, Live says %v", ran, err, live)
	}
	return err
}
