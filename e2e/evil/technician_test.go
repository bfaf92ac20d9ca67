// SPDX-License-Identifier: Apache-2.0

package evil

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"assist/internal/consent"
	"assist/internal/rendezvous"
	"assist/internal/session"
	"assist/internal/wire"
)

// trick is something that a patched technician does in a session which the person has
// granted.
type trick struct {
	name  string
	give  consent.Rights // what the person allows
	do    func(t *testing.T, c *cheat)
	ends  []wire.EndReason // the host's, of itself; empty: it goes on until the person cuts
	shots int              // events that may have been done, at most; -1 for any number
}

func tricks() []trick {
	protocol, gone := []wire.EndReason{wire.EndProtocol}, []wire.EndReason{wire.EndNetworkLost, wire.EndTechnicianLost}
	says := func(channel int, b ...byte) func(*testing.T, *cheat) {
		return func(_ *testing.T, c *cheat) { c.put(channel, b) }
	}
	return []trick{
		{"input without control", consent.RightView | consent.RightPoint, inputWithoutControl, nil, 0},
		{"monitors that do not exist", consent.AllRights, missingMonitors, nil, 0},
		{"a hundred thousand events", granted, floodOfInput, []wire.EndReason{wire.EndUserCut}, -1},
		{"unknown kind", granted, says(onControl, 0xff, 1, 2, 3), protocol, 0},
		{"kind of the host", granted, says(onControl, 0x41, 0, 7, 0, 0), protocol, 0},
		{"message of the server", granted, says(onControl, 0x1e), protocol, 0},
		{"cut message", granted, says(onInput, 0x63, 0), protocol, 0},
		{"too large a message", granted, says(onControl, make([]byte, 65_000)...), protocol, 0},
		{"input beside its channel", granted, says(onControl, 0x63, 0, 4, 1), protocol, 0},
		{"garbage for beats", granted, says(onLive, 0xde, 0xad), protocol, 0},
		{"garbage for places", granted, says(onPlace, 0xde, 0xad), protocol, 0},
		{"a channel of their own", granted, anotherChannel, protocol, 0},
		{"garbage for reports", granted, garbageReports, nil, 0},
		{"ten thousand wishes", granted, floodOfWishes, nil, 0},
		{"a key held in silence", granted, heldInSilence, nil, 2},
		{"a key held while vanishing", granted, heldWhileVanishing, gone, 2},
		{"a goodbye and then more", granted, onAfterGoodbye, []wire.EndReason{wire.EndTechnician}, 2},
		{"set-up without end", granted, setUpWithoutEnd, nil, 0},
	}
}

// TestEvilTechnician plays every trick against the host's real code. Whatever it is, the
// host ends where it must, nothing stays held or lit, and the next honest session works.
func TestEvilTechnician(t *testing.T) {
	b := newBench(t, newNonces(t))
	for _, k := range tricks() {
		t.Run(k.name, func(t *testing.T) {
			b.play(t, k)
			b.honestly(t)
		})
	}
	t.Run("more answers than offers", func(t *testing.T) { manyAnswers(t, b); b.honestly(t) })
	t.Run("back after the cut", func(t *testing.T) { backAfterTheCut(t, b); b.honestly(t) })
}

// honestly plays a session of a technician who does not cheat.
func (b *bench) honestly(t *testing.T) {
	t.Helper()
	b.pair.say(nil)
	if o, err := b.intervention(false); err != nil || o != right {
		t.Errorf("the next honest session: %v, %v, %v\n%s", o, err, b.hindrance, b.pair.log)
	}
	b.leave() // the server reads a connection that says so much slowly after a while
}

// say tells the person what to say.
func (e *ends) say(answers func(context.Context, consent.Question) (consent.Rights, error)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answers = answers
}

// gives is a person who grants these rights, and no more later.
func gives(r consent.Rights) func(context.Context, consent.Question) (consent.Rights, error) {
	return func(_ context.Context, q consent.Question) (consent.Rights, error) {
		if q.Widening {
			return 0, consent.ErrRefused
		}
		return q.Wanted & r, nil
	}
}

// infiltrate has a cheat's session live at the host.
func (b *bench) infiltrate(t *testing.T, give consent.Rights) *cheat {
	t.Helper()
	e, err := b.ready(b.pair == nil)
	must(t, err)
	e.forget()
	e.say(gives(give))
	c, err := e.newCheat()
	must(t, err)
	t.Cleanup(c.vanish)
	if err := c.sneak(); err != nil {
		t.Fatalf("%v\n%s", err, e.log)
	}
	if !until(patience, func() bool { return e.app.State().Phase == session.HostLive }) {
		t.Fatal("the host is not live")
	}
	return c
}

