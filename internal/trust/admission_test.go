// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"errors"
	"testing"
	"time"

	"assist/internal/wire"
)

// verified is a charter as a host has it.
func (f fixture) verified(t testing.TB, change ...func(*Charter)) *Charter {
	t.Helper()
	return must(VerifyCharter(f.signed(t, change...), f.unit.Public(), f.now, 0))(t)
}

// bothZones gives the technician the zones of the machine.
func (f fixture) bothZones(t testing.TB) func(*Charter) {
	return func(c *Charter) {
		c.Technicians[0].Envelope = f.certificate(t, func(w *wire.Certificate) { w.Zones = []string{"ZRR-1", "salle blanche"} })
	}
}

func TestAdmission(t *testing.T) {
	f := setUp(t)
	day := 24 * time.Hour
	noZones := func(c *Charter) { c.Zones = nil }
	for name, c := range map[string]struct {
		change func(*Charter)
		at     time.Duration
		rights uint16 // 0: refused
		want   error
	}{
		"outside zones":            {noZones, 0, 7, nil},
		"in its zones":             {f.bothZones(t), 0, 1, nil},
		"lacks a zone":             {func(*Charter) {}, 0, 0, ErrWrongZones},
		"another machine's zones":  {func(c *Charter) { c.Zones = []MachineZone{{otherMachine, "ZRR-9"}} }, 0, 7, nil},
		"policy takes control":     {func(c *Charter) { noZones(c); c.Policy.Rights = 3 }, 0, 3, nil},
		"policy stops all":         {func(c *Charter) { noZones(c); c.Policy.Rights = 0 }, 0, 0, ErrHalted},
		"policy without view":      {func(c *Charter) { noZones(c); c.Policy.Rights = 6 }, 0, 0, ErrHalted},
		"revoked":                  {func(c *Charter) { noZones(c); c.Technicians[0].State = StateRevoked }, 0, 0, ErrRevoked},
		"not listed":               {func(c *Charter) { noZones(c); c.Technicians = c.Technicians[1:] }, 0, 0, ErrUnlisted},
		"the charter ran out":      {noZones, 90 * day, 0, ErrExpired},
		"the charter is not begun": {noZones, -day, 0, ErrNotYetValid},
		"the certificate ran out": {func(c *Charter) {
			noZones(c)
			c.Technicians[0].Envelope = f.certificate(t, func(w *wire.Certificate) { w.NotAfter = f.now.Add(day).Unix() })
		}, 2 * day, 0, ErrExpired},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := f.verified(t, c.change).Admit(f.device.Public(), f.machine, f.now.Add(c.at))
			if !errors.Is(err, c.want) || (err == nil) != (c.rights != 0) {
				t.Fatalf("%+v, %v", a, err)
			}
			if err == nil && (a.Rights != c.rights || a.Card.Name != "Anne Petit" || a.Lease != 30*time.Minute) {
				t.Errorf("%+v", a)
			}
		})
	}
}

