// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"assist/internal/consent"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/wire"
)

// The address that a server claims is held against the charter, whatever its form.
func TestAddressThatAServerClaims(t *testing.T) {
	for _, address := range []string{"", "198.51.100.1", "192.0.2.7:5", "::ffff:192.0.2.7%eth0", "2002:c000:207::1", "192.0.2.07", "localhost"} {
		play(t, func(t *testing.T, w *world) {
			w.server.address = address
			if s := w.over(w.ask(viewPoint)); s.Verdict != wire.VerdictInvalid || len(w.asked()) != 0 {
				t.Errorf("%q: %+v, %d dialogs", address, s, len(w.asked()))
			}
			if why := w.host.State().RefusedWhy; !errors.Is(why, trust.ErrSource) {
				t.Errorf("%q: refused because %v", address, why)
			}
		})
	}
}

// A request that was heard once is not heard again, however it comes back.
func TestReplayedRequest(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		if env := w.repeats(t, func() {}); !saysVerdict(t, env, wire.VerdictInvalid) {
			t.Errorf("answered %x", env)
		}
		if n := len(w.asked()); n != 1 {
			t.Errorf("%d dialogs", n)
		}
		pass(time.Second)
		if h := w.host.State(); h.RefusedToday != 1 || h.Phase != session.HostIdle {
			t.Errorf("host %+v", h)
		}
	})
}

// What the host's app has heard it remembers when it is started again; what it has
// not, it hears at once.
func TestReplayAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nonces")
	play(t, func(t *testing.T, w *world) {
		w.restart(path)
		tech := w.meet(consent.RightView)
		request := w.server.last().ring.Request
		tech.End()
		w.over(tech)
		w.restart(path)
		line, err := w.server.Ask(t.Context(), canaryCode, request)
		if err != nil {
			t.Fatal(err)
		}
		env, err := line.Answer(t.Context())
		if err != nil || !saysVerdict(t, env, wire.VerdictInvalid) || len(w.asked()) != 1 {
			t.Errorf("answered %x, %v, %d dialogs", env, err, len(w.asked()))
		}
		pass(time.Second)
		tech = w.meet(consent.RightView)
		tech.End()
		w.over(tech)
	})
}

// Nonces that forget with the process would let a request raise its dialog twice.
func TestHostWithoutLastingNoncesIsNone(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		for name, n := range map[string]*trust.Nonces{"none": nil, "no file": {}} {
			c := w.hostConfig()
			c.Nonces = n
			if _, err := session.NewHost(c); err != session.ErrConfig {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// restart closes the host's app and starts it with the nonces in a file.
func (w *world) restart(path string) {
	w.t.Helper()
	w.shut()
	var err error
	if w.nonces, err = trust.OpenNonces(path); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

// The server may not hang one request on the session of another.
func TestRequestOfAnotherSession(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.server.rename = true
		if s := w.over(w.ask(consent.RightView)); s.Verdict != 0 || s.End != wire.EndProtocol {
			t.Errorf("ended as %+v", s)
		}
		if len(w.asked()) != 0 || w.host.State().RefusedToday != 1 {
			t.Error("the person was bothered")
		}
	})
}

func saysVerdict(t *testing.T, env []byte, v wire.Verdict) bool {
	t.Helper()
	e, err := wire.UnmarshalEnvelope(env)
	if err != nil {
		t.Fatal(err)
	}
	body, err := wire.UnmarshalSigned(e.Body)
	a, ok := body.(*wire.Answer)
	return err == nil && ok && a.Verdict == v
}

// A certificate of another unit, an old one, another machine's number: the host
// shows nobody anything.
func TestRequestsThatAreNotBelieved(t *testing.T) {
	for name, change := range map[string]func(w *world, c *session.TechnicianConfig, wish *session.Wish){
		"old certificate": func(w *world, c *session.TechnicianConfig, _ *session.Wish) {
			pass(48 * time.Hour)
			w.own.learn(w.charter(), nil) // both apps know a new one
			w.unit.learn(w.charter(), nil)
		},
		"no reason":       func(_ *world, _ *session.TechnicianConfig, wish *session.Wish) { wish.Reason = " " },
		"no right":        func(_ *world, _ *session.TechnicianConfig, wish *session.Wish) { wish.Rights = 0 },
		"another machine": func(_ *world, _ *session.TechnicianConfig, wish *session.Wish) { wish.Machine = "572400000000" },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, w *world) {
				config, wish := w.technicianConfig(), w.wish(viewPoint)
				change(w, &config, &wish)
				tech, err := session.NewTechnician(config, wish)
				if err != nil {
					t.Fatal(err)
				}
				tech.Start(t.Context())
				s := w.over(tech)
				lied := errors.Is(s.Err, trust.ErrWrongMachine) && s.End == wire.EndProtocol
				if s.Verdict != wire.VerdictInvalid && (name != "another machine" || !lied) {
					t.Errorf("ended as %+v", s)
				}
				if len(w.asked()) != 0 {
					t.Error("the person was bothered")
				}
			})
		})
	}
}
