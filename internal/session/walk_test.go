// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"flag"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/session"
	"assist/internal/wire"
)

// Whatever the order of events, both ends stand where the model says: no picture, no
// input, no pointer without a live lease and its right; nothing after a cut; one end for
// each side; and ready for the next. The walks are the same each time, unless
// -rapid.seed says otherwise.
func TestSessionsFollowTheModel(t *testing.T) {
	who, err := people()
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"rapid.seed": "20261121", "rapid.checks": "60", "rapid.steps": "100"} {
		if f := flag.Lookup(name); f.Value.String() == f.DefValue {
			if err := f.Value.Set(value); err != nil {
				t.Fatal(err)
			}
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) { newWalk(rt, who).play(rt) })
	})
}

// model is where both ends must stand, said as plainly as can be.
type model struct {
	asking, live  bool
	rights        consent.Rights
	paused        bool
	wish          consent.Rights // that a question is open about
	deaf          time.Time      // until then wishes are turned down unasked
	refused       []time.Time    // when the person said no to a request
	withdrawn     []time.Time    // when a request ended before they had answered
	noes          []time.Time    // when they said no to a wish of this session
	asked, ended  int            // questions put, records written
	host          wire.EndReason // of the last record
	technician    wire.EndReason // that the technician was told last
	over          bool           // the technician's request has ended
	done, pointed int            // inputs done, pointers shown
}

// may reports whether something may happen under a right now.
func (m *model) may(r consent.Rights) bool {
	return m.live && m.rights.Has(r) && !m.paused && (r != consent.RightControl || m.wish == 0)
}

// tired reports whether the person said no three times within ten minutes.
func (m *model) tired() bool {
	old := func(at time.Time) bool { return time.Since(at) >= 10*time.Minute }
	m.refused, m.withdrawn = slices.DeleteFunc(m.refused, old), slices.DeleteFunc(m.withdrawn, old)
	return len(m.refused) >= 3 || len(m.withdrawn) >= 6
}

// end is the end of whatever goes on. A request that was never granted leaves no record.
func (m *model) end(host, technician wire.EndReason) {
	if m.live {
		m.ended, m.host = m.ended+1, host
	}
	if m.live || m.asking {
		m.technician, m.over = technician, true
	}
	m.live, m.asking, m.paused, m.rights, m.wish = false, false, false, 0, 0
}

// reply is what the person says to the open question.
type reply struct {
	rights consent.Rights
	err    error
}

type walk struct {
	*world
	m       *model
	tech    *session.Technician // the newest; nil at first
	line    *line               // of its request at the server
	replies chan reply

	asks, besides int
}

// afford counts what costs much: signatures, and a whole request.
func (w *walk) afford(n *int, most int) bool {
	*n++
	return *n <= most
}

