// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assist/internal/trust"
)

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func addr(t *testing.T, s string) netip.Addr {
	t.Helper()
	a, err := netip.ParseAddr(s)
	must(t, err)
	return a
}

func textLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// The key is elsewhere: the draft leaves as a file, is read and signed there, and
// comes back as a charter.
func TestADraftTravelsToTheUnitKeyAndBack(t *testing.T) {
	r := unserved(t)
	ctx, away := t.Context(), t.TempDir()
	key := filepath.Join(away, "unit.key")
	must(t, os.Rename(r.path(fileUnitKey), key))
	r.unitKey = nil
	p := r.unsigned(Technician{Login: "claire", Name: "Claire Dubois", Role: "IT support", Zones: []string{"B1"}})
	must(t, r.ChangePolicy(ctx, PolicyChange{AddSources: []string{"192.0.2.7"}, AddZones: []trust.MachineZone{{Machine: r.fix.numbers[0], Zone: "B1"}}}))
	draft := filepath.Join(away, "draft.toml")
	must(t, r.WriteDraft(ctx, draft, 0))
	if err := r.WriteDraft(ctx, draft, 0); err == nil {
		t.Error("a draft was overwritten")
	}
	d, err := ReadDraft(draft)
	must(t, err)
	signer, err := OpenSigner(key, testPassphrase)
	must(t, err)
	signed, err := signer.Sign(d, SignOptions{Days: 30})
	must(t, err)
	said := strings.Join(signed.Changes, "\n")
	for _, want := range []string{"+ technician Claire Dubois, IT support, zones B1: active", "+ technicians may help from 192.0.2.7/32",
		"+ machine " + trust.FormatMachineID(r.fix.numbers[0]) + " is in zone B1"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
	out := filepath.Join(away, "charter.txt")
	must(t, signer.Keep(signed, out))
	text, err := os.ReadFile(out)
	must(t, err)
	if epoch, err := r.PublishCharter(ctx, text); err != nil || epoch != 2 {
		t.Fatalf("epoch %d, %v", epoch, err)
	}
	if _, err := r.inForce().charter.Technician(p.device.Public(), r.now()); err != nil {
		t.Error(err)
	}
	if waits, err := r.Pending(ctx); waits || err != nil {
		t.Errorf("still waits: %v, %v", waits, err)
	}

	// The key remembers what it signed: only differences are shown, and a draft
	// from before is refused.
	must(t, r.DisableTechnician(ctx, "claire"))
	d2, err := r.NextCharter(ctx)
	must(t, err)
	signer, err = OpenSigner(key, testPassphrase)
	must(t, err)
	signed, err = signer.Sign(d2, SignOptions{})
	must(t, err)
	if len(signed.Changes) != 2 || !strings.HasPrefix(signed.Changes[0], "- technician Claire") || !strings.Contains(signed.Changes[1], ": revoked;") {
		t.Errorf("changes are %q", signed.Changes)
	}
	must(t, signer.Keep(signed, filepath.Join(away, "second.txt")))
	signer, err = OpenSigner(key, testPassphrase)
	must(t, err)
	if _, err := signer.Sign(d, SignOptions{}); !errors.Is(err, ErrStale) {
		t.Errorf("an old draft: %v", err)
	}
}

// A restored server is charters behind, and the newest one that the key signed ran out, so that it
// cannot be published: its draft goes above what the apps have seen when it is told what that is,
// and never below what the server itself knows.
func TestARestoredServerDrawsUpAboveWhatWasSeen(t *testing.T) {
	r := unserved(t)
	ctx, dir := t.Context(), t.TempDir()
	in := func(f string) string { return filepath.Join(dir, f) }
	d, err := r.NextCharter(ctx)
	must(t, err)
	lost, err := d.Sign(r.fix.unit, SignOptions{Now: r.now().Add(-100 * 24 * time.Hour), After: 6})
	must(t, err)
	seen, err := trust.OpenCharter(lost, r.unit)
	must(t, err)
	if _, err := r.PublishCharter(ctx, lost); !errors.Is(err, trust.ErrExpired) {
		t.Errorf("what ran out: %v", err)
	}
	signer := &Signer{key: r.fix.unit, last: in("unit.key.charter"), from: seen}
	sign := func(name string, above uint64) (*Signed, error) {
		must(t, r.WriteDraft(ctx, in(name), above))
		d, err := ReadDraft(in(name))
		must(t, err)
		return signer.Sign(d, SignOptions{})
	}
	if _, err := sign("behind", 0); !errors.Is(err, ErrStale) || !strings.Contains(err.Error(), "charter draft --above 7") {
		t.Errorf("a draft from behind: %v", err)
	}
	signed, err := sign("above", seen.Epoch)
	must(t, err)
	if _, err := trust.VerifyCharter(signed.Text, r.unit, r.now(), seen.Epoch); err != nil || signed.Charter.Epoch != 8 {
		t.Errorf("an app that saw epoch 7 is given epoch %d: %v", signed.Charter.Epoch, err)
	}
	if epoch, err := r.PublishCharter(ctx, signed.Text); err != nil || epoch != 8 {
		t.Errorf("epoch %d, %v", epoch, err)
	}
	low, err := d.Sign(r.fix.unit, SignOptions{Now: r.now(), After: 5})
	must(t, err)
	if _, err := trust.VerifyCharter(low, r.unit, r.now(), seen.Epoch); !errors.Is(err, trust.ErrRollback) {
		t.Errorf("an app goes back to epoch 6: %v", err)
	}
	if signed, err := sign("never lower", 1); err != nil || signed.Charter.Epoch != 9 {
		t.Errorf("%+v, %v", signed, err)
	}
	for _, above := range []uint64{trust.MaxEpoch, math.MaxUint64} {
		if err := r.WriteDraft(ctx, in("beyond"), above); !errors.Is(err, ErrCharter) {
			t.Errorf("above %d: %v", above, err)
		}
	}
}

// Between draft and publication an account may be closed: what lets it in again
// must not be published.
func TestACharterFromBeforeARevocationIsRefused(t *testing.T) {
	for name, certified := range map[string]bool{"certified before": true, "certified in it": false} {
		t.Run(name, func(t *testing.T) {
			r := unserved(t)
			ctx := t.Context()
			r.unsigned(Technician{Login: "claire", Name: "Claire Dubois", Role: "IT support"})
			if certified {
				r.sign()
			}
			d, err := r.NextCharter(ctx)
			must(t, err)
			text, err := d.Sign(r.fix.unit, SignOptions{Now: r.now(), After: 5})
			must(t, err)
			must(t, r.DisableTechnician(ctx, "claire"))
			if _, err := r.PublishCharter(ctx, text); !errors.Is(err, ErrStale) || !strings.Contains(err.Error(), "claire") {
				t.Errorf("error is %v", err)
			}
			r.sign()
		})
	}
}

func TestBadDraftsAreRefused(t *testing.T) {
	r := unserved(t)
	good, err := r.NextCharter(t.Context())
	must(t, err)
	for name, spoil := range map[string]func(*Draft){
		"another key": func(d *Draft) { d.UnitKey = encode(r.fix.hosts[0].Public()) },
		"rights":      func(d *Draft) { d.Policy.Rights = "everything" },
		"idle":        func(d *Draft) { d.Policy.IdleMinutes = 0 },
		"no server":   func(d *Draft) { d.Servers = nil },
		"pin":         func(d *Draft) { d.Servers[0].Pin = "00" },
		"source":      func(d *Draft) { d.Sources = []string{"10.0.0.1/8"} },
		"zone":        func(d *Draft) { d.Zones = []DraftZone{{Machine: "1", Zone: "B"}} },
		"device": func(d *Draft) {
			d.Technicians = []DraftTechnician{{Login: "a", Name: "A", Role: "B", State: "active", DeviceKey: "!"}}
		},
		"state": func(d *Draft) {
			d.Technicians = []DraftTechnician{{Login: "a", Name: "A", Role: "B", State: "king", DeviceKey: encode(r.fix.hosts[0].Public())}}
		},
		"no name": func(d *Draft) {
			d.Technicians = []DraftTechnician{{Login: "a", State: "active", DeviceKey: encode(r.fix.hosts[0].Public())}}
		},
		"certificate":  func(d *Draft) { d.Technicians = []DraftTechnician{{Login: "a", State: "active", Certificate: "AAAA"}} },
		"epoch":        func(d *Draft) { d.Epoch = trust.MaxEpoch + 1 },
		"certificates": func(d *Draft) { d.Policy.CertificateDays = 91 },
	} {
		d := *good
		d.Servers = append([]DraftServer{}, good.Servers...)
		spoil(&d)
		if _, err := d.Sign(r.fix.unit, SignOptions{Now: r.now()}); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	if _, err := good.Sign(r.fix.unit, SignOptions{Now: r.now(), Days: 367}); err == nil {
		t.Error("signed for longer than a year")
	}
	for name, text := range map[string]string{"unknown key": "colour = 'red'", "not TOML": "=", "too long": strings.Repeat("#", maxDraft+1)} {
		path := filepath.Join(t.TempDir(), "draft")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		if _, err := ReadDraft(path); !errors.Is(err, ErrCharter) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPolicyIsChecked(t *testing.T) {
	r := unserved(t)
	nine, ninety, words := 9, 91, "control view"
	for name, c := range map[string]PolicyChange{
		"idle":          {IdleMinutes: new(int)},
		"days":          {CertificateDays: &ninety},
		"order":         {Rights: &words},
		"relay":         {Relay: &words},
		"source":        {AddSources: []string{"10.0.0.0/33"}},
		"dead source":   {AddSources: []string{"2002::/16"}},
		"no such":       {RemoveSources: []string{"192.0.2.0/24"}},
		"machine":       {AddZones: []trust.MachineZone{{Machine: "1", Zone: "B"}}},
		"zone":          {AddZones: []trust.MachineZone{{Machine: r.fix.numbers[0], Zone: ""}}},
		"no such zone":  {RemoveZones: []trust.MachineZone{{Machine: r.fix.numbers[0], Zone: "B"}}},
		"half of it ok": {LeaseMinutes: &nine, AddSources: []string{"192.0.2.0/24"}, RemoveSources: []string{"198.51.100.0/24"}},
	} {
		if err := r.ChangePolicy(t.Context(), c); !errors.Is(err, ErrSetting) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if waits, err := r.Pending(t.Context()); waits || err != nil {
		t.Errorf("something was written down: %v, %v", waits, err)
	}
	zone := []trust.MachineZone{{Machine: r.fix.numbers[0], Zone: "B"}}
	must(t, r.ChangePolicy(t.Context(), PolicyChange{LeaseMinutes: &nine, AddZones: zone, RemoveSources: []string{"10.0.0.0/8"}}))
	r.sign()
	c := r.inForce().charter
	if c.Policy.LeaseMinutes != 9 || len(c.Zones) != 1 || c.AllowsSource(addr(t, "10.0.0.1")) {
		t.Errorf("charter is %+v", c)
	}
	must(t, r.ChangePolicy(t.Context(), PolicyChange{RemoveZones: zone}))
	r.sign()
	if len(r.inForce().charter.Zones) != 0 {
		t.Error("the zone is still there")
	}
}
