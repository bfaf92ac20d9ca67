// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/consent"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/wire"
)

var errBarred = errors.New("link: address not allowed")

// charters is what one app knows of its unit.
type charters struct {
	mu      sync.Mutex
	now     *trust.Charter
	why     error // there is none
	changed chan struct{}
}

func newCharters(c *trust.Charter) *charters { return &charters{now: c, changed: make(chan struct{})} }

func (c *charters) Now() (*trust.Charter, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now, c.why
}

func (c *charters) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// learn is the app that hears of a new charter, or of an error.
func (c *charters) learn(now *trust.Charter, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.why = now, why
	close(c.changed)
	c.changed = make(chan struct{})
}

// charter is one of the unit's, signed and verified, that lets the technician do
// everything on this machine.
func (w *world) charter(change ...func(*trust.Charter)) *trust.Charter {
	w.t.Helper()
	now := time.Now()
	c := trust.Charter{
		Unit: "INCI", Epoch: 1, Issued: now.Unix(), Expires: now.Add(365 * 24 * time.Hour).Unix(), Policy: trust.DefaultPolicy(),
		Servers:     []trust.Server{{Address: "assist.example:443", Pin: [32]byte{1}}},
		Sources:     []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Technicians: []trust.Technician{{State: trust.StateActive, Envelope: w.certificate()}},
	}
	for _, do := range change {
		do(&c)
	}
	b, err := w.who.unit.SignCharter(c)
	if err != nil {
		w.t.Fatal(err)
	}
	verified, err := trust.VerifyCharter(b, w.who.unit.Public(), now, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return verified
}

// bars are charters under which this technician may not help here.
func bars(w *world) map[string]struct {
	change func(*trust.Charter)
	want   error
} {
	return map[string]struct {
		change func(*trust.Charter)
		want   error
	}{
		"revoked":    {func(c *trust.Charter) { c.Technicians[0].State = trust.StateRevoked }, trust.ErrRevoked},
		"not listed": {func(c *trust.Charter) { c.Technicians = nil }, trust.ErrUnlisted},
		"not opened": {func(c *trust.Charter) {
			c.Technicians[0].State, c.Technicians[0].Until = trust.StateExternal, c.Issued-1
		}, trust.ErrNotOpened},
		"lacks a zone": {func(c *trust.Charter) {
			c.Zones = []trust.MachineZone{{Machine: w.who.machine, Zone: "ZRR-1"}}
		}, trust.ErrWrongZones},
		"another address": {func(c *trust.Charter) {
			c.Sources = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		}, trust.ErrSource},
		"no address":     {func(c *trust.Charter) { c.Sources = nil }, trust.ErrSource},
		"all help ended": {func(c *trust.Charter) { c.Policy.Rights = 0 }, trust.ErrHalted},
	}
}

// The charter is asked before the person is: no dialog, no picture, and the person is
// told why somebody was turned down.
func TestCharterBarsBeforeAnyDialog(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		for name, b := range bars(w) {
			w.unit.learn(w.charter(b.change), nil)
			checkBarred(t, w, name, b.want)
		}
		w.unit.learn(nil, trust.ErrNoCharter)
		checkBarred(t, w, "no charter", trust.ErrNoCharter)
		w.unit.learn(nil, errors.Join(trust.ErrCharter, trust.ErrExpired))
		checkBarred(t, w, "charter ran out", trust.ErrExpired)
		w.unit.learn(w.charter(), nil)
		tech := w.meet(viewPoint) // none of them was heard, none fills a memory
		tech.End()
		w.over(tech)
	})
}

func checkBarred(t *testing.T, w *world, name string, want error) {
	t.Helper()
	before := w.host.State().RefusedToday
	s := w.over(w.ask(viewPoint))
	h := w.host.State()
	if s.Verdict != wire.VerdictInvalid || len(w.asked()) != 0 || w.machine.captures != 0 {
		t.Errorf("%s: %+v, %d dialogs", name, s, len(w.asked()))
	}
	if h.RefusedToday != before+1 || !errors.Is(h.RefusedWhy, want) {
		t.Errorf("%s: %d refused, because %v", name, h.RefusedToday, h.RefusedWhy)
	}
}

