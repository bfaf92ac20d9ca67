// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"assist/internal/consent"
	"assist/internal/trust"
)

// refusals plays every way in which an intervention does not come about, or breaks.
// Each must end in a plain sentence on both sides and leave nothing behind.
func (w *world) refusals(t *testing.T) {
	w.tidy(t)
	w.cancelled(t) // the first question opens what the app then keeps
	w.back(t)
	w.ready(t)
	host, tech := w.host.footprint(t), w.tech.footprint(t)
	for _, c := range []struct {
		name string
		play func(*testing.T)
	}{
		{"cancelled", w.cancelled},
		{"wrong code", w.wrongCode},
		{"code used twice", w.usedCode},
		{"unknown number", w.unknownNumber},
		{"mistyped number", w.mistyped},
		{"no answer", w.noAnswer},
		{"server restarted before the answer", w.serverLostWaiting},
		{"server restarted in a session", w.serverLostLive},
		{"network cut in a session", w.networkLost},
		{"refused and reported", w.reported},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.tidy(t)
			w.server.forgetFailures(t)
			c.play(t)
			w.back(t)
			w.ready(t)
		})
	}
	w.leavesNothing(t, w.host, host)
	w.leavesNothing(t, w.tech, tech)
	t.Run("host offline", w.offline)
}

// footprint is what an app holds: what must not grow, and its windows by title.
type footprint struct {
	figures
	windows []string
}

// footprint waits until the words that go by themselves have gone.
func (a *app) footprint(t *testing.T) footprint {
	t.Helper()
	var all []string
	eventually(t, aWhile, "one window", func() (err error) {
		all, err = a.screen.titles()
		return joinErr(err, len(all) == 1)
	})
	return footprint{a.figures(t), all}
}

// leavesNothing compares an app with what it was: no goroutine more, and the same windows.
// Words about the last refusal go by themselves.
func (w *world) leavesNothing(t *testing.T, a *app, before footprint) {
	t.Helper()
	var now figures
	err := wait(aWhile, func() error {
		if err := a.ask("stats", &now); err != nil {
			return err
		}
		if now.Goroutines > before.Goroutines+2 {
			return fmt.Errorf("%d goroutines, %d before", now.Goroutines, before.Goroutines)
		}
		return nil
	})
	if err != nil {
		t.Errorf("%s: %v\n%s", a.name, err, now.Stacks)
	}
	err = wait(aWhile, func() error {
		all, err := a.screen.titles()
		if err == nil && !slices.Equal(slices.Sorted(slices.Values(all)), slices.Sorted(slices.Values(before.windows))) {
			err = fmt.Errorf("%q, before %q", all, before.windows)
		}
		return err
	})
	if err != nil {
		a.keepPicture(t, "windows")
		t.Errorf("%s: windows: %v", a.name, err)
	}
}

func (w *world) cancelled(t *testing.T) {
	w.ask(t, request{})
	w.host.see(t, aWhile, want{id: "accept"})
	w.tech.press(t, want{id: "cancel"})
	w.host.gone(t, soon, want{id: "accept"})
	w.host.see(t, soon, want{text: "La demande a été annulée"})
	w.tech.see(t, soon, want{id: "machine-number"})
}

// reported refuses and reports: the person is told once the server has it, and the server
// has it signed.
func (w *world) reported(t *testing.T) {
	before := w.reports(t)
	w.ask(t, request{})
	w.host.press(t, want{id: "refuse-report"})
	w.tech.see(t, soon, want{text: "refusé et signalé"})
	w.recorded(t, before)
}

// recorded checks that a report has reached the journal with the host's signature, and that
// the person reads so; before are those that were there.
func (w *world) recorded(t *testing.T, before string) {
	t.Helper()
	w.host.see(t, aWhile, want{text: "est inscrit au journal du serveur"})
	out := w.reports(t)
	for _, part := range []string{"session.reported", `"signed":`} {
		if strings.Count(out, part) != strings.Count(before, part)+1 {
			t.Errorf("the journal has\n%s", out)
		}
	}
	if out := w.server.command(t, "journal", "verify"); !strings.Contains(out, "signatures of both ends in order") {
		t.Errorf("verify says\n%s", out)
	}
}