func (b *bench) play(t *testing.T, k trick) {
	c := b.infiltrate(t, k.give)
	e := c.e
	k.do(t, c)
	over := func() bool { return len(e.kept()) > 0 && e.app.State().Phase == session.HostIdle }
	if len(k.ends) == 0 {
		if h := e.app.State(); h.Phase != session.HostLive {
			t.Errorf("the host is %v, after %v\n%s", h.Phase, e.kept(), e.log)
		}
		k.ends = []wire.EndReason{wire.EndUserCut}
		e.app.Cut(wire.EndUserCut)
	}
	if !until(patience, over) {
		t.Fatalf("the host is still %v", e.app.State().Phase)
	}
	if r := e.kept(); len(r) != 1 || !slices.Contains(k.ends, r[0].End) || r[0].Allowed&^k.give != 0 {
		t.Errorf("recorded %+v, must have ended with %v", r, k.ends)
	}
	e.atRest(t)
	if _, n := e.desktop.touched(); k.shots >= 0 && n > k.shots {
		t.Errorf("%d events were done, may be %d", n, k.shots)
	}
	if err := e.discreet(); err != nil {
		t.Error(err)
	}
}

// atRest: nothing is held, open or lit at the host.
func (e *ends) atRest(t *testing.T) {
	t.Helper()
	e.desktop.get(func() {
		if len(e.desktop.held) != 0 || e.desktop.open != 0 {
			t.Errorf("held: %v; open: %d", e.desktop.held, e.desktop.open)
		}
	})
	if !e.dark() {
		t.Error("the banner is lit")
	}
}

func (e *ends) holds() (n int) {
	e.desktop.get(func() { n = len(e.desktop.held) })
	return n
}

// pinged waits until the host has taken in all that was said before: its reply is one.
func (c *cheat) pinged(t *testing.T) {
	t.Helper()
	done := len(c.e.questions())
	c.say(&wire.Watch{Monitors: []uint8{1}})
	if !until(patience, func() bool { frames, _ := c.e.desktop.touched(); return frames > 0 }) {
		t.Errorf("the host takes nothing in; %d questions", done)
	}
}

func inputWithoutControl(t *testing.T, c *cheat) {
	for range 100 {
		c.say(&wire.Key{Usage: 4, Down: true}, &wire.Button{Button: 1, Down: true}, &wire.Text{Text: "x"}, &wire.Move{X: 1},
			&wire.Scroll{DY: 120}, &wire.ReleaseAll{})
	}
	c.pinged(t)
}

func missingMonitors(t *testing.T, c *cheat) {
	for id := range uint8(6) {
		c.say(&wire.Watch{Monitors: []uint8{2 + id}}, &wire.Point{Monitor: 2 + id, X: 1, Y: 1, Visible: true})
	}
	<-time.After(100 * time.Millisecond)
	frames, _ := c.e.desktop.touched()
	c.e.desktop.get(func() {
		if frames != 0 || c.e.desktop.points != 0 {
			t.Errorf("%d frames, %d pointers", frames, c.e.desktop.points)
		}
	})
	c.pinged(t)
}

// floodOfInput floods from three sides, and the person cuts in the midst of it.
func floodOfInput(t *testing.T, c *cheat) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for n := range 100_000 {
			c.say(&wire.Move{X: uint16(n % 100)})
			switch n % 1000 {
			case 1:
				c.say(&wire.Key{Usage: 4, Down: true})
			case 2:
				c.say(&wire.Watch{Monitors: []uint8{0, 1}}, &wire.Point{X: 1, Y: 1, Visible: true}, &wire.Ping{Stamp: 1})
			case 3:
				c.say(&wire.Watch{})
			}
		}
	}()
	if !until(patience, func() bool { _, n := c.e.desktop.touched(); return n > 50_000 }) {
		t.Error("the flood does not arrive")
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 {
		t.Errorf("%d MiB more are in use", grown>>20)
	}
	begun := time.Now()
	c.e.app.Cut(wire.EndUserCut)
	took := time.Since(begun)
	_, n := c.e.desktop.touched()
	<-time.After(200 * time.Millisecond)
	if _, later := c.e.desktop.touched(); later != n {
		t.Errorf("%d events after the cut", later-n)
	}
	if took > 2*time.Second { // a tenth, on a quiet machine
		t.Errorf("the cut took %v", took)
	}
	c.vanish()
	<-sent
}

func anotherChannel(t *testing.T, c *cheat) {
	_, err := c.pc.CreateDataChannel("shell", nil)
	must(t, err)
}

func garbageReports(t *testing.T, c *cheat) {
	for n := range 300 {
		raw := rtcp.RawPacket{0x8f, byte(200 + n%8), 0, 3, byte(n), 1, 2, 3, 4, 5, 6, 7, 0xff, 0xff, 0xff, byte(n)}
		_ = c.pc.WriteRTCP([]rtcp.Packet{&raw})
		_ = c.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(n)},
			&rtcp.TransportLayerNack{Nacks: []rtcp.NackPair{{PacketID: uint16(n), LostPackets: 0xffff}}}})
	}
	c.pinged(t)
}