// A computer that its administrator put into a zone is in it under whichever number: that of
// another account, a new profile, or after its key was deleted. A zone of the charter counts too.
func TestPlacedMachineIsInItsZone(t *testing.T) {
	f := setUp(t)
	knows := func(zones ...string) func(*Charter) {
		return func(c *Charter) {
			c.Technicians[0].Envelope = f.certificate(t, func(w *wire.Certificate) { w.Zones = zones })
		}
	}
	none := func(c *Charter) { c.Zones = nil }
	for name, c := range map[string]struct {
		change []func(*Charter)
		zone   string
		rights uint16 // 0: refused
	}{
		"placed nowhere":               {[]func(*Charter){knows(), none}, "", 7},
		"lacks it":                     {[]func(*Charter){knows("ZRR-2"), none}, "ZRR-1", 0},
		"has it":                       {[]func(*Charter){knows("ZRR-1"), none}, "ZRR-1", 1},
		"lacks the charter's":          {[]func(*Charter){knows("ZRR-9")}, "ZRR-9", 0},
		"lacks the one of two":         {[]func(*Charter){f.bothZones(t)}, "ZRR-9", 0},
		"has all":                      {[]func(*Charter){knows("ZRR-1", "salle blanche", "ZRR-9")}, "ZRR-9", 1},
		"placed where it is":           {[]func(*Charter){f.bothZones(t)}, "ZRR-1", 1},
		"under a number nobody listed": {[]func(*Charter){knows(), func(c *Charter) { c.Zones = []MachineZone{{otherMachine, "ZRR-1"}} }}, "ZRR-1", 0},
	} {
		charter := f.verified(t, c.change...)
		before := len(charter.Zones)
		placed := charter.Placing(f.machine, c.zone)
		a, err := placed.Admit(f.device.Public(), f.machine, f.now)
		switch {
		case c.rights == 0 && !errors.Is(err, ErrWrongZones):
			t.Errorf("%s: %+v, %v", name, a, err)
		case c.rights != 0 && (err != nil || a.Rights != c.rights || placed.Ceiling(f.machine) != c.rights):
			t.Errorf("%s: %+v, %v", name, a, err)
		case len(charter.Zones) != before:
			t.Errorf("%s: the charter itself has changed", name)
		}
	}
}

// otherMachine is a number that nobody has.
const otherMachine = "572400000000"

func TestSourcesAsText(t *testing.T) {
	c := setUp(t).verified(t)
	for address, want := range map[string]error{
		"10.1.2.3": nil, "2001:db8::7": nil, "::ffff:10.1.0.1": nil,
		"10.2.0.1": ErrSource, "": ErrSource, "10.1.2.3:5": ErrSource, "fe80::1%eth0": ErrSource,
	} {
		if err := c.CheckSource(address); !errors.Is(err, want) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// A request that the charter has something against leaves no nonce behind, and one
// that is not proved is never held against the charter.
func TestCharterComesBeforeTheNonce(t *testing.T) {
	f := setUp(t)
	check, asked, heard := f.check(), 0, 0
	check.Admit = func(*wire.Request, *wire.Certificate) error { asked++; return ErrRevoked }
	check.SeenNonce = func([32]byte) bool { heard++; return false }
	if _, err := VerifyRequest(f.request(t), check); !errors.Is(err, ErrRevoked) || asked != 1 || heard != 0 {
		t.Errorf("%v, asked %d, heard %d", err, asked, heard)
	}
	other := f.request(t, func(r *wire.Request) { r.Machine = otherMachine })
	if _, err := VerifyRequest(other, check); !errors.Is(err, ErrWrongMachine) || asked != 1 {
		t.Errorf("%v, asked %d", err, asked)
	}
}

// A charter that ran out still says where the server is.
func TestNewestOutlivesItsDates(t *testing.T) {
	f := setUp(t)
	m := must(NewMemory(t.TempDir(), f.unit.Public()))(t)
	if _, err := m.Newest(); !errors.Is(err, ErrNoCharter) {
		t.Errorf("before any: %v", err)
	}
	must(m.Learn(f.signed(t), f.now))(t)
	late := f.now.Add(400 * 24 * time.Hour)
	if _, err := m.Charter(late); !errors.Is(err, ErrExpired) {
		t.Errorf("it is in force: %v", err)
	}
	c, err := m.Newest()
	if err != nil || len(c.Servers) != 2 || !errors.Is(c.InForce(late), ErrExpired) || c.InForce(f.now) != nil {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestEndsSoon(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for left, want := range map[time.Duration]bool{15 * 24 * time.Hour: false, 14 * 24 * time.Hour: true, 0: true, -time.Hour: true} {
		if EndsSoon(now.Add(left).Unix(), now) != want {
			t.Errorf("%v before the end", left)
		}
	}
}
