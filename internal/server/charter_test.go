// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

// closedKey is a server that was started without the passphrase.
func closedKey(s *Server) { s.unitKey = nil }

// notice waits for word of a charter.
func (c *client) notice() uint64 {
	c.t.Helper()
	m, err := c.readAny()
	must(c.t, err)
	n, ok := m.(*wire.CharterNotice)
	if !ok {
		c.t.Fatalf("want a notice, got %T", m)
	}
	return n.Epoch
}

func TestInitSignsTheFirstCharter(t *testing.T) {
	r := unserved(t)
	f := r.inForce()
	if f.epoch() != 1 || len(f.charter.Technicians) != 0 || f.charter.Policy != trust.DefaultPolicy() {
		t.Fatalf("charter is %+v", f.charter)
	}
	if _, err := trust.VerifyCharter(f.text, r.fix.unit.Public(), r.now(), 1); err != nil {
		t.Error(err)
	}
	for address, may := range map[string]bool{"127.0.0.1": true, "::1": true, "10.1.2.3": true, "172.31.0.1": true, "192.168.9.9": true,
		"169.254.1.1": true, "fd00::1": true, "fe80::1": true, "8.8.8.8": false, "2001:db8::1": false, "100.64.0.1": false} {
		if f.charter.AllowsSource(addr(t, address)) != may {
			t.Errorf("%s: %v", address, !may)
		}
	}
	at := f.charter.Servers[0]
	if code := r.JoinCode(); at.Address != code.Server || at.Pin != code.Pin || at.Next != [32]byte{} {
		t.Errorf("server is %+v", at)
	}
	if e := entries[*journal.CharterPublished](r); len(e) != 1 || e[0].Epoch != 1 || e[0].Expires != f.charter.Expires {
		t.Errorf("journal: %+v", e)
	}
}

func TestInitTakesSources(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	o := Options{Name: "INCI", Address: "Assist.example:0443", Passphrase: testPassphrase, Sources: []string{"192.0.2.0/24", "2001:db8::7"}}
	_, err := Init(dir, o)
	must(t, err)
	s, err := Open(dir, Options{})
	must(t, err)
	defer s.Close()
	if got := strings.Join(sourcesOf(s.inForce().charter), " "); got != "192.0.2.0/24 2001:db8::7/128" {
		t.Errorf("sources are %s", got)
	}
	if at := s.inForce().charter.Servers[0].Address; at != "assist.example:443" {
		t.Errorf("address is %s", at)
	}
	o.Sources = []string{"10.0.0.1/8"}
	if _, err := Init(filepath.Join(t.TempDir(), "other"), o); !errors.Is(err, ErrSetting) {
		t.Errorf("a prefix with loose bits: %v", err)
	}
}

// The first thing after being let in, and again at each publication by whatever
// process, within a second.
func TestClientsAreToldOfEachCharter(t *testing.T) {
	r := served(t, closedKey)
	p := r.enrolled("claire")
	waitFor(t, func() bool { return r.inForce().epoch() == 2 })
	host := r.dial()
	host.hello(r.fix.hosts[0])
	expect[*wire.HostReady](host)
	technician := r.dial()
	technician.login(p, testPassword)
	expect[*wire.TechnicianReady](technician)
	for _, c := range []*client{host, technician} {
		if got := c.notice(); got != 2 {
			t.Errorf("told of epoch %d", got)
		}
	}
	other, err := Open(r.dir, Options{})
	must(t, err)
	start := time.Now()
	_, err = other.SignCharter(t.Context(), testPassphrase, SignOptions{})
	signed := time.Now()
	must(t, errors.Join(err, other.Close()))
	for _, c := range []*client{host, technician} {
		if got := c.notice(); got != 3 {
			t.Errorf("told of epoch %d", got)
		}
	}
	t.Logf("signed in %v, told %v later", signed.Sub(start), time.Since(signed))
	if limit := standardLimits().charter; limit > 500*time.Millisecond {
		t.Errorf("the server looks every %v only", limit)
	}
}

func TestCharterAndRotationsAreServed(t *testing.T) {
	r := served(t)
	status, body := r.get(pathCharter)
	if status != http.StatusOK || body != string(r.inForce().text) {
		t.Errorf("status %d, %q", status, body)
	}
	if status, body = r.get(pathRotations); status != http.StatusOK || body != "" {
		t.Errorf("status %d, %q", status, body)
	}
	if status, _ = r.get(pathCharter + "/1"); status != http.StatusNotFound {
		t.Errorf("status %d", status)
	}
	r.fetching.burst = 3
	r.fetching.buckets = nil
	for range 3 {
		r.get(pathCharter)
	}
	if status, _ = r.get(pathCharter); status != http.StatusTooManyRequests {
		t.Errorf("without an end: %d", status)
	}
}

