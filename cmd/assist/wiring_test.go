// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"assist/internal/config"
	"assist/internal/consent"
	"assist/internal/consent/consenttest"
	"assist/internal/refusal"
	"assist/internal/session"
	"assist/internal/trust"
)

// What the parts can promise is worth what the app hands them. Nothing here may be nil:
// without it they would refuse to start, so this says which one was left out.
func TestTheAppHandsOverWhatIsPromised(t *testing.T) {
	dir := t.TempDir()
	p := newProgram(config.Dirs{Machine: dir, User: dir, Data: dir}, config.File{Policy: config.Policy{Zone: "ZRR-1"}}, slog.New(slog.DiscardHandler))
	p.helped.gate = consent.NewGate(consenttest.Person(nil), p.desktop, consent.AllRights)
	if err := os.WriteFile(filepath.Join(dir, "number.json"), []byte(`{"number":"482917305566"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	charters := remembered(t, func(*trust.Charter) {})
	code := trust.JoinCode{Server: "127.0.0.1:1", Pin: [32]byte{1}, Unit: charters.Unit()}
	if err := p.unit.member(code); err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if _, err := p.helper.post(); err != nil {
		t.Errorf("the technician's side: %v", err)
	}
	for p.helped.State().Machine == "" { // it takes a moment by design
		select {
		case <-p.helped.Changed():
		case <-time.After(time.Minute):
			t.Fatal("this machine cannot be helped")
		}
	}
	if since := p.helped.State().NumberSince; since.IsZero() {
		t.Error("the screens do not know that the number is another")
	}
	if at := p.server(code, charters, refusal.Helped); at.Refused == nil || at.Witness == nil || at.Charters != charters || at.Pin != code.Pin {
		t.Errorf("the server is known as %+v", at)
	}
	key := must(trust.NewHostKey())(t)
	at := &membership{charters: charters, unit: charters.Unit(), key: key, server: p.helped.at.server}
	c := p.helped.hostConfig(at, key, "482917305566")
	if c.Charters != session.Charters(charters) || c.Report == nil || c.Refused == nil || c.Zone != "ZRR-1" {
		t.Error("no charters, no receipts, or no zone")
	}
	checkNoncesAreKept(t, c.Nonces, filepath.Join(dir, "nonces"))
	checkAddressesAreHeldTo(t, c)
}

// checkNoncesAreKept wants a request that was heard to be known to the next app.
func checkNoncesAreKept(t *testing.T, n *trust.Nonces, path string) {
	t.Helper()
	if n.Seen([32]byte{1}) {
		t.Error("a first request is refused")
	}
	if !must(trust.OpenNonces(path))(t).Seen([32]byte{1}) {
		t.Error("after a restart the request would be heard again")
	}
}

// checkAddressesAreHeldTo wants the connection to be asked about each address.
func checkAddressesAreHeldTo(t *testing.T, c session.HostConfig) {
	t.Helper()
	d := must(c.Identity())(t).(hostDialer)
	allow := d.config([32]byte{1}, nil).Allow
	if allow == nil {
		t.Fatal("the connection takes every address")
	}
	if !allow(netip.MustParseAddr("192.0.2.7")) || allow(netip.MustParseAddr("198.51.100.7")) {
		t.Error("the addresses are not the charter's")
	}
}