// What a new charter no longer allows ends at once, also while the person is asked.
func TestCharterEndsALiveSession(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		for name, b := range bars(w) {
			w.unit.learn(w.charter(), nil)
			tech := w.meet(consent.AllRights)
			began := time.Now()
			w.unit.learn(w.charter(b.change), nil)
			synctest.Wait()
			if h := w.host.State().Rights; h != 0 {
				t.Fatalf("%s: still %v", name, h)
			}
			s := w.over(tech)
			if took := time.Since(began); s.End != wire.EndRevoked || took > 5*time.Second {
				t.Errorf("%s: ended by %v after %v", name, s.End, took)
			}
			if why := w.host.State().Last.Why; why != wire.EndRevoked {
				t.Errorf("%s: the host says %v", name, why)
			}
		}
	})
}

func TestCharterTakesTheQuestionAway(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.now(silent)
		tech := w.ask(viewPoint)
		until(t, w.host.Changed(), func() bool { return w.host.State().Phase == session.HostAsking })
		began := time.Now()
		w.unit.learn(w.charter(func(c *trust.Charter) { c.Technicians = nil }), nil)
		if s := w.over(tech); s.End != wire.EndRevoked || time.Since(began) > time.Second {
			t.Errorf("ended by %v after %v", s.End, time.Since(began))
		}
	})
}

// A charter that comes while the person says yes counts before the first picture.
func TestCharterChangesDuringTheAnswer(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.now(func(_ context.Context, q consent.Question) (consent.Rights, error) {
			w.unit.learn(w.charter(func(c *trust.Charter) { c.Policy.Rights = 3 }), nil)
			time.Sleep(time.Second) // everybody has seen it, and there is no lease yet
			return q.Wanted, nil
		})
		tech := w.meet(consent.AllRights)
		if h := w.host.State().Rights; h != viewPoint {
			t.Errorf("lives with %v", h)
		}
		tech.End()
		w.over(tech)
	})
}

// A session that goes on keeps what the charter still allows, and the person may not
// be asked for the rest.
func TestCharterNarrowsALiveSession(t *testing.T) {
	for _, c := range []struct {
		name   string
		left   consent.Rights
		change func(*world, *trust.Charter)
	}{
		{"policy", viewPoint, func(_ *world, c *trust.Charter) { c.Policy.Rights = 3 }},
		{"a zone", consent.RightView, func(w *world, c *trust.Charter) {
			c.Zones = []trust.MachineZone{{Machine: w.who.machine, Zone: "ZRR-1"}}
			c.Technicians[0].Envelope = w.certificate("ZRR-1")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			play(t, func(t *testing.T, w *world) {
				tech := w.meet(consent.AllRights)
				w.unit.learn(w.charter(func(to *trust.Charter) { c.change(w, to) }), nil)
				synctest.Wait()
				if h, s := w.host.State(), tech.State(); h.Rights != c.left || s.Rights != c.left {
					t.Errorf("host %v, technician %v", h.Rights, s.Rights)
				}
				if err := tech.Want(consent.RightControl); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if s := tech.State(); s.Rights != c.left || s.Denials != 1 || len(w.asked()) != 1 {
					t.Errorf("%+v, %d dialogs", s.Rights, len(w.asked()))
				}
				tech.End()
				w.over(tech)
				if last := w.record().Done; !did(last, session.ActLimited, consent.AllRights&^c.left) {
					t.Errorf("the record says %+v", last)
				}
			})
		})
	}
}

func did(all []session.Deed, act session.Act, r consent.Rights) bool {
	for _, d := range all {
		if d.Act == act && d.Rights == r {
			return true
		}
	}
	return false
}

