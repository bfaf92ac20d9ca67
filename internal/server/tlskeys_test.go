// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"os"
	"testing"

	"assist/internal/journal"
	"assist/internal/trust"
)

// shown is the pin of the key that a running server shows.
func (r *rig) shown() [32]byte {
	r.t.Helper()
	c, err := tls.Dial("tcp", r.Addr().String(), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
	must(r.t, err)
	defer c.Close()
	return sha256.Sum256(c.ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo)
}

// A client that has seen the charter which announces the next key knows the
// server again; nobody need restart it.
func TestTLSKeyIsAnnouncedThenSwitched(t *testing.T) {
	r := served(t)
	ctx := t.Context()
	old := r.JoinCode().Pin
	other, err := Open(r.dir, Options{}) // as "tls next" does it
	must(t, err)
	defer other.Close()
	must(t, other.AnnounceTLS(ctx))
	if err := other.AnnounceTLS(ctx); !errors.Is(err, ErrTLS) {
		t.Errorf("announced twice: %v", err)
	}
	_, next := other.pins()
	waitFor(t, func() bool { return r.inForce().charter.Servers[0].Next == next })
	if r.shown() != old || r.JoinCode().Pin != old {
		t.Error("the next key is in use already")
	}
	must(t, other.loadCharter(ctx))
	must(t, other.SwitchTLS(ctx))
	waitFor(t, func() bool { return r.shown() == next })
	waitFor(t, func() bool {
		return r.inForce().charter.Servers[0] == trust.Server{Address: "127.0.0.1:4433", Pin: next}
	})
	if r.JoinCode().Pin != next {
		t.Error("the join code has the old pin")
	}
	r.host(0) // over the new key: the harness pins what the join code says
	if a, b := entries[*journal.ServerKeyAnnounced](r), entries[*journal.ServerKeyChanged](r); len(a) != 1 || len(b) != 1 || a[0].Pin != b[0].Pin {
		t.Errorf("journal: %+v %+v", a, b)
	}
	again, err := Open(r.dir, Options{})
	must(t, err)
	defer again.Close()
	if again.JoinCode().Pin != next {
		t.Error("the old key is back after a restart")
	}
}

func TestTLSKeyIsNotSwitchedUnannounced(t *testing.T) {
	r := unserved(t)
	r.unitKey = nil
	ctx := t.Context()
	if err := r.SwitchTLS(ctx); !errors.Is(err, ErrTLS) {
		t.Errorf("without a next key: %v", err)
	}
	must(t, r.AnnounceTLS(ctx))
	if err := r.SwitchTLS(ctx); !errors.Is(err, ErrTLS) {
		t.Errorf("before the charter says so: %v", err)
	}
	if waits, err := r.Pending(ctx); !waits || err != nil {
		t.Errorf("nothing waits for a signature: %v, %v", waits, err)
	}
	r.sign()
	must(t, r.SwitchTLS(ctx))
}

// A switch that was cut off between its two steps leaves the new key with the
// certificate of the old one.
func TestTLSKeyDecidesNotItsCertificate(t *testing.T) {
	r := unserved(t)
	must(t, r.AnnounceTLS(t.Context()))
	_, next := r.pins()
	must(t, os.Rename(r.path(fileTLSNext), r.path(fileTLSKey)))
	must(t, r.loadTLS())
	if now, then := r.pins(); now != next || then != [32]byte{} {
		t.Error("the key in use is another")
	}
	must(t, os.WriteFile(r.path(fileTLSCert), []byte("garbage"), 0o600))
	if s, err := Open(r.dir, Options{}); err == nil {
		s.Close()
		t.Error("opened with garbage for a certificate")
	}
	must(t, os.WriteFile(r.path(fileTLSNext), []byte("garbage"), 0o600))
	if err := r.loadTLS(); err == nil {
		t.Error("garbage was taken for a key")
	}
}
