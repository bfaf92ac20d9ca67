// SPDX-License-Identifier: Apache-2.0

//go:build screens

package ui

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	fyneapp "fyne.io/fyne/v2/app"

	"assist/internal/consent"
	"assist/internal/wire"
)

// This file shows every screen in real windows and photographs the X display, to be
// looked at: go test -tags screens ./internal/ui, with ASSIST_SCREENS the folder of the
// pictures, ASSIST_LOOKS such as "fr-light-100 en-dark-100", ASSIST_SCENES to choose.

// TestMain runs the toolkit on the main goroutine.
func TestMain(m *testing.M) {
	f := newFake()
	f.layout = testPrimary()
	f.now = time.Date(2026, 11, 21, 11, 43, 0, 0, time.Local)
	f.receipts = someReceipts()
	f.recent = []Recent{
		{Machine: "482917305566", Reason: "Imprimante du 2e étage introuvable", At: f.now.Add(-20 * time.Hour)},
		{Machine: "190055237814", Reason: "Microscope : pilote de caméra", At: f.now.Add(-50 * time.Hour)},
	}
	cfg := f.config(fyneapp.NewWithID("fr.example.assist.screens"))
	if os.Getenv("ASSIST_PLAY") != "" {
		f.real, cfg.Now = true, nil
	}
	a, err := New(cfg)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	start := tour
	if os.Getenv("ASSIST_PLAY") != "" {
		start = play
	}
	a.cfg.App.Lifecycle().SetOnStarted(func() { go start(a, f) })
	a.Run()
	os.Exit(m.Run())
}

// play asks as often as ASSIST_PLAY says, and prints what was answered, for somebody at
// the real windows.
func play(a *App, f *fake) {
	n, _ := strconv.Atoi(os.Getenv("ASSIST_PLAY"))
	for i := range n {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		q := consent.Question{Who: card(), Reason: "Imprimante", Wanted: consent.AllRights, Words: [3]string{"citron", "valise", "orage"}, Monitors: 2}
		got, err := a.Ask(ctx, q)
		cancel()
		time.Sleep(1500 * time.Millisecond)
		fmt.Println("answer", i, got, err, a.DialogOpen())
	}
	time.Sleep(time.Second)
	a.Close()
}

type scene struct {
	name string
	show func(a *App, f *fake)
}

func tour(a *App, f *fake) {
	looks := strings.Fields(os.Getenv("ASSIST_LOOKS"))
	if len(looks) == 0 {
		looks = []string{"fr-light-100", "en-dark-100"}
	}
	for _, look := range looks {
		parts := strings.Split(look, "-")
		size, _ := strconv.Atoi(parts[2])
		fyne.DoAndWait(func() {
			a.prefer(func(p *Preferences) { *p = Preferences{Language: parts[0], Theme: parts[1], TextSize: size} })
			if len(parts) > 3 {
				a.win.Resize(fyne.NewSize(1024, 700))
			}
		})
		for _, s := range scenes() {
			if only := os.Getenv("ASSIST_SCENES"); only != "" && !strings.Contains(" "+only+" ", " "+s.name+" ") {
				continue
			}
			fyne.DoAndWait(func() { s.show(a, f); a.update() })
			time.Sleep(700 * time.Millisecond)
			photograph(look + "-" + s.name)
			fyne.DoAndWait(func() {
				for _, w := range a.cfg.App.Driver().AllWindows() {
					if w != a.win {
						w.Close()
					}
				}
			})
		}
	}
	a.Close()
}

func photograph(name string) {
	dir := os.Getenv("ASSIST_SCREENS")
	if out, err := exec.Command("import", "-window", "root", filepath.Join(dir, name+".png")).CombinedOutput(); err != nil {
		fmt.Println(name, err, string(out))
	}
}

