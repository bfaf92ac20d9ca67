// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"assist/internal/trust"
	"assist/internal/wire"
)

var session = wire.SessionID{1, 2, 3}

// startHost runs a host against s until the test ends.
func startHost(t *testing.T, s *server) *Host {
	t.Helper()
	h := newHost(t, s.config())
	h.open = s.open
	keepRunning(t, h)
	return h
}

func keepRunning(t *testing.T, h *Host) context.CancelFunc {
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		if err := h.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	}()
	stop := func() { cancel(); <-stopped }
	t.Cleanup(stop)
	return stop
}

// answerOf is an answer with this verdict. Nobody verifies it here.
func answerOf(t *testing.T, v wire.Verdict) []byte {
	t.Helper()
	key, err := trust.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	a := &wire.Answer{Session: session, Verdict: v}
	if v == wire.VerdictGranted {
		a.Rights = 1
	}
	env, err := key.SignAnswer(a)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// rung is a host that has one call.
func rung(t *testing.T) (*server, *peer, *Host, *Call) {
	t.Helper()
	s := startServer(t)
	h := startHost(t, s)
	p := s.next()
	p.host()
	p.send(&wire.Ring{Session: session, Login: "anne", Address: "192.0.2.9", Request: []byte("request")})
	return s, p, h, <-h.Calls()
}

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func TestHostRegisters(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := startServer(t)
		h := startHost(t, s)
		if st := h.State(); st.Phase == Ready {
			t.Error("ready before the server said so")
		}
		s.next().host()
		synctest.Wait()
		st := h.State()
		if st.Phase != Ready || st.Address != "192.0.2.1" || st.STUN != "assist.example:3478" || st.Unit != "UMR 0000" || st.Err != nil {
			t.Errorf("state %+v", st)
		}
		select {
		case <-h.Changed():
		default:
			t.Error("nobody is told of the change")
		}
	})
}

// Word of a charter that this client cannot use yet costs it nothing.
func TestNoticeOfACharterIsTaken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, p, h, c := rung(t)
		p.send(&wire.CharterNotice{Epoch: 7})
		p.send(&wire.Bye{Session: session, Reason: wire.EndCancelled})
		<-c.Done()
		if len(s.tries) != 1 || h.State().Phase != Ready {
			t.Errorf("%d connections, %+v", len(s.tries), h.State())
		}
	})
}

func TestCallFromRingToBye(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p, _, c := rung(t)
		if r := c.Ring(); r.Login != "anne" || r.Address != "192.0.2.9" || string(r.Request) != "request" || r.Session != session {
			t.Errorf("ring %+v", r)
		}
		ctx := t.Context()
		if err := c.Pledge(ctx, []byte("pledge")); err != nil {
			t.Fatal(err)
		}
		if m := expect[*wire.Pledged](p); m.Session != session || string(m.Pledge) != "pledge" {
			t.Errorf("pledged %+v", m)
		}
		yes := answerOf(t, wire.VerdictGranted)
		if err := c.Answer(ctx, yes); err != nil {
			t.Fatal(err)
		}
		if m := expect[*wire.Answered](p); m.Session != session || string(m.Answer) != string(yes) {
			t.Error("another answer arrived")
		}
		for i := range 3 {
			if err := c.Send(ctx, fmt.Appendf(nil, "step %d", i)); err != nil {
				t.Fatal(err)
			}
			if m := expect[*wire.Signal](p); m.Sequence != uint32(i+1) || string(m.Body) != fmt.Sprintf("step %d", i) {
				t.Errorf("signal %+v", m)
			}
			p.send(&wire.Signal{Session: session, Sequence: uint32(i + 1), Body: fmt.Appendf(nil, "back %d", i)})
			if b, err := c.Receive(ctx); err != nil || string(b) != fmt.Sprintf("back %d", i) {
				t.Errorf("received %q, %v", b, err)
			}
		}
		p.send(&wire.Bye{Session: session, Reason: wire.EndTechnician})
		<-c.Done()
		if c.Reason() != wire.EndTechnician {
			t.Errorf("reason %d", c.Reason())
		}
		if err := c.Send(ctx, nil); !errors.Is(err, ErrEnded) {
			t.Errorf("send after the end: %v", err)
		}
	})
}

func TestEndTellsTheServerOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p, _, c := rung(t)
		c.End(wire.EndUserCut)
		c.End(wire.EndHostClosed)
		if m := expect[*wire.Bye](p); m.Session != session || m.Reason != wire.EndUserCut {
			t.Errorf("bye %+v", m)
		}
		if c.Reason() != wire.EndUserCut || !c.ended() {
			t.Errorf("reason %d", c.Reason())
		}
		// Whatever follows for that session is dropped, and breaks nothing.
		p.send(&wire.Signal{Session: session, Sequence: 1})
		p.send(&wire.Bye{Session: session, Reason: wire.EndTechnician})
		p.send(&wire.Ring{Session: wire.SessionID{9}})
	})
}

func TestNegativeAnswerEndsTheCall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p, h, c := rung(t)
		if err := c.Answer(t.Context(), answerOf(t, wire.VerdictRefused)); err != nil {
			t.Fatal(err)
		}
		expect[*wire.Answered](p)
		c.End(wire.EndRefused)
		p.send(&wire.Ring{Session: wire.SessionID{9}})
		next := <-h.Calls()
		next.End(wire.EndHostClosed)
		if m := expect[*wire.Bye](p); m.Session != (wire.SessionID{9}) {
			t.Errorf("a bye for the call that was answered: %+v", m)
		}
	})
}

func TestAnswerMustBeAnAnswer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, _, _, c := rung(t)
		if err := c.Answer(t.Context(), []byte("rubbish")); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("got %v", err)
		}
	})
}

