// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"assist/internal/wire"
)

func TestWrongFingerprintFailsOnBothEnds(t *testing.T) {
	other := identity(t).Fingerprint()
	for name, change := range map[string]func(h, v *Config){
		"the host expects another":       func(h, _ *Config) { h.Remote = other },
		"the technician expects another": func(_, v *Config) { v.Remote = other },
		"both expect another":            func(h, v *Config) { h.Remote, v.Remote = other, other },
	} {
		t.Run(name, func(t *testing.T) {
			hn, tn := newBadNet(t), newBadNet(t)
			p := tryPair(t, setup{hostNet: hn, techNet: tn, change: change})
			if p.host != nil || p.technician != nil {
				t.Error("an end was connected")
			}
			if !errors.Is(p.hostErr, ErrFingerprint) && !errors.Is(p.techErr, ErrFingerprint) {
				t.Errorf("host: %v; technician: %v", p.hostErr, p.techErr)
			}
			if p.hostErr == nil || p.techErr == nil {
				t.Error("an end did not fail")
			}
			if hn.rtp.Load()+tn.rtp.Load() != 0 {
				t.Error("media left")
			}
		})
	}
}

// naming puts a fingerprint into the descriptions that pass.
func naming(fingerprint [32]byte) func([]byte) []byte {
	digits := strings.ToUpper(strings.TrimSuffix(fmt.Sprintf("% x", fingerprint[:]), " "))
	return func(b []byte) []byte {
		text := string(b)
		at := strings.Index(text, "a=fingerprint:sha-256 ")
		if at < 0 {
			return b
		}
		at += len("a=fingerprint:sha-256 ")
		return []byte(text[:at] + strings.ReplaceAll(digits, " ", ":") + text[at+95:])
	}
}

