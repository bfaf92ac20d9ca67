// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/wire"
)

// reporting is a host that waits for the server's word on its report.
func reporting(t *testing.T, ctx context.Context) (*server, *peer, *Host, <-chan error) {
	t.Helper()
	s := startServer(t)
	h := startHost(t, s)
	p := s.next()
	p.host()
	synctest.Wait()
	said := make(chan error, 1)
	go func() { said <- h.Report(ctx, session, []byte("proof")) }()
	if m := expect[*wire.Report](p); m.Session != session || string(m.Proof) != "proof" {
		t.Errorf("reported %x", m.Session)
	}
	synctest.Wait()
	return s, p, h, said
}

func TestReportEndsWithTheServersWord(t *testing.T) {
	for name, c := range map[string]struct {
		word wire.FromServer
		want func(error) bool
	}{
		"reported": {&wire.Reported{Session: session}, func(err error) bool { return err == nil }},
		"refused": {&wire.Refused{Session: session, Why: wire.RefusedUnknown}, func(err error) bool {
			var no *RefusedError
			return errors.As(err, &no) && no.Why == wire.RefusedUnknown
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				_, p, h, said := reporting(t, t.Context())
				// The goodbye that a host missed while it was away is no word on a report.
				p.send(&wire.Bye{Session: session, Reason: wire.EndNetworkLost})
				p.send(&wire.Reported{Session: wire.SessionID{9}})
				synctest.Wait()
				select {
				case err := <-said:
					t.Fatalf("too early: %v", err)
				default:
				}
				p.send(c.word)
				if err := <-said; !c.want(err) {
					t.Errorf("Report: %v", err)
				}
				synctest.Wait() // the word is out before the line is forgotten
				if h.find(session) != nil {
					t.Error("the report is still known")
				}
			})
		})
	}
}

func TestOneReportOfASessionAtATime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p, h, said := reporting(t, t.Context())
		if err := h.Report(t.Context(), session, []byte("proof")); !errors.Is(err, ErrGoing) {
			t.Errorf("second Report: %v", err)
		}
		p.send(&wire.Reported{Session: session})
		if err := <-said; err != nil {
			t.Errorf("first Report: %v", err)
		}
	})
}

func TestReportWithoutAServer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := startServer(t)
		h := startHost(t, s)
		if err := h.Report(t.Context(), session, []byte("proof")); !errors.Is(err, ErrOffline) {
			t.Errorf("Report: %v", err)
		}
		s.next() // the host is connecting all the while
	})
}

func TestReportEndsWhenTheServerIsLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p, _, said := reporting(t, t.Context())
		p.drop()
		if err := <-said; !errors.Is(err, ErrLost) {
			t.Errorf("Report: %v", err)
		}
	})
}

func TestReportEndsWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		_, _, h, said := reporting(t, ctx)
		cancel()
		if err := <-said; !errors.Is(err, context.Canceled) {
			t.Errorf("Report: %v", err)
		}
		if h.find(session) != nil {
			t.Error("the report is still known")
		}
	})
}

// rungHost is a host with a call, which the server does not hear of any more: what it
// reads are reports.
func rungHost(t *testing.T) (*server, *peer, *Host, *Call) {
	t.Helper()
	s := startServer(t)
	h := startHost(t, s)
	p := s.next()
	p.host()
	p.send(&wire.Ring{Session: session})
	return s, p, h, <-h.Calls()
}

// tells wants what becomes of the newest report.
func tells(t *testing.T, h *Host, confirmed, refused bool) {
	t.Helper()
	synctest.Wait()
	got, any := h.Told()
	if !any || got.Session != session || got.Made.IsZero() || got.Confirmed.IsZero() == confirmed || got.Refused != refused {
		t.Errorf("told %+v, %v; want confirmed %v, refused %v", got, any, confirmed, refused)
	}
}

// again wants that the server hears of the report within a while.
func again(t *testing.T, p *peer, within time.Duration) {
	t.Helper()
	limit := time.AfterFunc(within, p.drop)
	defer limit.Stop()
	if m := expect[*wire.Report](p); m.Session != session || string(m.Proof) != "proof" {
		t.Errorf("reported %+v", m)
	}
}

// silent wants that nothing is said of it any more: the server hears of another first.
func silent(t *testing.T, h *Host, p *peer) {
	t.Helper()
	other := wire.SessionID{9}
	h.report(&wire.Report{Session: other})
	if m := expect[*wire.Report](p); m.Session != other {
		t.Errorf("said again: %x", m.Session)
	}
}

// What the person reported is told until the server says that it has it, also when it was
// away in the meantime, and then no more.
func TestAReportIsKeptUntilTheServerHasIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, p, h, c := rungHost(t)
		if _, any := h.Told(); any {
			t.Error("a report that nobody made")
		}
		p.drop()
		synctest.Wait()
		c.Report([]byte("proof")) // there is no connection
		tells(t, h, false, false)
		p = s.next()
		p.host()
		again(t, p, time.Second)
		p.drop() // before the server had written it down
		p = s.next()
		p.host()
		again(t, p, time.Second)
		p.send(&wire.Reported{Session: wire.SessionID{9}})
		tells(t, h, false, false)
		p.send(&wire.Reported{Session: session})
		tells(t, h, true, false)
		p.drop()
		p = s.next()
		p.host()
		silent(t, h, p)
	})
}

// A server whose disk is full is told again, one that never takes it is not.
func TestARefusedReportIsSaidAgainWhereThatHelps(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, p, h, c := rungHost(t)
		c.Report([]byte("proof"))
		again(t, p, time.Second)
		p.send(&wire.Refused{Session: session, Why: wire.RefusedJournal})
		tells(t, h, false, false)
		again(t, p, time.Minute) // with the next sign of life
		p.send(&wire.Refused{Session: session, Why: wire.RefusedUnknown})
		tells(t, h, false, true)
		p.send(&wire.Reported{Session: session}) // too late to be believed
		tells(t, h, false, true)
		p.drop()
		p = s.next()
		p.host()
		silent(t, h, p)
	})
}

func TestKeptReportsAreBounded(t *testing.T) {
	c := newClient(Config{Log: quiet()})
	for i := range maxReports + 3 {
		c.report(&wire.Report{Session: wire.SessionID{byte(i)}})
	}
	if len(c.reports) != maxReports || c.reports[0].told.Session != (wire.SessionID{3}) || c.drops[dropNote].Load() != 3 {
		t.Errorf("%d kept, from %x; %d dropped", len(c.reports), c.reports[0].told.Session, c.drops[dropNote].Load())
	}
}