// reports are those in the journal.
func (w *world) reports(t *testing.T) string {
	t.Helper()
	return w.server.command(t, "journal", "list", "--json", "--reason", "e2e", "--event", "session.reported")
}

func (w *world) wrongCode(t *testing.T) {
	bad := "000000"
	for step := time.Now().Unix()/totpStep - 2; step < time.Now().Unix()/totpStep+3; step++ {
		if w.phone.code(t, step) == bad {
			bad = "000001"
		}
	}
	w.ask(t, request{totp: bad})
	w.tech.see(t, aWhile, want{text: "Code refusé"})
	w.host.gone(t, time.Second, want{id: "accept"})
}

func (w *world) usedCode(t *testing.T) {
	code := w.phone.next(t)
	w.ask(t, request{totp: code})
	w.host.press(t, want{id: "refuse"})
	w.tech.see(t, soon, want{text: "L’utilisateur a refusé"})
	w.back(t)
	w.ready(t)
	w.ask(t, request{totp: code})
	w.tech.see(t, aWhile, want{text: "Code refusé"})
	w.host.gone(t, time.Second, want{id: "accept"})
}

func (w *world) unknownNumber(t *testing.T) {
	stranger := ""
	for d := range 10 {
		if s := fmt.Sprintf("12345678901%d", d); trust.CheckMachineID(s) == nil {
			stranger = s
		}
	}
	w.ask(t, request{machine: stranger})
	w.tech.see(t, aWhile, want{text: "Ce numéro n’existe pas"})
}

func (w *world) mistyped(t *testing.T) {
	digits := []byte(w.id)
	digits[5] = '0' + (digits[5]-'0'+1)%10
	w.tech.fill(t, want{id: "machine-number"}, string(digits))
	w.tech.see(t, soon, want{id: "machine-hint", text: "Chiffre de contrôle faux"})
	w.tech.fill(t, want{id: "machine-number"}, w.id)
	w.tech.see(t, soon, want{id: "machine-hint", text: "Pas de faute de frappe"})
}

func (w *world) noAnswer(t *testing.T) {
	w.ask(t, request{})
	w.host.see(t, aWhile, want{id: "accept"})
	w.host.gone(t, consent.AnswerTime+aWhile, want{id: "accept"})
	w.host.see(t, soon, want{text: "Vous n’avez pas répondu"})
	w.tech.see(t, soon, want{text: "Pas de réponse en une minute"})
}

func (w *world) serverLostWaiting(t *testing.T) {
	w.ask(t, request{})
	w.host.see(t, aWhile, want{id: "accept"})
	w.server.proc.stop()
	w.tech.see(t, aWhile, want{text: "erveur"})
	w.host.gone(t, aWhile, want{id: "accept"})
	w.host.see(t, aWhile, want{text: "Serveur injoignable"})
	w.server.run(t)
	w.ready(t)
}

func (w *world) serverLostLive(t *testing.T) {
	l := w.intervene(t, false)
	w.server.proc.stop()
	l.showsBoth(t)
	w.server.run(t)
	l.showsBoth(t)
	l.end(t)
	w.ready(t)
}

// showsBoth checks that both pictures are alive.
func (l *live) showsBoth(t *testing.T) {
	t.Helper()
	mons, err := l.host.screen.monitors()
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range mons {
		l.showsChange(t, i, m)
	}
}

func (w *world) networkLost(t *testing.T) {
	if w.cable.space == "" {
		t.Skip("cutting the network takes root")
	}
	l := w.intervene(t, false)
	w.cable.cut(t)
	w.tech.see(t, aWhile, want{text: "Réseau perdu", window: l.title})
	l.over(t, "La connexion a été perdue")
	eventually(t, aWhile, "banner gone", func() error {
		all, err := w.banners()
		return joinErr(err, len(all) == 0)
	})
	w.cable.mend(t)
	w.host.see(t, 3*aWhile, want{text: "La connexion s’est perdue"})
}

func joinErr(err error, ok bool) error {
	if err != nil {
		return err
	}
	return yes(ok)
}

func (w *world) offline(t *testing.T) {
	w.host.proc.stop()
	w.server.forgetFailures(t)
	w.ask(t, request{})
	w.tech.see(t, aWhile, want{text: "n’est pas en ligne"})
	w.host.launch(t)
	w.back(t)
	w.ready(t)
}