// In a zone a machine is seen, and no more, whatever is wanted.
func TestZoneIsSeenAlone(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.unit.learn(w.charter(func(c *trust.Charter) {
			c.Zones = []trust.MachineZone{{Machine: w.who.machine, Zone: "ZRR-1"}}
			c.Technicians[0].Envelope = w.certificate("ZRR-1")
		}), nil)
		tech := w.meet(consent.AllRights)
		if q := w.asked()[0]; q.Wanted != consent.RightView || w.host.State().Rights != consent.RightView {
			t.Errorf("asked for %v, got %v", q.Wanted, w.host.State().Rights)
		}
		tech.Want(consent.RightControl) // nobody is asked, so nobody refused
		until(t, tech.Changed(), func() bool { return tech.State().Denials == 1 })
		tech.Want(consent.RightControl)
		until(t, tech.Changed(), func() bool { return tech.State().Denials == 2 })
		tech.End()
		w.over(tech)
		done, barred := w.record().Done, 0
		for _, d := range done {
			if d.Act == session.ActBarred {
				barred++
			}
			if d.Act == session.ActRefused || d.Act == session.ActAsked {
				t.Errorf("the record says %+v", d)
			}
		}
		if n := len(w.asked()); n != 1 || barred != 1 {
			t.Errorf("%d questions, told %d times", n, barred)
		}
	})
}

// So is one that its administrator put into a zone, though no charter names it there; and
// who lacks the zone reaches nobody.
func TestZoneOfTheAdministratorIsHeldTo(t *testing.T) {
	for name, c := range map[string]struct {
		zones []string
		asked int
	}{"has the zone": {[]string{"ZRR-1"}, 1}, "lacks it": {[]string{"ZRR-2"}, 0}} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, w *world) {
				w.shut()
				w.zone = "ZRR-1"
				w.unit.learn(w.charter(func(to *trust.Charter) { to.Technicians[0].Envelope = w.certificate(c.zones...) }), nil)
				w.open()
				tech := w.ask(consent.AllRights)
				until(t, tech.Changed(), func() bool { return tech.State().Phase >= session.TechnicianLive })
				synctest.Wait()
				q := w.asked()
				if len(q) != c.asked || c.asked > 0 && (q[0].Wanted != consent.RightView || w.host.State().Rights != consent.RightView) {
					t.Errorf("asked %+v, got %v", q, w.host.State().Rights)
				}
				if c.asked == 0 && !errors.Is(w.host.State().RefusedWhy, trust.ErrWrongZones) {
					t.Errorf("turned down for %v", w.host.State().RefusedWhy)
				}
				tech.End()
				w.over(tech)
			})
		})
	}
}

// The person reads the card of the charter, whatever certificate the request brings.
func TestCardIsTheCharters(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		old := w.charter()
		env, err := w.who.unit.IssueCertificate(wire.Certificate{
			Name: "Nouveau Nom", Role: "Assistance", Unit: "INCI", DeviceKey: w.who.device.Public(),
			NotBefore: time.Now().Unix(), NotAfter: time.Now().Add(time.Hour).Unix(),
		})
		if err != nil {
			t.Fatal(err)
		}
		config := w.technicianConfig()
		config.Certificate = env
		tech, err := session.NewTechnician(config, w.wish(viewPoint))
		if err != nil {
			t.Fatal(err)
		}
		w.unit.learn(old, nil)
		tech.Start(t.Context())
		until(t, tech.Changed(), func() bool { return tech.State().Phase >= session.TechnicianLive })
		if q := w.asked()[0]; q.Who.Name != "Prénom Nom" || q.Who.Role != "Assistance" || q.Who.Unit != "INCI" ||
			!q.Who.Until.Equal(time.Now().Add(24*time.Hour).Truncate(time.Second)) {
			t.Errorf("the dialog says %+v", q.Who)
		}
		tech.End()
		w.over(tech)
	})
}