func TestCallNotYetAnsweredEndsWithTheConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p, _, c := rung(t)
		p.drop()
		<-c.Done()
		if c.Reason() != wire.EndNetworkLost {
			t.Errorf("reason %d", c.Reason())
		}
		if err := c.Answer(t.Context(), answerOf(t, wire.VerdictGranted)); !errors.Is(err, ErrLost) {
			t.Errorf("answer: %v", err)
		}
	})
}

func TestLiveSessionOutlivesTheConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, p, h, c := rung(t)
		if err := c.Answer(t.Context(), answerOf(t, wire.VerdictGranted)); err != nil {
			t.Fatal(err)
		}
		expect[*wire.Answered](p)
		p.drop()
		synctest.Wait()
		if c.ended() || h.State().Phase != Waiting {
			t.Fatalf("ended %v, state %+v", c.ended(), h.State())
		}
		sent := make(chan error, 1)
		go func() { sent <- c.Send(t.Context(), []byte("later")) }()
		p = s.next()
		p.host()
		if m := expect[*wire.Signal](p); m.Sequence != 1 || string(m.Body) != "later" {
			t.Errorf("signal %+v", m)
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
		p.send(&wire.Bye{Session: session, Reason: wire.EndServerStopped})
		<-c.Done()
	})
}

func TestByeIsRepeatedWhenTheServerIsBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, p, _, c := rung(t)
		if err := c.Answer(t.Context(), answerOf(t, wire.VerdictGranted)); err != nil {
			t.Fatal(err)
		}
		expect[*wire.Answered](p)
		p.drop()
		synctest.Wait()
		c.End(wire.EndUserCut)
		p = s.next()
		p.host()
		if m := expect[*wire.Bye](p); m.Session != session || m.Reason != wire.EndUserCut {
			t.Errorf("bye %+v", m)
		}
	})
}

// Closing the app: the owner says goodbye and stops at once.
func TestLastWordsLeaveBeforeTheClose(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := startServer(t)
		h := newHost(t, s.config())
		h.open = s.open
		stop := keepRunning(t, h)
		p := s.next()
		p.host()
		p.send(&wire.Ring{Session: session})
		c := <-h.Calls()
		go func() { c.End(wire.EndHostClosed); stop() }()
		left, status := p.closed()
		if len(left) != 1 || left[0].(*wire.Bye).Reason != wire.EndHostClosed || status != websocket.StatusNormalClosure {
			t.Errorf("left %+v, status %v", left, status)
		}
		stop()
		if st := h.State(); st.Phase != Offline {
			t.Errorf("state %+v", st)
		}
	})
}

// A server that neither reads nor answers cannot hold up the closing of the app.
func TestClosingDoesNotWaitForADeadServer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := startServer(t)
		h := newHost(t, s.config())
		h.open = s.open
		stop := keepRunning(t, h)
		p := s.next()
		p.host()
		p.send(&wire.Ring{Session: session})
		(<-h.Calls()).End(wire.EndHostClosed)
		begun := time.Now()
		stop()
		if took := time.Since(begun); took > 2*h.pace.linger {
			t.Errorf("took %v", took)
		}
	})
}

func TestOneCallWaitsAtMost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := startServer(t)
		h := startHost(t, s)
		p := s.next()
		p.host()
		first, second, third := wire.SessionID{1}, wire.SessionID{2}, wire.SessionID{3}
		p.send(&wire.Ring{Session: first})
		p.send(&wire.Ring{Session: first}) // rung twice: still one call
		p.send(&wire.Ring{Session: second})
		if m := expect[*wire.Bye](p); m.Session != second || m.Reason != wire.EndRefused {
			t.Errorf("bye %+v", m)
		}
		// The one that waits is over before anybody took it: it gives way.
		p.send(&wire.Bye{Session: first, Reason: wire.EndCancelled})
		p.send(&wire.Ring{Session: third})
		synctest.Wait()
		if c := <-h.Calls(); c.Ring().Session != third {
			t.Errorf("call %+v", c.Ring())
		}
	})
}

func TestSignalsInOrderOrNotAtAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p, h, c := rung(t)
		for _, n := range []uint32{1, 1, 2, 1, 4, 3, 5} {
			p.send(&wire.Signal{Session: session, Sequence: n, Body: []byte{byte(n)}})
		}
		synctest.Wait()
		for want := byte(1); want <= 2; want++ {
			if b, err := c.Receive(t.Context()); err != nil || b[0] != want {
				t.Errorf("received %v, %v; want %d", b, err, want)
			}
		}
		if b, err := c.Receive(t.Context()); !errors.Is(err, ErrLost) {
			t.Errorf("after the gap: %v, %v", b, err)
		}
		if c.ended() {
			t.Error("a live session would have ended for it")
		}
		if n := h.drops[dropStale].Load() + h.drops[dropGap].Load(); n != 5 {
			t.Errorf("%d drops counted", n)
		}
	})
}

func TestFloodOfSignalsIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p, _, c := rung(t)
		for n := range uint32(maxSignals + 10) {
			p.send(&wire.Signal{Session: session, Sequence: n + 1})
		}
		synctest.Wait()
		for range maxSignals {
			if _, err := c.Receive(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Receive(t.Context()); !errors.Is(err, ErrLost) {
			t.Errorf("got %v", err)
		}
	})
}

func TestWaitsEndWithTheirContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, p, h, c := rung(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("receive: %v", err)
		}
		c.granted()
		s.down.Store(true)
		p.drop()
		synctest.Wait()
		if err := c.Send(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("send: %v", err)
		}
		if h.State().Phase == Ready {
			t.Error("still ready")
		}
	})
}