func TestWithoutACharterNothingIsServedAndNobodyLetIn(t *testing.T) {
	r := unserved(t)
	r.unitKey = nil
	p := r.unsigned(Technician{Login: "claire", Name: "Claire Dubois", Role: "IT support"})
	must(t, r.store.write(t.Context(), func(tx *transaction) error {
		_, err := tx.exec(`delete from charter`)
		return err
	}))
	must(t, r.loadCharter(t.Context()))
	r.run()
	if status, _ := r.get(pathCharter); status != http.StatusNotFound {
		t.Errorf("status %d", status)
	}
	c := r.dial()
	c.login(p, testPassword)
	c.refused(wire.RefusedUnsigned)
	if f := find(Check(t.Context(), r.dir), "charter"); len(f) == 0 || f[0].Grade != Bad {
		t.Errorf("check says %+v", f)
	}
}

func TestOldAndForeignChartersAreRefused(t *testing.T) {
	r := unserved(t)
	ctx := t.Context()
	first := r.inForce().text
	d, err := r.NextCharter(ctx)
	must(t, err)
	sign := func(key *trust.UnitKey, o SignOptions) []byte {
		d := *d
		d.UnitKey = encode(key.Public())
		text, err := d.Sign(key, o)
		must(t, err)
		return text
	}
	now := SignOptions{Now: r.now()}
	second := sign(r.fix.unit, now)
	stranger, err := trust.NewUnitKey()
	must(t, err)
	epoch, err := r.PublishCharter(ctx, second)
	if err != nil || epoch != 2 {
		t.Fatalf("epoch %d, %v", epoch, err)
	}
	if epoch, err := r.PublishCharter(ctx, second); err != nil || epoch != 2 {
		t.Errorf("the same again: epoch %d, %v", epoch, err)
	}
	for name, tc := range map[string]struct {
		text []byte
		want error
	}{
		"older":         {first, trust.ErrRollback},
		"another":       {sign(r.fix.unit, SignOptions{Now: r.now(), Days: 7}), trust.ErrForked},
		"a stranger's":  {sign(stranger, SignOptions{Now: r.now(), After: 5}), trust.ErrSignature},
		"run out":       {sign(r.fix.unit, SignOptions{Now: r.now().Add(-91 * 24 * time.Hour), After: 5}), trust.ErrExpired},
		"not begun yet": {sign(r.fix.unit, SignOptions{Now: r.now().Add(time.Hour), After: 5}), trust.ErrNotYetValid},
		"spoiled":       {append([]byte{'x'}, second...), trust.ErrSignature},
		"nothing":       {nil, trust.ErrMalformed},
	} {
		if _, err := r.PublishCharter(ctx, tc.text); !errors.Is(err, tc.want) || !errors.Is(err, ErrCharter) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r.inForce().epoch() != 2 || string(r.inForce().text) != string(second) {
		t.Error("the charter in force is another")
	}
	if text, err := r.CharterText(ctx, 1); err != nil || string(text) != string(first) {
		t.Errorf("the first is not kept: %v", err)
	}
	if e := entries[*journal.CharterPublished](r); len(e) != 2 {
		t.Errorf("journal: %+v", e)
	}
}

// A database that somebody wrote into lets nobody in.
func TestACharterThatIsNotSignedIsNone(t *testing.T) {
	r := unserved(t)
	must(t, r.store.write(t.Context(), func(tx *transaction) error {
		_, err := tx.exec(`insert into charter select 9, cast(replace(text, 'rights view', 'rights  view') as blob), 0 from charter`)
		return err
	}))
	other, err := Open(r.dir, Options{})
	must(t, err)
	defer other.Close()
	if f := other.inForce(); f.charter != nil || f.err == nil {
		t.Errorf("believed: %+v", f.charter)
	}
	if f := find(Check(t.Context(), r.dir), "charter"); len(f) != 1 || f[0].Grade != Bad || !strings.Contains(f[0].Text, "not to be believed") {
		t.Errorf("check says %+v", f)
	}
}

func TestExpiryIsSpokenOfTwoWeeksAhead(t *testing.T) {
	log := &lockedBuffer{}
	r := unserved(t)
	r.unitKey, r.log = nil, textLog(log)
	said := func(what string) int { return strings.Count(log.String(), what) }
	r.remind()
	if log.String() != "" {
		t.Errorf("too early: %s", log)
	}
	r.advance(76*24*time.Hour + time.Minute)
	r.remind()
	r.remind()
	if said("ends soon") != 1 {
		t.Errorf("the log says %q", log)
	}
	st, err := r.Standing(t.Context())
	if err != nil || !st.ExpiresSoon || st.Expired {
		t.Errorf("%+v, %v", st, err)
	}
	r.advance(24 * time.Hour)
	r.remind()
	if said("ends soon") != 2 {
		t.Errorf("not said each day: %q", log)
	}
	r.advance(13 * 24 * time.Hour)
	r.remind()
	if said("ran out") != 1 {
		t.Errorf("the log says %q", log)
	}
	r.advance(24 * time.Hour)
	r.unitKey = r.fix.unit
	r.remind()
	if said("who breaks into it can sign") != 1 {
		t.Errorf("nothing of the open key: %q", log)
	}
}

// Where the unit key is open, whatever changes is published, whoever changed it.
func TestAnOpenUnitKeyPublishesByItself(t *testing.T) {
	r := served(t)
	p := r.enrolled("claire")
	r.technician(p)
	rights := "view"
	other, err := Open(r.dir, Options{})
	must(t, err)
	defer other.Close()
	must(t, other.ChangePolicy(t.Context(), PolicyChange{Rights: &rights}))
	waitFor(t, func() bool { return r.inForce().charter.Policy.Rights == 1 })
	must(t, other.DisableTechnician(t.Context(), "claire"))
	waitFor(t, func() bool {
		listed, _ := r.inForce().charter.Listed(p.device.Public())
		return listed != nil && listed.State == trust.StateRevoked
	})
	epoch := r.inForce().epoch()
	if waits, err := r.Pending(t.Context()); waits || err != nil {
		t.Errorf("still waits: %v, %v", waits, err)
	}
	must(t, r.refresh(t.Context()))
	if r.inForce().epoch() != epoch {
		t.Error("published without a change")
	}
}

func TestRotationsAreServedBehindTheirLength(t *testing.T) {
	r := unserved(t)
	must(t, r.stop())
	must(t, r.rotate())
	r.unitKey = nil
	r.run()
	_, body := r.get(pathRotations)
	if len(body) < 4 || int(binary.BigEndian.Uint32([]byte(body))) != len(body)-4 {
		t.Fatalf("%q", body)
	}
	key, epoch, err := trust.FollowRotations([][]byte{[]byte(body[4:])}, r.fix.unit.Public(), r.now(), 1)
	if err != nil || epoch != 2 {
		t.Fatalf("epoch %d, %v", epoch, err)
	}
	_, text := r.get(pathCharter)
	if c, err := trust.VerifyCharter([]byte(text), key, r.now(), epoch); err != nil || c.Epoch != 3 {
		t.Error(err)
	}
	if string(r.JoinCode().Unit) != string(key) {
		t.Error("the join code names the old key")
	}
}

func TestAfterARotationEverybodyIsCertifiedAnew(t *testing.T) {
	r := served(t)
	p := r.enrolled("claire")
	r.host(0)
	listen := r.cfg.Server.Listen
	r.cfg.Server.Listen = r.Addr().String() // a port that is known beforehand, as in a unit
	if err := r.rotate(); !errors.Is(err, ErrRunning) {
		t.Errorf("beside a running server: %v", err)
	}
	r.cfg.Server.Listen = listen
	must(t, r.stop())
	must(t, r.rotate())
	if _, err := os.Stat(r.path(fileUnitNext)); !errors.Is(err, os.ErrNotExist) {
		t.Error("the new key has still its other name")
	}
	r.unitKey = nil
	r.run()
	next := r
	c, cert := next.technician(p)
	if _, err := trust.VerifyCertificate(cert, next.unit, next.now()); err != nil {
		t.Error(err)
	}
	// Numbers change with the key, and the old ones are nobody's.
	host := next.host(0)
	number, err := r.fix.hosts[0].MachineID(next.unit)
	must(t, err)
	_, env := next.request(p, cert, r.fix.numbers[0])
	c.send(&wire.Ask{TOTP: next.code(p, 0), Request: env})
	c.refused(wire.RefusedUnknown)
	id, env := next.request(p, cert, number)
	c.send(&wire.Ask{TOTP: next.code(p, 1), Request: env})
	if ring := expect[*wire.Ring](host); ring.Session != id {
		t.Errorf("ring is %+v", ring)
	}
	if _, err := next.SignCharter(t.Context(), testPassphrase, SignOptions{}); err != nil {
		t.Errorf("the new key: %v", err)
	}
}

// A machine stays in its zone when its number changes with the unit key.
func TestARotationKeepsMachinesInTheirZones(t *testing.T) {
	r := unserved(t)
	p := r.enrolled("claire")
	zoned := []trust.MachineZone{{Machine: r.fix.numbers[0], Zone: "B1"}, {Machine: r.fix.numbers[0], Zone: "B2"}, {Machine: r.fix.numbers[1], Zone: "B1"}}
	must(t, r.ChangePolicy(t.Context(), PolicyChange{AddZones: zoned}))
	r.sign()
	must(t, r.rotate())
	for i, zones := range []int{2, 1, 0} {
		id, err := r.fix.hosts[i].MachineID(r.unit)
		must(t, err)
		_, err = r.inForce().charter.Admit(p.device.Public(), id, r.now())
		if (err != nil) != (zones > 0) {
			t.Errorf("machine %d: %v", i, err)
		}
		n := 0
		for _, z := range r.inForce().charter.Zones {
			if z.Machine == id {
				n++
			}
		}
		if n != zones {
			t.Errorf("machine %d is in %d zones", i, n)
		}
	}
	if waits, err := r.Pending(t.Context()); err != nil || waits {
		t.Errorf("the wishes are not those of the charter: %v, %v", waits, err)
	}
}

// A machine in a zone that cannot be followed stands in the way of a new key.
func TestNoRotationWhileAZonedMachineIsUnknown(t *testing.T) {
	const stranger = "482917305566"
	r := unserved(t)
	must(t, r.ChangePolicy(t.Context(), PolicyChange{AddZones: []trust.MachineZone{{Machine: r.fix.numbers[0], Zone: "B1"}, {Machine: stranger, Zone: "B1"}}}))
	unit := r.unit
	err := r.rotate()
	if !errors.Is(err, ErrUnitKey) || !strings.Contains(err.Error(), stranger) || strings.Contains(err.Error(), r.fix.numbers[0]) {
		t.Errorf("error is %v", err)
	}
	if _, err := os.Stat(r.path(fileUnitNext)); !errors.Is(err, os.ErrNotExist) || string(r.unit) != string(unit) {
		t.Errorf("something changed: %v", err)
	}
	// A draft that was signed elsewhere does not leave out what was wished since.
	must(t, r.ChangePolicy(t.Context(), PolicyChange{RemoveZones: []trust.MachineZone{{Machine: stranger, Zone: "B1"}}}))
	d, err := r.NextCharter(t.Context())
	must(t, err)
	to, err := trust.NewUnitKey()
	must(t, err)
	lying := *d
	lying.Zones = slices.Clone(d.Zones)
	lying.Zones[0].Machine = r.fix.numbers[1]
	if _, _, err := lying.Rotate(r.fix.unit, to, SignOptions{Now: r.now()}); !errors.Is(err, ErrUnitKey) {
		t.Errorf("a key that makes another number: %v", err)
	}
	rotation, charter, err := d.Rotate(r.fix.unit, to, SignOptions{Now: r.now()})
	must(t, err)
	must(t, r.ChangePolicy(t.Context(), PolicyChange{AddZones: []trust.MachineZone{{Machine: r.fix.numbers[1], Zone: "B1"}}}))
	if err := r.PublishRotation(t.Context(), rotation, charter); !errors.Is(err, ErrStale) || string(r.unit) != string(unit) {
		t.Errorf("error is %v", err)
	}
}

// What stands in the way is logged when it comes and when it changes, not at each look.
func TestAnObstacleIsLoggedOnce(t *testing.T) {
	r := unserved(t)
	log := &lockedBuffer{}
	r.log = textLog(log)
	good, err := os.ReadFile(r.path(fileTLSKey))
	must(t, err)
	for _, text := range []string{"x", string(good), "x"} {
		must(t, os.WriteFile(r.path(fileTLSKey), []byte(text), 0o600))
		for range 3 {
			r.keepUp(t.Context())
		}
	}
	if n := strings.Count(log.String(), "cannot be kept up to date"); n != 2 {
		t.Errorf("said %d times:\n%s", n, log)
	}
	if n := strings.Count(log.String(), "up to date again"); n != 1 {
		t.Errorf("%d times better:\n%s", n, log)
	}
}

// The old key's word for a restored journal goes with the key, and not in silence.
func TestCheckTellsOfARestartByAnOldKey(t *testing.T) {
	r := unserved(t)
	must(t, r.RestartJournal(t.Context(), testPassphrase, Who{By: "root", Reason: "a restore"}))
	told := func() bool {
		return strings.Contains(fmt.Sprint(find(Check(t.Context(), r.dir), "journal")), "of no use any more")
	}
	if told() {
		t.Error("a good one is said to be of no use")
	}
	must(t, r.rotate())
	if !told() {
		t.Error("nothing is said after a change of the unit key")
	}
	must(t, r.RestartJournal(t.Context(), testPassphrase, Who{By: "root", Reason: "the key was changed"}))
	if told() {
		t.Error("the new one is said to be of no use")
	}
}