// An external technician's card runs out with the hours that the unit gave them.
func TestCardOfAnExternalTechnicianRunsOutWithTheirHours(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		ends := time.Now().Add(time.Hour).Truncate(time.Second)
		w.unit.learn(w.charter(func(c *trust.Charter) {
			c.Technicians[0].State, c.Technicians[0].Until = trust.StateExternal, ends.Unix()
		}), nil)
		tech := w.meet(viewPoint)
		if q := w.asked()[0]; !q.Who.Until.Equal(ends) {
			t.Errorf("the dialog says until %v, not %v", q.Who.Until, ends)
		}
		tech.End()
		w.over(tech)
		certified := time.Now().Add(24 * time.Hour).Truncate(time.Second) // about: what the receipt has to prove
		if kept := w.record().Who.Until; kept.Before(certified.Add(-time.Minute)) || kept.After(certified) {
			t.Errorf("the record says until %v, the certificate until %v", kept, certified)
		}
	})
}

// A unit may want the person asked more often than every 30 minutes, never less.
func TestLeaseMinutesOfTheCharter(t *testing.T) {
	for minutes, want := range map[int]time.Duration{5: 5 * time.Minute, 120: consent.LeaseLife} {
		play(t, func(t *testing.T, w *world) {
			w.unit.learn(w.charter(func(c *trust.Charter) { c.Policy.LeaseMinutes = minutes }), nil)
			tech := w.meet(consent.RightView)
			w.now(silent)
			began := time.Now()
			if s := w.over(tech); s.End != wire.EndExpired || time.Since(began).Round(time.Second) != want {
				t.Errorf("%d minutes: %v after %v", minutes, s.End, time.Since(began))
			}
		})
	}
}

// A certificate that runs out in the middle ends the session without a new charter.
func TestClockEndsWhatTheCharterAllowed(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.unit.learn(w.charter(func(c *trust.Charter) {
			c.Technicians[0].State, c.Technicians[0].Until = trust.StateExternal, time.Now().Add(5*time.Minute).Unix()
		}), nil)
		tech := w.meet(consent.RightView)
		pass(4 * time.Minute)
		if w.host.State().Phase != session.HostLive {
			t.Error("ended too early")
		}
		pass(time.Minute + 20*time.Second)
		if w.host.State().Phase != session.HostIdle {
			t.Fatal("goes on")
		}
		if s := w.over(tech); s.End != wire.EndRevoked {
			t.Errorf("ended by %v", s.End)
		}
	})
}

// A link that would use an address outside the list is no link.
func TestBarredLinkEnds(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.RightView)
		w.link().host.close(errBarred)
		if w.over(tech); w.host.State().Last.Why != wire.EndRevoked {
			t.Errorf("the host says %v", w.host.State().Last.Why)
		}
	})
}

// The technician's app begins nothing that the charter does not allow: no code is
// spent, nobody is called.
func TestTechnicianBeginsNothingThatIsBarred(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		none := errors.New("none")
		for name, c := range map[string]struct {
			change func(*trust.Charter)
			why    error
			want   error
		}{
			"revoked":       {func(c *trust.Charter) { c.Technicians[0].State = trust.StateRevoked }, nil, trust.ErrRevoked},
			"not listed":    {func(c *trust.Charter) { c.Technicians = nil }, nil, trust.ErrUnlisted},
			"no charter":    {nil, none, none},
			"beyond policy": {func(c *trust.Charter) { c.Policy.Rights = 3 }, nil, session.ErrBeyond},
			"beyond a zone": {func(c *trust.Charter) {
				c.Zones = []trust.MachineZone{{Machine: w.who.machine, Zone: "ZRR-1"}}
				c.Technicians[0].Envelope = w.certificate("ZRR-1")
			}, nil, session.ErrBeyond},
			"lacks a zone": {func(c *trust.Charter) {
				c.Zones = []trust.MachineZone{{Machine: w.who.machine, Zone: "ZRR-1"}}
			}, nil, trust.ErrWrongZones},
		} {
			var now *trust.Charter
			if c.change != nil {
				now = w.charter(c.change)
			}
			w.own.learn(now, c.why)
			if _, err := session.NewTechnician(w.technicianConfig(), w.wish(consent.AllRights)); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.own.learn(w.charter(), nil)
		pass(25 * time.Hour)
		if _, err := session.NewTechnician(w.technicianConfig(), w.wish(viewPoint)); !errors.Is(err, trust.ErrExpired) {
			t.Errorf("own certificate ran out: %v", err)
		}
	})
}