func newWalk(rt *rapid.T, who *identity) *walk {
	w := &walk{world: newWorld(rt, who), m: &model{}, replies: make(chan reply)}
	w.now(func(ctx context.Context, _ consent.Question) (consent.Rights, error) {
		select {
		case r := <-w.replies:
			return r.rights, r.err
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	})
	return w
}

func (w *walk) play(rt *rapid.T) {
	w.open()
	defer func() { w.shut() }()
	rt.Repeat(map[string]func(*rapid.T){
		"ask": w.doAsk, "ask beside": w.doAskBeside, "reply": w.doReply, "wish": w.doWish, "release": w.doRelease,
		"type": w.doType, "point": w.doPoint, "draw": w.doDraw, "end": w.doEnd, "wait": w.doWait,
		"pause":     func(*rapid.T) { w.host.SetPaused(true); w.m.paused = w.m.live },
		"resume":    func(*rapid.T) { w.host.SetPaused(false); w.m.paused = false },
		"take back": w.doTakeBack,
		"":          w.check,
	})
	w.next(rt)
}

func rights() *rapid.Generator[consent.Rights] {
	return rapid.Custom(func(t *rapid.T) consent.Rights {
		return consent.Rights(rapid.IntRange(1, int(consent.AllRights)).Draw(t, "rights"))
	})
}

func (w *walk) doAsk(rt *rapid.T) {
	if w.m.live || w.m.asking || !w.afford(&w.asks, 12) {
		return
	}
	wish := w.wish(rights().Draw(rt, "wants") | consent.RightView)
	wrong := rapid.IntRange(0, 5).Draw(rt, "code") == 5
	if wrong {
		wish.TOTP = "000000"
	}
	t, err := session.NewTechnician(w.technicianConfig(), wish)
	if err != nil {
		rt.Fatal(err)
	}
	t.Start(context.Background())
	unasked := wrong || w.m.tired()
	w.tech, w.m.over = t, unasked
	synctest.Wait()
	if unasked {
		<-t.Done()
		w.m.technician = wire.EndRefused
		return
	}
	w.line = w.server.last()
	w.m.asked++
	w.m.asking, w.m.rights, w.m.deaf, w.m.noes = true, wish.Rights, time.Time{}, nil
}

// doAskBeside is somebody who asks while another is served. They are turned away and
// change nothing.
func (w *walk) doAskBeside(rt *rapid.T) {
	if (!w.m.live && !w.m.asking) || !w.afford(&w.besides, 3) {
		return
	}
	t, err := session.NewTechnician(w.technicianConfig(), w.wish(consent.AllRights))
	if err != nil {
		rt.Fatal(err)
	}
	t.Start(context.Background())
	<-t.Done()
	if s := t.State(); s.Verdict != wire.VerdictBusy {
		rt.Fatalf("beside another: %+v", s)
	}
}

// doReply answers the question that is open.
func (w *walk) doReply(rt *rapid.T) {
	r := reply{rights().Draw(rt, "says"), rapid.SampledFrom([]error{nil, nil, nil, nil, consent.ErrRefused, consent.ErrReported}).Draw(rt, "or")}
	if !w.m.asking && w.m.wish == 0 {
		return
	}
	w.replies <- r
	synctest.Wait()
	if w.m.wish != 0 {
		w.replied(r)
		return
	}
	got := r.rights & w.m.rights
	switch {
	case r.err != nil, !got.Has(consent.RightView):
		w.m.refused = append(w.m.refused, time.Now())
		w.m.end(0, wire.EndRefused)
	default:
		w.m.asking, w.m.live, w.m.rights = false, true, got
		w.m.refused, w.m.withdrawn = nil, nil
		if err := w.tech.Watch([]screen.MonitorID{0, 1}); err != nil {
			rt.Fatal(err)
		}
	}
}

// replied is what a wish comes to.
func (w *walk) replied(r reply) {
	wish := w.m.wish
	w.m.wish = 0
	if r.err == nil {
		w.m.rights |= r.rights & wish
	}
	if r.err != nil || r.rights&wish != wish {
		w.m.deaf = time.Now().Add(10 * time.Second)
		if w.m.noes = append(w.m.noes, time.Now()); len(w.m.noes) >= 3 {
			w.m.deaf = slices.MaxFunc([]time.Time{w.m.deaf, w.m.noes[len(w.m.noes)-3].Add(10 * time.Minute)}, time.Time.Compare)
		}
	}
	if r.err == consent.ErrReported {
		w.m.end(wire.EndReported, wire.EndReported)
	}
}

func (w *walk) doWish(rt *rapid.T) {
	r := rights().Draw(rt, "wish")
	w.put(&wire.Want{Rights: uint16(r)})
	if more := r &^ w.m.rights; w.m.live && more != 0 && w.m.wish == 0 && !time.Now().Before(w.m.deaf) {
		w.m.wish, w.m.asked = more, w.m.asked+1
	}
}

func (w *walk) doRelease(rt *rapid.T) {
	r := rights().Draw(rt, "gives back")
	if rapid.IntRange(0, 5).Draw(rt, "all") < 5 {
		r &^= consent.RightView
	}
	w.put(&wire.Release{Rights: uint16(r)})
	if !w.m.live {
		return
	}
	if r.Has(consent.RightView) {
		w.m.end(wire.EndTechnician, wire.EndTechnician)
	}
	w.m.rights &^= r
}

func (w *walk) doTakeBack(*rapid.T) {
	w.host.TakeBack()
	if w.m.live {
		w.m.rights &^= consent.RightControl
	}
}

// put makes the technician's end say something, whatever its own app would allow.
func (w *walk) put(m wire.ToHost) {
	if len(w.net.links) == 0 {
		return
	}
	b, err := wire.Marshal(m)
	if err != nil {
		w.t.Fatal(err)
	}
	select {
	case w.link().host.in <- b:
	default: // nobody reads any more
	}
	synctest.Wait()
}

func (w *walk) doType(rt *rapid.T) {
	w.put(&wire.Key{Usage: 4, Down: rapid.Bool().Draw(rt, "down")})
	if w.m.may(consent.RightControl) {
		w.m.done++
	}
}

func (w *walk) doPoint(rt *rapid.T) {
	w.put(&wire.Point{X: uint16(rapid.IntRange(0, 1919).Draw(rt, "x")), Visible: true})
	if w.m.may(consent.RightPoint) {
		w.m.pointed++
	}
}

// doDraw changes what is on the screen: it leaves if it may, and not otherwise.
func (w *walk) doDraw(rt *rapid.T) {
	before := w.all()
	w.machine.draw(screen.MonitorID(rapid.IntRange(0, 1).Draw(rt, "monitor")))
	pass(100 * time.Millisecond)
	if went := w.all() > before; went != w.m.may(consent.RightView) {
		rt.Fatalf("a picture left: %v; may: %v", went, !went)
	}
}

// all is how many pictures ever left.
func (w *walk) all() int {
	n := 0
	for _, l := range w.net.links {
		l.mu.Lock()
		n += len(l.shown)
		l.mu.Unlock()
	}
	return n
}

func (w *walk) doWait(rt *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{100 * time.Millisecond, time.Second, 11 * time.Second, 30 * time.Second}).Draw(rt, "for")
	if w.m.asking || w.m.wish != 0 || w.long() {
		d = min(d, time.Second) // times of questions and leases are the model's of package consent
	}
	pass(d)
}