func floodOfWishes(t *testing.T, c *cheat) {
	for range 10_000 {
		c.say(&wire.Want{Rights: 0xffff}, &wire.Release{Rights: uint16(consent.RightPoint)})
	}
	c.pinged(t)
	if n := len(c.e.questions()); n != 2 { // the request, and the first wish
		t.Errorf("%d questions", n)
	}
}

func heldInSilence(t *testing.T, c *cheat) {
	c.say(&wire.Key{Usage: 0xe0, Down: true})
	if !until(patience, func() bool { return c.e.holds() == 1 }) {
		t.Fatal("nothing is held")
	}
	begun := time.Now()
	if !until(patience, func() bool { return c.e.holds() == 0 }) || time.Since(begun) > 5*time.Second { // one, on a quiet machine
		t.Errorf("let go after %v", time.Since(begun))
	}
}

func heldWhileVanishing(t *testing.T, c *cheat) {
	c.say(&wire.Key{Usage: 0xe0, Down: true})
	if !until(patience, func() bool { return c.e.holds() == 1 }) {
		t.Fatal("nothing is held")
	}
	c.vanish()
}

func onAfterGoodbye(t *testing.T, c *cheat) {
	c.say(&wire.Key{Usage: 0xe0, Down: true})
	if !until(patience, func() bool { return c.e.holds() == 1 }) {
		t.Fatal("nothing is held")
	}
	c.say(&wire.SessionBye{Reason: wire.EndUserCut}) // which they cannot say for the person
	if !until(patience, func() bool { return c.e.app.State().Rights == 0 }) {
		t.Error("the host goes on")
	}
	for range 1000 {
		c.say(&wire.Key{Usage: 4, Down: true}, &wire.Text{Text: "x"})
	}
}

// setUpWithoutEnd goes on describing a connection that stands.
func setUpWithoutEnd(t *testing.T, c *cheat) {
	ctx, cancel := context.WithTimeout(context.Background(), settled)
	defer cancel()
	for n := range 400 {
		step := []byte{byte(n % 6)}
		_ = c.out.Send(ctx, append(step, "v=0\r\na=fingerprint:sha-256 00\r\n"...))
	}
	c.pinged(t)
	if c.e.line.State().Phase != rendezvous.Ready {
		t.Error("the host has lost its server")
	}
}

// manyAnswers describes itself again and again while the host connects.
func manyAnswers(t *testing.T, b *bench) {
	e, err := b.ready(b.pair == nil)
	must(t, err)
	e.forget()
	e.say(gives(granted))
	c, err := e.newCheat()
	must(t, err)
	t.Cleanup(c.vanish)
	c.repeat = 40
	if err := c.sneak(); err == nil {
		t.Error("it is connected")
	}
	if !until(patience, func() bool { return len(e.kept()) > 0 && e.app.State().Phase == session.HostIdle }) {
		t.Fatal("the host still connects")
	}
	if r := e.kept(); r[0].End != wire.EndProtocol {
		t.Errorf("recorded %+v", r)
	}
	e.atRest(t)
	if frames, events := e.desktop.touched(); frames+events > 0 {
		t.Errorf("%d frames, %d events", frames, events)
	}
}

// backAfterTheCut comes back with what was good before the person cut: the connection,
// the request, the session's number, the DTLS certificate.
func backAfterTheCut(t *testing.T, b *bench) {
	c := b.infiltrate(t, granted)
	e := c.e
	e.app.Cut(wire.EndUserCut)
	if !until(patience, func() bool { return e.app.State().Phase == session.HostIdle }) {
		t.Fatal("the cut does not end it")
	}
	e.forget()
	for range 100 {
		c.say(&wire.Key{Usage: 4, Down: true}, &wire.Watch{Monitors: []uint8{0, 1}})
	}
	gone := func() bool { return c.out.Send(context.Background(), []byte{stepCandidate}) != nil }
	if !until(patience, gone) { // the goodbye is on its way
		t.Error("the server's line still stands")
	}
	if a, err := c.askWith(c.request); err == nil && a.Verdict != wire.VerdictInvalid {
		t.Errorf("the same request is answered %+v", a)
	}
	if n := len(e.questions()); n != 0 {
		t.Errorf("%d dialogs", n)
	}
	again := &cheat{e: e, cert: c.cert, print: c.print, session: c.session, repeat: 1, stop: func() {}}
	e.say(func(context.Context, consent.Question) (consent.Rights, error) { return 0, consent.ErrRefused })
	if a, err := again.ask(); err == nil && a.Verdict == wire.VerdictGranted {
		t.Error("the old session's number opens a new one")
	}
	if err := again.connectRefused(); err == nil {
		t.Error("the host connects to whom the person refused")
	}
	if err := e.untouched(1); err != nil {
		t.Error(err)
	}
	e.atRest(t)
}

// connectRefused tries to set up a connection that nobody granted.
func (c *cheat) connectRefused() error {
	if c.out == nil {
		return errors.New("the server knows no such request")
	}
	ctx, cancel := context.WithTimeout(context.Background(), settled)
	defer cancel()
	_, err := c.out.Receive(ctx)
	return err
}