func scenes() []scene {
	words := [3]string{"citron", "valise", "orage"}
	live := func(f *fake, r consent.Rights) *Live {
		return &Live{Who: card(), Rights: r, Since: f.now.Add(-252 * time.Second), Words: words}
	}
	calm := func(a *App, f *fake) {
		f.set(func() {
			f.helped.Live, f.helped.Last, f.helped.Phase, f.helped.RefusedToday = nil, nil, PhaseReady, 0
			f.helper = HelperState{Login: "camille.fontaine"}
		})
		delete(a.pages, placeFirst)
		a.place = placeHelped
		a.pages[placeHelped] = newHomePage(a)
		a.rebuild()
	}
	at := func(where place, p func(a *App) page) func(a *App, f *fake) {
		return func(a *App, f *fake) {
			calm(a, f)
			a.pages[where] = p(a)
			a.place = where
			a.rebuild()
			a.focusFirst()
		}
	}
	signed := func(f *fake) {
		f.set(func() { f.helper = HelperState{SignedIn: true, Login: "camille", Who: card(), Phase: PhaseReady} })
	}
	question := func(change func(*consent.Question)) func(a *App, f *fake) {
		return func(a *App, f *fake) {
			calm(a, f)
			q := consent.Question{
				Who: card(), Reason: "Imprimante du 2e étage introuvable", Wanted: consent.AllRights, Words: words, Monitors: 2,
			}
			change(&q)
			d := newQuestion(a, q)
			d.show()
			f.pass(2 * time.Second)
			d.tick()
		}
	}
	out := []scene{
		{"home", calm},
		{"home-spelled", func(a *App, f *fake) { calm(a, f); a.shown.(*homePage).toggleSpelling() }},
		{"home-waiting", func(a *App, f *fake) {
			calm(a, f)
			f.set(func() {
				f.helped.Phase, f.helped.RetryAt, f.helped.RefusedToday = PhaseWaiting, f.now.Add(8*time.Second), 2
			})
		}},
		{"home-live", func(a *App, f *fake) {
			calm(a, f)
			f.set(func() { f.helped.Live = live(f, consent.RightView) })
		}},
		{"home-drive", func(a *App, f *fake) {
			calm(a, f)
			f.set(func() { f.helped.Live = live(f, consent.AllRights) })
		}},
		{"home-ended", func(a *App, f *fake) {
			calm(a, f)
			f.set(func() { f.helped.Last = &Ending{Why: wire.EndUserCut, At: f.now} })
		}},
	}
	out = append(out, []scene{
		{"first", at(placeFirst, func(a *App) page { return newFirstPage(a) })},
		{"learn", at(placeFirst, func(a *App) page { return newLearnPage(a, newFirstPage(a)) })},
		{"join", at(placeFirst, func(a *App) page { return newJoinPage(a, newFirstPage(a)) })},
		{"join-bad", func(a *App, f *fake) {
			at(placeFirst, func(a *App) page { return newJoinPage(a, newFirstPage(a)) })(a, f)
			j := a.shown.(*joinPage)
			j.entry.SetText("ASSIST1-4KQ2-9XWB")
			j.fault.fail(ErrBadCode)
		}},
		{"trial", at(placeFirst, func(a *App) page { return newTrialPage(a, newFirstPage(a)) })},
		{"secret", at(placeFirst, func(a *App) page {
			return &secretPage{a: a, enrol: fakeEnrolment{}, leave: func() {}, done: func() {}}
		})},
		{"trial-done", at(placeFirst, func(a *App) page { return &trialDonePage{a: a, login: "camille.fontaine"} })},
		{"login", at(placeHelper, func(a *App) page { return newLoginPage(a, "camille.fontaine") })},
		{"enrol", at(placeHelper, func(a *App) page { return newEnrolPage(a, newLoginPage(a, "")) })},
		{"ask", func(a *App, f *fake) {
			calm(a, f)
			signed(f)
			a.pages[placeHelper] = newAskPage(a)
			a.place = placeHelper
			a.rebuild()
			p := a.shown.(*askPage)
			p.machine.SetText("482917305566")
			p.last = &Declined{Verdict: wire.VerdictRefused}
			p.fault.fail(p.last)
			a.focusFirst()
		}},
		{"ask-bad", func(a *App, f *fake) {
			calm(a, f)
			signed(f)
			a.pages[placeHelper] = newAskPage(a)
			a.place = placeHelper
			a.rebuild()
			p := a.shown.(*askPage)
			p.machine.SetText("482917305567")
			a.focusFirst()
		}},
		{"wait", func(a *App, f *fake) {
			calm(a, f)
			signed(f)
			r := &fakeRequest{changed: make(chan struct{}, 1)}
			r.put(RequestState{Words: words, Deadline: f.now.Add(41 * time.Second)})
			form := AskForm{Machine: "482917305566", Reason: "Imprimante du 2e étage introuvable"}
			a.pages[placeHelper] = newWaitPage(newAskPage(a), form, r)
			a.place = placeHelper
			a.rebuild()
			a.focusFirst()
		}},
		{"settings", at(placeSettings, func(a *App) page { return newSettingsPage(a) })},
		{"receipts", at(placeHelped, func(a *App) page { return newReceiptsPage(a, newHomePage(a)) })},
		{"receipt", at(placeHelped, func(a *App) page {
			return &receiptPage{a: a, before: newHomePage(a), receipt: someReceipts()[0]}
		})},
		{"dialog", question(func(*consent.Question) {})},
		{"dialog-view", question(func(q *consent.Question) { q.Wanted, q.Monitors = consent.RightView|consent.RightPoint, 1 })},
		{"dialog-long", question(func(q *consent.Question) {
			q.Who.Name, q.Who.Unit = strings.Repeat("Marie-Christine ", 9), strings.Repeat("Institut des neurosciences ", 6)
			q.Reason = strings.Repeat("très long motif ", 30)
		})},
		{"widen", question(func(q *consent.Question) { q.Wanted, q.Widening = consent.RightControl, true })},
		{"renew", question(func(q *consent.Question) { q.Renewing = true })},
		{"cancelled", func(a *App, f *fake) {
			calm(a, f)
			d := newQuestion(a, consent.Question{Who: card(), Wanted: consent.RightView})
			d.show()
			d.finish(context.Canceled)
		}},
		{"no-answer", func(a *App, f *fake) {
			calm(a, f)
			d := newQuestion(a, consent.Question{Who: card(), Wanted: consent.RightView})
			d.show()
			d.finish(consent.ErrNoAnswer)
		}},
	}...)
	return out
}