// long reports whether a renewal is near.
func (w *walk) long() bool { return w.m.live && time.Since(w.host.State().Since) > 20*time.Minute }

// doEnd ends what goes on, in one of all the ways.
func (w *walk) doEnd(rt *rapid.T) {
	which := rapid.IntRange(0, 6*len(ways())).Draw(rt, "way")
	if which >= len(ways()) || (!w.m.live && !w.m.asking) {
		return // ends are rare enough for something to happen before them
	}
	way := ways()[which]
	if (!w.m.live && !way.asking) || (way.name == displayDies && w.m.paused) {
		return // nobody reads the display in a pause
	}
	before, typed := w.all(), w.pressed()
	if w.m.asking {
		w.m.withdrawn = append(w.m.withdrawn, time.Now())
	}
	way.do(w)
	if way.cut && (w.all() != before || w.pressed() != typed) {
		rt.Fatal("something happened before the cut had returned")
	}
	for _, id := range []screen.MonitorID{0, 1} {
		w.machine.draw(id)
	}
	w.put(&wire.Key{Usage: 4, Down: true})
	if way.cut && (w.all() != before || w.pressed() != typed) {
		rt.Fatal("something happened after the cut")
	}
	pass(way.within)
	host, technician := way.host, way.technician
	if technician == 0 {
		technician = host
	}
	if technician == wire.EndTechnician && w.m.asking {
		technician = wire.EndCancelled
	}
	w.m.end(host, technician)
}

const displayDies = "the display dies"

// way is one way in which it can end.
type way struct {
	name             string
	do               func(w *walk)
	host, technician wire.EndReason // technician: 0 is as the host
	within           time.Duration
	asking           bool // before the answer too
	cut              bool // when do has returned, nothing more happens
}

func ways() []way {
	by := func(why wire.EndReason) func(*walk) { return func(w *walk) { w.host.Cut(why) } }
	return []way{
		{"cut", by(wire.EndUserCut), wire.EndUserCut, 0, 0, true, true},
		{"locked", by(wire.EndLocked), wire.EndLocked, 0, 0, true, true},
		{"reported", by(wire.EndReported), wire.EndReported, 0, 0, true, true},
		{"the app is closed", func(w *walk) { w.shut(); w.open(); w.m.refused, w.m.withdrawn = nil, nil }, wire.EndHostClosed, 0, 0, true, true},
		{"the technician ends", func(w *walk) { w.tech.End(); synctest.Wait() }, wire.EndTechnician, 0, 0, true, false},
		{"the banner is covered", func(w *walk) { w.lamp.Cover(true); pass(consent.LoseAfter + time.Second); w.lamp.Cover(false) },
			wire.EndLampLost, 0, 0, false, false},
		{displayDies, func(w *walk) {
			w.machine.set(func() { w.machine.fault = errDead })
			pass(100 * time.Millisecond)
			w.machine.set(func() { w.machine.fault = nil })
		}, wire.EndScreenLost, 0, 0, false, false},
		{"the network freezes", func(w *walk) { w.net.freeze(); pass(14 * time.Second); w.net.thaw() }, wire.EndNetworkLost, 0, 0, false, false},
		{"the host's end dies", func(w *walk) { w.link().helper.close(errLost) }, wire.EndNetworkLost, 0, 3 * time.Second, false, false},
		{"the technician's end dies", func(w *walk) { w.link().host.close(errLost) }, wire.EndNetworkLost, 0, 3 * time.Second, false, false},
		{"the technician breaks the protocol", func(w *walk) { w.link().host.in <- []byte{0xff} }, wire.EndProtocol, 0, 0, false, false},
		{"the server ends it", func(w *walk) {
			l := w.line
			l.host.end(wire.EndServerStopped)
			l.technician.end(wire.EndServerStopped)
			synctest.Wait()
		}, wire.EndServerStopped, 0, 0, true, false},
	}
}

