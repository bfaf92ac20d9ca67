// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"assist/internal/attestation"
	"assist/internal/config"
	"assist/internal/trust"
)

// attested is a folder of an app that belongs to a unit.
type attested struct {
	dir    string
	unit   *trust.UnitKey
	memory *trust.Memory
	host   *trust.HostKey
	now    time.Time // of the charter
}

// must ends the test when something that cannot fail does.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newAttested(t *testing.T) *attested {
	t.Helper()
	unit := must(trust.NewUnitKey())(t)
	a := &attested{dir: t.TempDir(), unit: unit, now: time.Now()}
	code := trust.JoinCode{Server: "assist.example:443", Pin: [32]byte{1}, Unit: unit.Public()}
	if err := os.WriteFile(filepath.Join(a.dir, "assist.toml"), fmt.Appendf(nil, "[unit]\njoin = %q\n", code.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	a.memory = must(trust.NewMemory(a.dir, unit.Public()))(t)
	a.host = must(ownHostKey(a.dir))(t)
	return a
}

// ownHostKey is the key in a data directory of this very computer.
func ownHostKey(dir string) (*trust.HostKey, error) {
	k, _, err := trust.LoadOrCreateHostKey(filepath.Join(dir, "host.key"), trust.Computer{System: "machine"})
	return k, err
}

// charter makes the app remember one.
func (a *attested) charter(t *testing.T, by *trust.UnitKey, change func(*trust.Charter)) {
	t.Helper()
	c := trust.Charter{
		Unit: "INCI", Epoch: 3, Issued: a.now.Unix(), Expires: a.now.Add(time.Hour).Unix(), Policy: trust.DefaultPolicy(),
		Servers: []trust.Server{{Address: "assist.example:443", Pin: [32]byte{1}}},
		Sources: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	}
	change(&c)
	must(a.memory.Learn(must(by.SignCharter(c))(t), a.now))(t)
}

func (a *attested) number(t *testing.T, unit *trust.UnitKey) string {
	t.Helper()
	return must(a.host.MachineID(unit.Public()))(t)
}

// files is whether the files are said to be whole.
func files(f attestation.Facts) bool {
	return slices.ContainsFunc(attestation.Judge(f).Promises, func(p attestation.Promise) bool { return p.Name == attestation.PromiseFiles && p.Kept })
}

func TestAttestTellsWhatIsInForce(t *testing.T) {
	in := func(a *attested, machine string) func(*trust.Charter) {
		return func(c *trust.Charter) { c.Zones = []trust.MachineZone{{Machine: machine, Zone: "ZRR-1"}} }
	}
	for name, c := range map[string]struct {
		change func(*attested) func(*trust.Charter)
		rights string
		holds  bool
	}{
		"all":       {func(*attested) func(*trust.Charter) { return func(*trust.Charter) {} }, "[view point control]", true},
		"in a zone": {func(a *attested) func(*trust.Charter) { return in(a, a.number(t, a.unit)) }, "[view]", true},
		"another's": {func(a *attested) func(*trust.Charter) { return in(a, "482917305566") }, "[view point control]", true},
		"it ran out": {func(a *attested) func(*trust.Charter) {
			a.now = a.now.Add(-2 * time.Hour)
			return func(*trust.Charter) {}
		}, "[]", false},
		"all stopped": {func(*attested) func(*trust.Charter) { return func(c *trust.Charter) { c.Policy.Rights = 0 } }, "[]", true},
	} {
		a := newAttested(t)
		a.charter(t, a.unit, c.change(a))
		f := gather(a.dir)
		if got := fmt.Sprint(f.Policy.Rights); got != c.rights || f.Policy.InForce != c.holds || f.Policy.CharterEpoch != 3 || !files(f) {
			t.Errorf("%s: %s, %+v, %q", name, got, f.Policy, f.Faults)
		}
	}
	if f := gather(newAttested(t).dir); len(f.Policy.Rights) != 0 || f.Policy.CharterEpoch != 0 || !files(f) {
		t.Errorf("no charter yet: %+v, %q", f.Policy, f.Faults)
	}
}

// On this file rest the pin of the unit and the zone.
func TestAttestFindsAFileThatOthersMayWrite(t *testing.T) {
	a := newAttested(t)
	a.charter(t, a.unit, func(*trust.Charter) {})
	path := filepath.Join(a.dir, "assist.toml")
	for _, c := range []struct {
		mode os.FileMode
		kept bool
	}{{0o600, true}, {0o606, false}, {0o644, true}} {
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		if f := gather(a.dir); files(f) != c.kept || c.kept != !strings.Contains(strings.Join(f.Faults, " "), path) {
			t.Errorf("rights %o: %q", c.mode, f.Faults)
		}
	}
}

// The administrator's file may not be this very person's, theirs may.
func TestAttestFindsAnAdministratorsFileThatIsNot(t *testing.T) {
	dirs := config.Dirs{Machine: t.TempDir(), User: t.TempDir()}
	for _, dir := range []string{dirs.Machine, dirs.User} {
		path := filepath.Join(dir, "assist.toml")
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() != 0 {
			continue
		}
		if err := os.Chown(path, 1234, 1234); err != nil {
			t.Fatal(err)
		}
	}
	if got := writers(dirs); got[0] == nil || got[1] != nil {
		t.Errorf("got %v", got)
	}
}

// The zone that the administrator set is told, and what it leaves, also before this account
// has a number.
func TestAttestTellsTheZoneOfTheFile(t *testing.T) {
	a := newAttested(t)
	a.charter(t, a.unit, func(*trust.Charter) {})
	dirs := must(directories(a.dir))(t)
	file := must(config.Load(dirs))(t)
	file.Policy.Zone = "ZRR-1"
	for _, keys := range []*attestation.Keys{nil, must(keysOf(dirs, file))(t)} {
		p := policyOf(dirs, file)
		if got := fmt.Sprint(p.Rights); got != "[view]" || p.Zone != "ZRR-1" {
			t.Errorf("without a charter: %+v", p)
		}
		p.Rights = []string{"view", "point", "control"}
		if err := byCharter(&p, dirs, file, keys); err != nil || fmt.Sprint(p.Rights) != "[view]" {
			t.Errorf("by the charter: %+v, %v", p, err)
		}
	}
}

// The number is the one by which a technician finds this computer, also after the unit
// changed its key.
func TestAttestTellsTheKeyInForce(t *testing.T) {
	a := newAttested(t)
	a.charter(t, a.unit, func(*trust.Charter) {})
	next := must(trust.NewUnitKey())(t)
	rotation := must(a.unit.SignRotation(trust.Rotation{Epoch: 4, Issued: a.now.Unix(), To: next.Public()}))(t)
	must(a.memory.Follow([][]byte{rotation}, a.now))(t)
	a.charter(t, next, func(c *trust.Charter) {
		c.Epoch, c.Zones = 5, []trust.MachineZone{{Machine: a.number(t, next), Zone: "ZRR-1"}}
	})
	f := gather(a.dir)
	if f.Keys.Unit != fingerprint(next.Public()) || f.Keys.Pinned != fingerprint(a.unit.Public()) ||
		f.Keys.Machine != trust.FormatMachineID(a.number(t, next)) {
		t.Errorf("%+v", f.Keys)
	}
	if got := fmt.Sprint(f.Policy.Rights); got != "[view]" {
		t.Errorf("its zone gives %s", got)
	}
}

// The server's key is the one that a connection made now would want, with who says so: a
// charter replaces that of the join code once it was learned under it.
func TestAttestTellsTheTLSKeyInForce(t *testing.T) {
	a := newAttested(t)
	at, hexed := "assist.example:443", func(b byte) string { return hex.EncodeToString(append([]byte{b}, make([]byte, 31)...)) }
	code := attestation.Seen{Server: at, TLS: hexed(1)}
	told := func(when string, want ...attestation.Seen) {
		k := gather(a.dir).Keys
		if !slices.Equal(k.Servers, want) || k.Server != at || k.TLS != want[0].TLS || k.Joined != hexed(1) {
			t.Errorf("%s: %+v", when, k)
		}
	}
	told("no charter yet", code)
	a.charter(t, a.unit, func(c *trust.Charter) { c.Servers = []trust.Server{{Address: at, Pin: [32]byte{2}, Next: [32]byte{3}}} })
	now, next := attestation.Seen{Server: at, TLS: hexed(2), Epoch: 3}, attestation.Seen{Server: at, TLS: hexed(3), Epoch: 3, Next: true}
	told("a code handed out since", now, next, code)
	if err := a.memory.Settle([32]byte{1}); err != nil {
		t.Fatal(err)
	}
	told("replaced", now, next)
}

// What cannot be relied on is never called whole.
func TestAttestFindsWhatIsDamaged(t *testing.T) {
	a := newAttested(t)
	a.charter(t, a.unit, func(*trust.Charter) {})
	memory := must(filepath.Glob(filepath.Join(a.dir, "unit-*.memory")))(t)[0]
	nonces := filepath.Join(a.dir, "nonces")
	if must(trust.OpenNonces(nonces))(t).Seen([32]byte{1}) {
		t.Fatal("seen before")
	}
	if f := gather(a.dir); !files(f) {
		t.Fatalf("all is well: %q", f.Faults)
	}
	for _, path := range []string{memory, strings.TrimSuffix(memory, "memory") + "witness", nonces, filepath.Join(a.dir, "host.key")} {
		whole, _ := os.ReadFile(path)
		if err := os.WriteFile(path, append([]byte("x"), whole...), 0o600); err != nil {
			t.Fatal(err)
		}
		if f := gather(a.dir); files(f) {
			t.Errorf("%s is damaged", path)
		}
		err := os.Remove(path)
		if whole != nil {
			err = errors.Join(os.WriteFile(path, whole, 0o600), os.Chmod(path, 0o644))
			if f := gather(a.dir); files(f) {
				t.Errorf("%s is open to others", path)
			}
			err = errors.Join(err, os.Chmod(path, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
		if f := gather(a.dir); !files(f) {
			t.Fatalf("all is well again: %q", f.Faults)
		}
	}
}
