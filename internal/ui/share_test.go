// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2/test"
)

func TestOnlyATrialIsShared(t *testing.T) {
	a, f := newTestApp(t)
	h := a.shown.(*homePage)
	if h.share.Visible() {
		t.Error("a unit's server is shared from here")
	}
	f.set(func() { f.helped.Trial = true })
	a.update()
	if !h.share.Visible() {
		t.Error("no way to the server of this computer")
	}
	a.cfg.Trial = nil
	a.update()
	if h.share.Visible() {
		t.Error("a build without a server shares one")
	}
}

func shared(t *testing.T) (*App, *fake, *sharePage) {
	t.Helper()
	a, f := newTestApp(t, func(f *fake) { f.helped.Trial = true })
	a.shown.(*homePage).openShare()
	return a, f, a.shown.(*sharePage)
}

func TestSharePageShowsTheJoinCode(t *testing.T) {
	a, f, s := shared(t)
	for _, want := range []string{"la clé de l’unité est sur cet ordinateur", "s’arrête quand Assist se ferme", "collez ce code"} {
		if said(a, want) != 1 {
			t.Errorf("not said: %q", want)
		}
	}
	test.Tap(s.copy)
	if got := a.cfg.App.Clipboard().Content(); got != (fakeTrial{}).Code() || s.copy.label != "Copié" {
		t.Errorf("on the clipboard: %q, the button says %q", got, s.copy.label)
	}
	if said(a, "seul lui peut s’y joindre") != 0 {
		t.Error("said to be alone on a network")
	}
	f.set(func() { f.helped.Server = "127.0.0.1:8443" })
	a.rebuild()
	if said(a, "seul lui peut s’y joindre") != 1 {
		t.Error("not said to be alone")
	}
	s.back()
	if _, home := a.shown.(*homePage); !home {
		t.Errorf("back leads to %T", a.shown)
	}
}

func TestInvite(t *testing.T) {
	a, f := newTestApp(t, func(f *fake) { f.helped.Trial = true })
	a.shown.(*homePage).openInvite()
	p := a.shown.(*invitePage)
	if p.invited.Visible() || said(a, "la clé de l’unité est sur cet ordinateur") != 1 {
		t.Error("a code before anybody was invited, or no warning")
	}
	test.Tap(p.invite)
	if len(f.calls) != 0 || !strings.Contains(p.fault.said, "Écrivez un prénom") {
		t.Errorf("calls %q, said %q", f.calls, p.fault.said)
	}
	p.fields[0].SetText("  Denis\u202e Petit ")
	f.fault = ErrNotInvited
	test.Tap(p.invite)
	if p.invited.Visible() || !strings.Contains(p.fault.said, "n’a pas pu être invitée") {
		t.Errorf("said %q", p.fault.said)
	}
	f.fault = nil
	test.Tap(p.invite)
	if !p.invited.Visible() || said(a, "7QX4M-2KD9P-WZ3HA-B8TNC") != 1 || said(a, "Code d’inscription de Denis Petit, valable une seule fois, jusqu’au 22/11/2026") != 1 {
		t.Error("the code is not shown")
	}
	if !f.said(", Assistance informatique") {
		t.Errorf("calls %q", f.calls)
	}
	a.rebuild() // as a change of language or theme does
	if said(a, "Code d’inscription de Denis Petit") != 1 {
		t.Error("the code is lost with the look")
	}
	test.Tap(p.copy)
	if got := a.cfg.App.Clipboard().Content(); got != "7QX4M-2KD9P-WZ3HA-B8TNC" || p.copy.label != "Copié" {
		t.Errorf("on the clipboard: %q, the button says %q", got, p.copy.label)
	}
	p.back()
	if _, home := a.shown.(*homePage); !home {
		t.Errorf("back leads to %T", a.shown)
	}
}

func TestPasswordFault(t *testing.T) {
	for password, want := range map[string]string{
		"":                "password.short",
		"quatorze signe":  "password.short",
		"quinze lettres!": "",
		"éééééééééééééé":  "password.short", // letters count, not bytes
	} {
		if got := passwordFault(password, password); got != want {
			t.Errorf("%q: %q, want %q", password, got, want)
		}
	}
	if got := passwordFault("quinze lettres!", "quinze lettres?"); got != "password.differ" {
		t.Errorf("%q", got)
	}
}