// A server that answers DTLS itself under the fingerprint that was signed is told from a
// bad network.
func TestOtherCertificateThanTheNamedOne(t *testing.T) {
	signed := identity(t).Fingerprint()
	for name, s := range map[string]setup{
		"technician": {signaled: naming(signed), change: func(_, v *Config) { v.Remote = signed }},
		"host":       {answered: naming(signed), change: func(h, _ *Config) { h.Remote = signed }},
	} {
		p := tryPair(t, s)
		if p.host != nil || p.technician != nil {
			t.Errorf("%s: an end was connected", name)
		}
		if err := map[string]error{"technician": p.techErr, "host": p.hostErr}[name]; !errors.Is(err, ErrFingerprint) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A server that puts its own certificate into a description.
func TestSwappedFingerprintIsRefused(t *testing.T) {
	swap := naming(identity(t).Fingerprint())
	for name, s := range map[string]setup{"offer": {signaled: swap}, "answer": {answered: swap}} {
		p := tryPair(t, s)
		if p.host != nil || p.technician != nil {
			t.Errorf("%s: an end was connected", name)
		}
		if !errors.Is(errors.Join(p.hostErr, p.techErr), ErrFingerprint) {
			t.Errorf("%s: host %v, technician %v", name, p.hostErr, p.techErr)
		}
	}
}

// The certificate that DTLS really used is compared by our own code too.
func TestRealCertificateIsVerified(t *testing.T) {
	p := newPair(t, setup{})
	if err := p.host.verify(); err != nil {
		t.Fatal(err)
	}
	l := link{pc: p.host.pc, cfg: Config{Remote: identity(t).Fingerprint()}}
	if err := l.verify(); !errors.Is(err, ErrFingerprint) {
		t.Errorf("another certificate passed: %v", err)
	}
}

func TestIncompleteConfigIsRefused(t *testing.T) {
	a, _ := newWire()
	full := Config{Identity: identity(t), Remote: [32]byte{1}, Signaler: a, Allow: anywhere}
	for name, strip := range map[string]func(*Config){
		"identity": func(c *Config) { c.Identity = nil },
		"remote":   func(c *Config) { c.Remote = [32]byte{} },
		"signaler": func(c *Config) { c.Signaler = nil },
		"allow":    func(c *Config) { c.Allow = nil }, // or the charter's addresses would be forgotten
	} {
		c := full
		strip(&c)
		if _, err := ConnectHost(t.Context(), c); !errors.Is(err, ErrConfig) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func TestConnectingEndsWithItsContext(t *testing.T) {
	a, _ := newWire()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := ConnectHost(ctx, Config{Identity: identity(t), Remote: [32]byte{1}, Signaler: a, Allow: anywhere})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > soon/2 {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

func TestGarbageSignalsFailTheSetUp(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty": {}, "kind": {99}, "early answer": append([]byte{byte(signalAnswer)}, "v=0\r\n"...),
		"candidate first": append([]byte{byte(signalCandidate)}, "candidate:1 1 udp 1 127.0.0.1 9 typ host"...),
		"long":            bytes.Repeat([]byte{byte(signalOffer)}, wire.MaxSignal+1),
		"no description":  append([]byte{byte(signalOffer)}, "nonsense"...),
	} {
		a, b2 := newWire()
		if err := b2.Send(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		_, err := ConnectTechnician(within(t, soon), Config{Identity: identity(t), Remote: [32]byte{1}, Signaler: a})
		if !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMessagesBothWays(t *testing.T) {
	p := newPair(t, setup{})
	ctx := within(t, soon)
	for _, m := range []wire.ToTechnician{
		&wire.Grant{Rights: 7}, &wire.Pong{Stamp: 5}, &wire.SessionBye{Reason: wire.EndUserCut},
		&wire.Shape{Serial: 1, Width: 120, Height: 120, Pix: bytes.Repeat([]byte{1}, 4*120*120)},
	} {
		if err := p.host.Send(ctx, m); err != nil {
			t.Fatal(err)
		}
		got, err := p.technician.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprintf("%T%v", got, got) != fmt.Sprintf("%T%v", m, m) {
			t.Errorf("sent %v, got %v", m, got)
		}
	}
	for i := range 50 {
		if err := p.technician.Send(ctx, &wire.Move{X: uint16(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 50 {
		got, err := p.host.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if m, ok := got.(*wire.Move); !ok || int(m.X) != i {
			t.Fatalf("input %d arrived as %v", i, got)
		}
	}
	if err := p.host.Send(ctx, &wire.Place{Sequence: 1, X: 3}); err != nil {
		t.Fatal(err)
	}
	if got, err := p.technician.Receive(ctx); err != nil || got.(*wire.Place).X != 3 {
		t.Errorf("place arrived as %v, %v", got, err)
	}
	if h, v := p.host.Stats(), p.technician.Stats(); h.MessagesSent != 5 || h.MessagesReceived != 50 ||
		v.MessagesSent != 50 || v.MessagesReceived != 5 {
		t.Errorf("counts: host %+v, technician %+v", h, v)
	}
}

// Control messages do not wait behind a flood of input.
func TestControlOvertakesInput(t *testing.T) {
	p := newPair(t, setup{})
	ctx := within(t, soon)
	for range 100 {
		if err := p.technician.Send(ctx, &wire.Move{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.technician.Send(ctx, &wire.Release{Rights: 1}); err != nil {
		t.Fatal(err)
	}
	until(t, "the release has arrived", func() bool { return len(p.host.control) > 0 })
	if got, err := p.host.Receive(ctx); err != nil {
		t.Fatal(err)
	} else if _, ok := got.(*wire.Release); !ok {
		t.Errorf("%T came before the release", got)
	}
}

func TestGarbageOnChannelsEndsTheLink(t *testing.T) {
	marshal := func(m wire.Message) []byte {
		b, err := wire.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, c := range map[string]struct {
		channel int
		bytes   []byte
	}{
		"unknown kind":         {channelControl, []byte{0xff}},
		"empty":                {channelControl, []byte{}},
		"left over":            {channelControl, append(marshal(&wire.Ping{}), 0)},
		"other family":         {channelControl, marshal(&wire.Grant{})},
		"input on control":     {channelControl, marshal(&wire.Move{})},
		"control on input":     {channelInput, marshal(&wire.Ping{})},
		"place from the wrong": {channelPlace, marshal(&wire.Place{})},
		"too long":             {channelControl, make([]byte, wire.MaxMessage+1)},
		"beat":                 {channelLive, []byte{1, 2, 3}},
		"beat kind":            {channelLive, make([]byte, beatSize)},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, setup{})
			if _, err := p.technician.channels[c.channel].raw.Write(c.bytes); err != nil {
				t.Fatal(err)
			}
			select {
			case <-p.host.Done():
			case <-time.After(soon):
				t.Fatal("the host goes on")
			}
			if err := p.host.Err(); !errors.Is(err, ErrProtocol) {
				t.Errorf("the host ended with %v", err)
			}
			if _, err := p.host.Receive(t.Context()); !errors.Is(err, ErrProtocol) {
				t.Errorf("Receive gave %v", err)
			}
		})
	}
}

func TestUnknownChannelEndsTheLink(t *testing.T) {
	p := newPair(t, setup{})
	if _, err := p.technician.pc.CreateDataChannel("shell", nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.host.Done():
	case <-time.After(soon):
		t.Fatal("the host goes on")
	}
	if err := p.host.Err(); !errors.Is(err, ErrProtocol) {
		t.Errorf("the host ended with %v", err)
	}
}

func TestTextMessageEndsTheLink(t *testing.T) {
	p := newPair(t, setup{})
	b, err := wire.Marshal(&wire.Ping{}) // right in all but its label
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.technician.channels[channelControl].raw.WriteDataChannel(b, true); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.host.Done():
	case <-time.After(soon):
		t.Fatal("the host goes on")
	}
	if err := p.host.Err(); !errors.Is(err, ErrProtocol) {
		t.Errorf("the host ended with %v", err)
	}
}

// What was handed to Send before Close arrives, and is delivered after the end.
func TestLastWordArrives(t *testing.T) {
	for range 5 {
		p := newPair(t, setup{})
		if err := p.host.Send(t.Context(), &wire.SessionBye{Reason: wire.EndUserCut}); err != nil {
			t.Fatal(err)
		}
		if err := p.host.Close(); err != nil {
			t.Fatal(err)
		}
		m, err := p.technician.Receive(within(t, soon))
		if bye, ok := m.(*wire.SessionBye); !ok || bye.Reason != wire.EndUserCut {
			t.Fatalf("got %v, %v", m, err)
		}
		select {
		case <-p.technician.Done():
		case <-time.After(soon):
			t.Fatal("the technician did not notice the end")
		}
		if !errors.Is(p.technician.Err(), ErrLost) || !errors.Is(p.host.Err(), ErrClosed) {
			t.Errorf("host %v, technician %v", p.host.Err(), p.technician.Err())
		}
		p.close()
	}
}

func TestCloseIsQuickOnADeadNetwork(t *testing.T) {
	for name, kill := range map[string]func(*badNet){
		"silent":   func(n *badNet) { n.frozen.Store(true) },
		"blocking": func(n *badNet) { n.stuck.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			fastest := soon
			for range 5 { // a busy machine may be slow, but not each time
				if fastest = min(fastest, closing(t, kill)); fastest <= 200*time.Millisecond {
					return
				}
			}
			t.Errorf("Close took %v", fastest)
		})
	}
}

// closing is how long Close takes on a network that is killed.
func closing(t *testing.T, kill func(*badNet)) time.Duration {
	t.Helper()
	n := newBadNet(t)
	p := newPair(t, setup{hostNet: n})
	kill(n)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f := picture(0, image.Pt(64, 48), 1)
	for range 3 { // something that waits for the network
		go func() { _ = p.host.Show(ctx, f, always) }()
		go func() { _ = p.host.Send(ctx, &wire.Pong{}) }()
	}
	<-time.After(20 * time.Millisecond)
	start := time.Now()
	if err := p.host.Close(); err != nil {
		t.Error(err)
	}
	d := time.Since(start)
	t.Logf("Close took %v", d)
	if err := p.host.Close(); err != nil {
		t.Error(err)
	}
	close(n.free)
	return d
}

func TestSilenceIsNoticed(t *testing.T) {
	n := newBadNet(t)
	p := newPair(t, setup{hostNet: n, timing: timing{
		beat: 50 * time.Millisecond, stale: 2 * time.Second, lost: 6 * time.Second, // for a busy machine
	}})
	until(t, "the round trip is known", func() bool { return p.technician.Stats().RTT > 0 })
	if s := p.technician.Stats(); s.Stale {
		t.Errorf("a healthy link: %+v", s)
	}
	n.frozen.Store(true)
	until(t, "silence is told", func() bool { return p.technician.Stats().Stale })
	if err := p.technician.Err(); err != nil {
		t.Errorf("ended with %v before its time", err)
	}
	select {
	case <-p.technician.Done():
	case <-time.After(soon):
		t.Fatal("the technician waits for ever")
	}
	if !errors.Is(p.technician.Err(), ErrLost) {
		t.Errorf("ended with %v", p.technician.Err())
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	for i := range 10 {
		p := newPair(t, setup{})
		f := picture(0, image.Pt(64, 48), i)
		p.show(t, f)
		p.awaitPicture(t, f, 25)
		p.close()
		if p.host.tracks[0].encoder != nil {
			t.Fatal("an encoder is still open")
		}
	}
	deadline := time.Now().Add(soon)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
		}
		<-time.After(10 * time.Millisecond)
	}
}

func TestOnlyOurCodecIsOffered(t *testing.T) {
	a, b := newWire()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		_, _ = ConnectHost(ctx, Config{Identity: identity(t), Remote: [32]byte{1}, Signaler: a, Allow: anywhere})
	}()
	offer, err := b.Receive(within(t, soon))
	if err != nil {
		t.Fatal(err)
	}
	text := string(offer)
	if strings.Count(text, "a=rtpmap:") != 8 || strings.Count(text, "AV1/90000") != 8 || strings.Count(text, "m=application") != 1 {
		t.Errorf("the offer is\n%s", text)
	}
	if len(offer) > wire.MaxSignal/2 {
		t.Errorf("the offer has %d bytes", len(offer))
	}
	var d webrtc.SessionDescription
	d.SDP = text[1:]
	if strings.Contains(d.SDP, ".local") {
		t.Error("a name of mDNS is offered")
	}
}
