// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

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
	go func() { said <- h.Report(ctx, session) }()
	if m := expect[*wire.Report](p); m.Session != session {
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
		if err := h.Report(t.Context(), session); !errors.Is(err, ErrGoing) {
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
		if err := h.Report(t.Context(), session); !errors.Is(err, ErrOffline) {
			t.Errorf("Report: %v", err)
		}
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
