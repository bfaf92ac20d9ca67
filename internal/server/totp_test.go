// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp"

	"assist/internal/journal"
	"assist/internal/wire"
)

func mustAddr(t *testing.T, s string) netip.Addr {
	t.Helper()
	a, err := netip.ParseAddr(s)
	must(t, err)
	return a
}

func waitOf(err error) time.Duration {
	var wait *tooMany
	if errors.As(err, &wait) {
		return wait.wait
	}
	return 0
}

// The window is one step to each side; beyond it a right code is a wrong one.
func TestTOTPWindow(t *testing.T) {
	for steps, good := range map[int]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		r := unserved(t)
		p := r.enrolled("claire")
		a, err := r.store.accountBy(t.Context(), "login", "claire")
		must(t, err)
		err = r.spendTOTP(t.Context(), a, r.code(p, steps))
		if (err == nil) != good {
			t.Errorf("code of step %+d: %v", steps, err)
		}
		if !good && !errors.Is(err, errIdentity) {
			t.Errorf("code of step %+d: %v", steps, err)
		}
	}
}

func TestTOTPIsGoodOnce(t *testing.T) {
	r := served(t)
	p := r.enrolled("claire")
	c, cert := r.technician(p)
	ask := func(code string) wire.Refusal {
		_, env := r.request(p, cert, r.fix.numbers[0])
		c.send(&wire.Ask{TOTP: code, Request: env})
		return expect[*wire.Refused](c).Why
	}
	if why := ask(r.code(p, 0)); why != wire.RefusedOffline {
		t.Fatalf("refused for %d", why)
	}
	if why := ask(r.code(p, 0)); why != wire.RefusedIdentity {
		t.Errorf("the same code again: refused for %d", why)
	}
	if why := ask(r.code(p, -1)); why != wire.RefusedIdentity {
		t.Errorf("an older code after a newer one: refused for %d", why)
	}
	if e := entries[*journal.LoginRefused](r); len(e) != 2 || e[0].At != "totp" || e[0].Login != "claire" {
		t.Errorf("journal: %+v", e)
	}

	r = r.restart()
	c, cert = r.technician(p)
	if why := ask(r.code(p, 0)); why != wire.RefusedIdentity {
		t.Errorf("the same code after a restart: refused for %d", why)
	}
	r.advance(totpStep * time.Second)
	if why := ask(r.code(p, 0)); why != wire.RefusedOffline {
		t.Errorf("the next code: refused for %d", why)
	}
}

// Of many uses of one code at the same moment exactly one succeeds.
func TestTOTPIsGoodOnceAtTheSameTime(t *testing.T) {
	r := unserved(t)
	p := r.enrolled("claire")
	a, err := r.store.accountBy(t.Context(), "login", "claire")
	must(t, err)
	other := opened(t, r.dir, r.fix) // as a second process would
	other.clock.Store(r.clock.Load())
	code := r.code(p, 0)
	var all sync.WaitGroup
	results := make(chan error, 16)
	for i := range cap(results) {
		s := []*rig{r, other}[i%2]
		all.Go(func() { results <- s.spendTOTP(t.Context(), a, code) })
	}
	all.Wait()
	close(results)
	won := 0
	for err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, errIdentity) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d uses of one code succeeded", won)
	}
}

func TestWrongTOTPKeepsTheConnectionAndIsDelayed(t *testing.T) {
	r := served(t)
	host := r.host(0)
	p := r.enrolled("claire")
	c, cert := r.technician(p)
	_, env := r.request(p, cert, r.fix.numbers[0])
	for _, wrong := range []string{"000000", "", "12345678", "abcdef"} {
		c.send(&wire.Ask{TOTP: wrong, Request: env})
		c.refused(wire.RefusedIdentity)
	}
	c.send(&wire.Ask{TOTP: r.code(p, 0), Request: env})
	if m := c.refused(wire.RefusedTooMany); m.Wait != 1 {
		t.Errorf("wait is %d", m.Wait)
	}
	if e := entries[*journal.SessionRequested](r); len(e) != 0 {
		t.Errorf("journal: %+v", e)
	}
	r.advance(time.Second)
	c.send(&wire.Ask{TOTP: r.code(p, 0), Request: env})
	expect[*wire.Ring](host)
}

func TestTOTPSecretIsSealedForItsAccount(t *testing.T) {
	r := unserved(t)
	r.enrolled("claire")
	a, err := r.store.accountBy(t.Context(), "login", "claire")
	must(t, err)
	secret, err := r.unseal(a.id, a.totpSealed)
	must(t, err)
	if strings.Contains(string(a.totpSealed), secret) {
		t.Error("the secret lies open in the database")
	}
	if _, err := r.unseal("another", a.totpSealed); err == nil {
		t.Error("opens for another account")
	}
	if _, err := r.unseal(a.id, a.totpSealed[:10]); err == nil {
		t.Error("opens when cut short")
	}
	r.secret[0] ^= 1
	if _, err := r.unseal(a.id, a.totpSealed); err == nil {
		t.Error("opens with another key")
	}
}

func TestTOTPURLFitsWhateverTheUnitIsCalled(t *testing.T) {
	r := unserved(t)
	for _, name := range []string{"INCI", "a:b", strings.Repeat("é", 50), strings.Repeat("實", 33)} {
		r.cfg.Unit.Name = name
		key, err := r.newTOTP("claire.dubois@example.org")
		must(t, err)
		back, err := otp.NewKeyFromURL(key.URL())
		must(t, err)
		if len(key.URL()) > wire.MaxURL || back.Secret() != key.Secret() || back.AccountName() != "claire.dubois@example.org" {
			t.Errorf("%q: %s", name, key.URL())
		}
		if len(name) < 20 && back.Issuer() != strings.ReplaceAll(name, ":", " ") {
			t.Errorf("issuer is %q", back.Issuer())
		}
	}
}