// check compares everything that can be seen with what the model says.
func (w *walk) check(rt *rapid.T) {
	synctest.Wait()
	phase := session.HostIdle
	switch {
	case w.m.asking:
		phase = session.HostAsking
	case w.m.live:
		phase = session.HostLive
	}
	if h := w.host.State(); h.Phase != phase || (w.m.live && h.Rights != w.m.rights) {
		rt.Fatalf("the host is in %v with %v, want %v with %v", h.Phase, h.Rights, phase, w.m.rights)
	}
	if n := len(w.asked()); n != w.m.asked {
		rt.Fatalf("%d questions, want %d", n, w.m.asked)
	}
	if w.pressed() != w.m.done || len(w.machine.points)-hidden(w.machine) != w.m.pointed {
		rt.Fatalf("%d inputs, %d pointers; want %d, %d", w.pressed(), len(w.machine.points)-hidden(w.machine), w.m.done, w.m.pointed)
	}
	w.checkTechnician(rt)
	w.checkEnds(rt)
}

// pressed is how much input was done. Letting go is not counted: that needs no right, and
// happens whenever the technician is silent for too long.
func (w *walk) pressed() int {
	w.machine.mu.Lock()
	defer w.machine.mu.Unlock()
	n := 0
	for _, in := range w.machine.done {
		if _, ok := in.(*wire.ReleaseAll); !ok {
			n++
		}
	}
	return n
}

// hidden is how often the pointer was taken away: that needs no right.
func hidden(m *machine) int {
	n := 0
	for _, p := range m.points {
		if !p.Visible {
			n++
		}
	}
	return n
}

func (w *walk) checkTechnician(rt *rapid.T) {
	if w.tech == nil {
		return
	}
	s, phase := w.tech.State(), session.TechnicianWaiting
	switch {
	case w.m.over:
		phase = session.TechnicianEnded
	case w.m.live:
		phase = session.TechnicianLive
	}
	if s.Phase != phase || (w.m.live && s.Rights != w.m.rights) {
		rt.Fatalf("the technician is in %v with %v, want %v with %v", s.Phase, s.Rights, phase, w.m.rights)
	}
	if w.m.over && s.End != w.m.technician && s.Refusal == 0 {
		rt.Fatalf("the technician is told %v, want %v", s.End, w.m.technician)
	}
}

// checkEnds makes sure that each intervention left one record, and nothing else.
func (w *walk) checkEnds(rt *rapid.T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.records) != w.m.ended || (w.m.ended > 0 && w.records[w.m.ended-1].End != w.m.host) {
		rt.Fatalf("%d records, want %d, the last %v", len(w.records), w.m.ended, w.m.host)
	}
	if w.lamp.Lit() != w.m.live {
		rt.Fatalf("banner lit: %v, live: %v", w.lamp.Lit(), w.m.live)
	}
	w.machine.mu.Lock()
	defer w.machine.mu.Unlock()
	if !w.m.live && w.machine.held+w.machine.desks+w.machine.captures != 0 {
		rt.Fatalf("left: %d keys down, %d desks, %d captures", w.machine.held, w.machine.desks, w.machine.captures)
	}
}

// next ends what is left, and makes sure that a whole intervention can follow.
func (w *walk) next(rt *rapid.T) {
	w.host.Cut(wire.EndUserCut)
	if w.tech != nil {
		<-w.tech.Done()
	}
	pass(10 * time.Minute) // whoever was refused too often may ask again
	w.now(func(_ context.Context, q consent.Question) (consent.Rights, error) { return q.Wanted, nil })
	w.tech = w.meet(consent.AllRights)
	before, typed := w.all(), w.pressed()
	if err := w.tech.Watch([]screen.MonitorID{0}); err != nil {
		rt.Fatal(err)
	}
	w.machine.draw(0)
	w.put(&wire.Move{X: 1})
	pass(100 * time.Millisecond)
	if w.all() == before || w.pressed() != typed+1 {
		rt.Fatal("the next intervention does not work")
	}
	w.host.Cut(wire.EndUserCut)
	<-w.tech.Done()
}
