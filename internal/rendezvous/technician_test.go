// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/trust"
	"assist/internal/wire"
)

func newTechnician(t *testing.T, s *server) *Technician {
	t.Helper()
	key, err := trust.NewDeviceKey()
	if err != nil {
		t.Fatal(err)
	}
	tech, err := NewTechnician(s.config(), key)
	if err != nil {
		t.Fatal(err)
	}
	tech.credulous()
	tech.open = s.open
	t.Cleanup(tech.Logout)
	return tech
}

func (t *Technician) knowsPassword() bool {
	t.secret.Lock()
	defer t.secret.Unlock()
	return t.login != "" || t.password != ""
}

// loggedIn is a technician who may ask.
func loggedIn(t *testing.T) (*server, *peer, *Technician) {
	t.Helper()
	s := startServer(t)
	tech := newTechnician(t, s)
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { done <- tech.Login(ctx, "anne", "mot de passe"); cancel() }()
	p := s.next()
	if m := p.technician(); m.Login != "anne" || m.Password != "mot de passe" || m.Version != wire.Version {
		t.Errorf("hello %+v", m)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if st := tech.State(); st.Phase != Ready {
		t.Errorf("logged in, and yet %+v", st)
	}
	return s, p, tech
}

// requestOf is a signed request of this session number.
func requestOf(t *testing.T, id wire.SessionID) []byte {
	t.Helper()
	key, err := trust.NewDeviceKey()
	if err != nil {
		t.Fatal(err)
	}
	env, err := key.SignRequest(&wire.Request{Session: id})
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// asking is a request on its way: result comes with the Ask's end.
type asking struct {
	out *Outgoing
	err error
}

func ask(ctx context.Context, t *testing.T, tech *Technician, p *peer) <-chan asking {
	t.Helper()
	result := make(chan asking, 1)
	env := requestOf(t, session)
	go func() {
		out, err := tech.Ask(ctx, "123456", env)
		result <- asking{out, err}
	}()
	if m := expect[*wire.Ask](p); m.TOTP != "123456" || string(m.Request) != string(env) {
		t.Errorf("ask %+v", m)
	}
	return result
}

// pledged is a request whose host has pledged.
func pledged(t *testing.T) (*server, *peer, *Technician, *Outgoing) {
	t.Helper()
	s, p, tech := loggedIn(t)
	result := ask(t.Context(), t, tech, p)
	p.send(&wire.Pledged{Session: session, Pledge: []byte("pledge")})
	r := <-result
	if r.err != nil {
		t.Fatal(r.err)
	}
	return s, p, tech, r.out
}

func TestLogin(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p, tech := loggedIn(t)
		st := tech.State()
		if st.Phase != Ready || st.Unit != "UMR 0000" || tech.STUN() != "assist.example:3478" || string(tech.Certificate()) != "certificate" {
			t.Errorf("state %+v", st)
		}
		go p.closed()
		tech.Logout()
		if tech.State().Phase != Offline || len(tech.Certificate()) != 0 || tech.knowsPassword() {
			t.Error("something is left of the login")
		}
	})
}

func TestWrongPassword(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := startServer(t)
		tech, d := newTechnician(t, s), &doubts{}
		tech.cfg.Refused = d.add
		done := make(chan error, 1)
		go func() { done <- tech.Login(t.Context(), "anne", "faux") }()
		p := s.next()
		p.technicianHello()
		p.send(&wire.Refused{Why: wire.RefusedTooMany, Wait: 30})
		var no *RefusedError
		if err := <-done; !errors.As(err, &no) || no.Why != wire.RefusedTooMany || no.Wait != 30*time.Second {
			t.Errorf("got %v", err)
		}
		d.keep(t, AboutSignIn) // which is no word against the server
		p.drop()
		time.Sleep(time.Hour)
		if len(s.peers) != 0 || tech.knowsPassword() || tech.State().Phase != Offline {
			t.Error("a password that was refused is tried again")
		}
	})
}

func TestServerAwayAtLogin(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := startServer(t)
		s.down.Store(true)
		tech := newTechnician(t, s)
		if err := tech.Login(t.Context(), "anne", "x"); !errors.Is(err, errRefusedByNet) {
			t.Errorf("got %v", err)
		}
		if _, err := tech.Ask(t.Context(), "123456", requestOf(t, session)); !errors.Is(err, ErrOffline) {
			t.Errorf("ask: %v", err)
		}
		if _, err := tech.Ask(t.Context(), "123456", []byte("rubbish")); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("ask of rubbish: %v", err)
		}
	})
}

func TestLogsInAgainByItself(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, p, tech := loggedIn(t)
		p.drop()
		p = s.next()
		if m := p.technician(); m.Login != "anne" || m.Password != "mot de passe" {
			t.Errorf("hello %+v", m)
		}
		synctest.Wait()
		if tech.State().Phase != Ready {
			t.Errorf("state %+v", tech.State())
		}
	})
}

func TestAccountClosedMeanwhile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, p, tech := loggedIn(t)
		p.send(&wire.Refused{Why: wire.RefusedIdentity})
		p.closed()
		time.Sleep(time.Hour)
		st := tech.State()
		if st.Phase != Refused || !st.RetryAt.IsZero() || !hopeless(st.Err) {
			t.Errorf("state %+v", st)
		}
		if len(s.peers) != 0 || tech.knowsPassword() {
			t.Error("tried again, or the password is kept")
		}
	})
}

func TestAskToTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p, _, o := pledged(t)
		ctx := t.Context()
		if b, err := o.Pledge(ctx); err != nil || string(b) != "pledge" {
			t.Errorf("pledge %q, %v", b, err)
		}
		yes := answerOf(t, wire.VerdictGranted)
		p.send(&wire.Answered{Session: session, Answer: yes})
		if b, err := o.Answer(ctx); err != nil || string(b) != string(yes) {
			t.Errorf("answer: %v", err)
		}
		if err := o.Send(ctx, []byte("offer")); err != nil {
			t.Fatal(err)
		}
		if m := expect[*wire.Signal](p); m.Sequence != 1 || m.Session != session {
			t.Errorf("signal %+v", m)
		}
		o.End(wire.EndTechnician)
		if m := expect[*wire.Bye](p); m.Reason != wire.EndTechnician {
			t.Errorf("bye %+v", m)
		}
	})
}

// The server repeats or swaps messages: the first of each is what counts.
func TestSecondPledgeAndAnswerAreDropped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p, tech, o := pledged(t)
		if b, err := o.Pledge(t.Context()); err != nil || string(b) != "pledge" {
			t.Fatal(err)
		}
		p.send(&wire.Pledged{Session: session, Pledge: []byte("other")})
		yes := answerOf(t, wire.VerdictGranted)
		p.send(&wire.Answered{Session: session, Answer: yes})
		p.send(&wire.Answered{Session: session, Answer: answerOf(t, wire.VerdictRefused)})
		p.send(&wire.Pledged{Session: session, Pledge: []byte("late")})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if b, err := o.Pledge(ctx); err == nil {
			t.Errorf("second pledge %q", b)
		}
		if b, err := o.Answer(t.Context()); err != nil || string(b) != string(yes) {
			t.Errorf("answer: %v", err)
		}
		if n := tech.drops[dropStale].Load(); n != 3 {
			t.Errorf("%d drops counted", n)
		}
	})
}

func TestRefusedAsk(t *testing.T) {
	for why := wire.RefusedIdentity; why <= wire.RefusedJournal; why++ {
		bubble(t, func(t *testing.T) {
			_, p, tech := loggedIn(t)
			result := ask(t.Context(), t, tech, p)
			p.send(&wire.Refused{Session: session, Why: why, Wait: 7})
			var no *RefusedError
			if r := <-result; !errors.As(r.err, &no) || no.Why != why || no.Wait != 7*time.Second || r.out != nil {
				t.Errorf("got %v", r.err)
			}
			synctest.Wait()
			if tech.State().Phase != Ready {
				t.Errorf("the connection went with it: %+v", tech.State())
			}
			// The next request is as good as the first.
			result = ask(t.Context(), t, tech, p)
			p.send(&wire.Pledged{Session: session})
			if r := <-result; r.err != nil {
				t.Error(r.err)
			}
		})
	}
}

func TestCancelledAsk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p, tech := loggedIn(t)
		ctx, cancel := context.WithCancel(t.Context())
		result := ask(ctx, t, tech, p)
		cancel()
		if r := <-result; !errors.Is(r.err, context.Canceled) {
			t.Errorf("got %v", r.err)
		}
		if m := expect[*wire.Bye](p); m.Session != session || m.Reason != wire.EndCancelled {
			t.Errorf("bye %+v", m)
		}
	})
}

func TestNegativeAnswerWithoutPledge(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p, tech := loggedIn(t)
		result := ask(t.Context(), t, tech, p)
		no := answerOf(t, wire.VerdictBusy)
		p.send(&wire.Answered{Session: session, Answer: no})
		r := <-result
		if r.err != nil {
			t.Fatal(r.err)
		}
		p.drop() // what was received is still there to be read
		synctest.Wait()
		if b, err := r.out.Answer(t.Context()); err != nil || string(b) != string(no) {
			t.Errorf("answer: %v", err)
		}
	})
}

func TestByeBeforeTheAnswer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p, _, o := pledged(t)
		p.send(&wire.Bye{Session: session, Reason: wire.EndHostClosed})
		if _, err := o.Answer(t.Context()); !errors.Is(err, ErrEnded) || o.Reason() != wire.EndHostClosed {
			t.Errorf("%v, reason %d", err, o.Reason())
		}
	})
}

func TestConnectionLostBeforeTheAnswer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p, _, o := pledged(t)
		p.drop()
		if _, err := o.Answer(t.Context()); !errors.Is(err, ErrLost) || o.Reason() != wire.EndNetworkLost {
			t.Errorf("%v, reason %d", err, o.Reason())
		}
	})
}

func TestAnswerThatIsNone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p, _, o := pledged(t)
		p.send(&wire.Answered{Session: session, Answer: []byte("rubbish")})
		if _, err := o.Answer(t.Context()); !errors.Is(err, ErrServer) {
			t.Errorf("got %v", err)
		}
	})
}

func TestSameRequestTwice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, _, tech, _ := pledged(t)
		if _, err := tech.Ask(t.Context(), "123456", requestOf(t, session)); !errors.Is(err, ErrEnded) {
			t.Errorf("got %v", err)
		}
	})
}
