// SPDX-License-Identifier: Apache-2.0

//go:build screens

package ui

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	f.receipts, f.refusals, f.older = someReceipts(), someRefusals(), 12
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
		fyne.DoAndWait(func() {}) // the dialog has gone by then
		fmt.Println("answer", i, got, err, a.DialogOpen())
	}
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

// photograph takes the picture once the screen shows the same thing three times.
func photograph(name string) {
	path := filepath.Join(os.Getenv("ASSIST_SCREENS"), name+".png")
	var before []byte
	for same := 0; same < 3; {
		out, err := exec.Command("import", "-window", "root", "rgb:-").Output()
		if err != nil {
			fmt.Println(name, err)
			return
		}
		same++
		if !bytes.Equal(out, before) {
			same, before = 1, out
		}
	}
	if out, err := exec.Command("import", "-window", "root", path).CombinedOutput(); err != nil {
		fmt.Println(name, err, string(out))
	}
}

// scenes are all of them, in the order of the pictures.
func scenes() []scene {
	return slices.Concat(homeScenes(), firstScenes(), helperScenes(), receiptScenes(), refusalScenes(), dialogScenes())
}

func checkWords() [3]string { return [3]string{"citron", "valise", "orage"} }

// calm is the home screen with nothing going on.
func calm(a *App, f *fake) {
	f.set(func() {
		f.helped.Live, f.helped.Last, f.helped.Phase, f.helped.RefusedToday, f.helped.Report = nil, nil, PhaseReady, 0, nil
		f.helped.Lack, f.helped.RefusedWhy = LackNone, BarNone
		f.helped.Trial, f.helped.Server = false, "assist.inci.example.fr"
		f.helper = HelperState{Login: "camille.fontaine"}
		f.fault = nil
	})
	a.contain(nil)
	delete(a.pages, placeFirst)
	a.place = placeHelped
	a.pages[placeHelped] = newHomePage(a)
	a.rebuild()
}

// at shows a page in a place.
func at(where place, p func(a *App) page) func(a *App, f *fake) {
	return func(a *App, f *fake) {
		calm(a, f)
		a.pages[where] = p(a)
		a.place = where
		a.rebuild()
		a.focusFirst()
	}
}

// home is the home screen in some state.
func home(name string, change func(*fake)) scene {
	return scene{name, func(a *App, f *fake) {
		calm(a, f)
		f.set(func() { change(f) })
	}}
}

func live(f *fake, r consent.Rights) *Live {
	return &Live{Who: card(), Rights: r, Since: f.now.Add(-252 * time.Second), Words: checkWords()}
}

func homeScenes() []scene {
	return []scene{
		home("home", func(*fake) {}),
		{"home-spelled", func(a *App, f *fake) { calm(a, f); a.shown.(*homePage).toggleSpelling() }},
		home("home-waiting", func(f *fake) {
			f.helped.Phase, f.helped.RetryAt, f.helped.RefusedToday = PhaseWaiting, f.now.Add(8*time.Second), 2
		}),
		home("home-wayland", func(f *fake) { f.helped.Lack, f.helped.RefusedToday, f.helped.RefusedWhy = LackX11, 1, BarUnable }),
		home("home-live", func(f *fake) { f.helped.Live = live(f, consent.RightView) }),
		home("home-drive", func(f *fake) { f.helped.Live = live(f, consent.AllRights) }),
		home("home-drive-paused", func(f *fake) {
			f.helped.Live = live(f, consent.AllRights)
			f.helped.Live.Paused = wire.PauseUser
		}),
		home("home-ended", func(f *fake) { f.helped.Last = &Ending{Why: wire.EndUserCut, At: f.now} }),
		home("home-reported", func(f *fake) {
			f.helped.Last, f.helped.Report = &Ending{Why: wire.EndReported, At: f.now}, &Report{Made: f.now, Confirmed: f.now}
		}),
		home("home-report-kept", func(f *fake) {
			f.helped.Phase, f.helped.RetryAt = PhaseWaiting, f.now.Add(8*time.Second)
			f.helped.RefusedToday, f.helped.Report = 1, &Report{Made: f.now.Add(-time.Minute)}
		}),
		home("home-trial", func(f *fake) { f.helped.Trial, f.helped.Unit = true, "Assist" }),
		{"share", at(placeHelped, func(a *App) page { return newSharePage(a, newHomePage(a)) })},
		{"share-alone", func(a *App, f *fake) {
			at(placeHelped, func(a *App) page { return newSharePage(a, newHomePage(a)) })(a, f)
			f.set(func() { f.helped.Server = "127.0.0.1:8443" })
			a.rebuild()
		}},
		{"invite", func(a *App, f *fake) {
			at(placeHelped, func(a *App) page { return newInvitePage(a, newHomePage(a)) })(a, f)
			p := a.shown.(*invitePage)
			p.welcome("Denis Petit", "7QX4M-2KD9P-WZ3HA-B8TNC")
			p.update()
		}},
	}
}

func firstScenes() []scene {
	join := func(a *App) page { return newJoinPage(a, placeFirst, newFirstPage(a)) }
	return []scene{
		{"first", at(placeFirst, func(a *App) page { return newFirstPage(a) })},
		{"learn", at(placeFirst, func(a *App) page { return newLearnPage(a, newFirstPage(a)) })},
		{"join", at(placeFirst, join)},
		{"join-bad", func(a *App, f *fake) {
			at(placeFirst, join)(a, f)
			j := a.shown.(*joinPage)
			j.entry.SetText("ASSIST1-4KQ2-9XWB")
			j.fault.fail(ErrBadCode)
		}},
		{"trial", at(placeFirst, func(a *App) page { return newTrialPage(a, newFirstPage(a)) })},
		{"secret", at(placeFirst, func(a *App) page {
			return &secretPage{a: a, enrol: fakeEnrolment{}, leave: func() {}, done: func() {}}
		})},
		{"trial-done", at(placeFirst, func(a *App) page { return &trialDonePage{a: a, login: "camille.fontaine"} })},
	}
}

// asking is the form of a technician who is signed in.
func asking(a *App, f *fake) *askPage {
	calm(a, f)
	f.set(func() { f.helper = HelperState{SignedIn: true, Login: "camille", Who: card(), Phase: PhaseReady} })
	a.pages[placeHelper] = newAskPage(a)
	a.place = placeHelper
	a.rebuild()
	return a.shown.(*askPage)
}

func helperScenes() []scene {
	return []scene{
		{"login", at(placeHelper, func(a *App) page { return newLoginPage(a, "camille.fontaine") })},
		{"enrol", at(placeHelper, func(a *App) page { return newEnrolPage(a, newLoginPage(a, "")) })},
		{"ask", func(a *App, f *fake) {
			p := asking(a, f)
			p.machine.SetText("482917305566")
			p.last = &Declined{Verdict: wire.VerdictRefused}
			p.fault.fail(p.last)
			a.focusFirst()
		}},
		{"ask-bad", func(a *App, f *fake) {
			asking(a, f).machine.SetText("482917305567")
			a.focusFirst()
		}},
		{"wait", func(a *App, f *fake) {
			p := asking(a, f)
			r := &fakeRequest{changed: make(chan struct{}, 1)}
			r.put(RequestState{Words: checkWords(), OtherWords: [3]string{"lemon", "suitcase", "storm"}, Deadline: f.now.Add(41 * time.Second)})
			form := AskForm{Machine: "482917305566", Reason: "Imprimante du 2e étage introuvable"}
			a.turn(placeHelper, newWaitPage(p, form, r))
		}},
	}
}

func refusalScenes() []scene {
	list := func(a *App) page { return newRefusalsPage(a, newHomePage(a)) }
	return []scene{
		home("home-refused", func(f *fake) { f.helped.RefusedToday, f.helped.RefusedWhy = 3, BarUnproven }),
		{"refusals", at(placeHelped, list)},
		{"refusals-end", func(a *App, f *fake) {
			for range f.refusals[1:] { // of the page before, which is laid out
				a.win.Canvas().FocusNext()
			}
		}},
		{"refusals-seen", func(a *App, f *fake) {
			at(placeHelped, list)(a, f)
			f.set(func() { f.helped.Live = live(f, consent.RightView) })
		}},
		{"refusals-none", func(a *App, f *fake) {
			f.set(func() { f.helped.Live = nil })
			all := f.refusals
			f.refusals, f.older = nil, 0
			at(placeHelped, list)(a, f)
			f.refusals, f.older = all, 12
		}},
	}
}

func receiptScenes() []scene {
	receipt := func(a *App) page { return &receiptPage{a: a, before: newHomePage(a), receipt: someReceipts()[0]} }
	return []scene{
		{"settings", at(placeSettings, func(a *App) page { return newSettingsPage(a) })},
		{"receipts", at(placeHelped, func(a *App) page { return newReceiptsPage(a, newHomePage(a)) })},
		{"receipt", at(placeHelped, receipt)},
		{"receipt-reported", func(a *App, f *fake) {
			at(placeHelped, receipt)(a, f)
			r := a.shown.(*receiptPage)
			a.reported[r.receipt.ID] = f.now
			r.update()
			if page, err := a.printed(r.receipt); err == nil {
				_ = os.WriteFile(filepath.Join(os.Getenv("ASSIST_SCREENS"), "receipt-"+a.tongue.code+".html"), page, 0o600)
			}
		}},
	}
}

// dialogOf is a dialog after its first second.
func dialogOf(change func(*consent.Question)) func(a *App, f *fake) {
	return func(a *App, f *fake) {
		calm(a, f)
		q := consent.Question{
			Who: card(), Reason: "Imprimante du 2e étage introuvable", Wanted: consent.AllRights, Words: checkWords(), Monitors: 2,
		}
		change(&q)
		d := newQuestion(a, q)
		d.show()
		f.pass(2 * time.Second)
		d.tick()
	}
}

// ended is a dialog whose question is over.
func ended(err error) func(a *App, f *fake) {
	return func(a *App, f *fake) {
		calm(a, f)
		d := newQuestion(a, consent.Question{Who: card(), Wanted: consent.RightView})
		d.show()
		d.finish(err)
	}
}

func dialogScenes() []scene {
	return []scene{
		{"dialog", dialogOf(func(*consent.Question) {})},
		{"dialog-view", dialogOf(func(q *consent.Question) { q.Wanted, q.Monitors = consent.RightView|consent.RightPoint, 1 })},
		{"dialog-photo", dialogOf(pictured)},
		{"widen-photo", dialogOf(func(q *consent.Question) { q.Wanted, q.Widening, q.Photo = consent.RightControl, true, face() })},
		{"dialog-long", dialogOf(func(q *consent.Question) {
			q.Who.Name, q.Who.Unit = strings.Repeat("Marie-Christine ", 9), strings.Repeat("Institut des neurosciences ", 6)
			q.Reason = strings.Repeat("très long motif ", 30)
		})},
		{"dialog-missed", func(a *App, f *fake) {
			calm(a, f)
			d := newQuestion(a, consent.Question{Who: card(), Wanted: consent.RightView, Words: checkWords(), Monitors: 1})
			d.show()
			f.pass(2 * time.Second)
			d.genuine(ActClick, d.accept)
		}},
		{"dialog-entered", func(a *App, f *fake) {
			calm(a, f)
			d := newQuestion(a, consent.Question{Who: card(), Wanted: consent.RightView, Words: checkWords(), Monitors: 1})
			d.show()
			f.pass(2 * time.Second)
			d.unused(&fyne.KeyEvent{Name: fyne.KeyReturn})
		}},
		{"widen", dialogOf(func(q *consent.Question) { q.Wanted, q.Widening = consent.RightControl, true })},
		{"idle", dialogOf(func(q *consent.Question) { q.Idle = true })},
		{"renew", dialogOf(func(q *consent.Question) { q.Renewing = true })},
		{"cancelled", ended(context.Canceled)},
		{"no-answer", ended(consent.ErrNoAnswer)},
		home("lost", func(f *fake) { f.helped.Last = &Ending{Why: wire.EndUserCut, At: f.now, Lost: true} }),
		{"reported", func(a *App, f *fake) {
			calm(a, f)
			f.set(func() { f.helped.Report = &Report{Made: f.now, Confirmed: f.now} })
			d := newQuestion(a, consent.Question{Who: card(), Wanted: consent.RightView})
			d.show()
			d.say(consent.ErrReported)
			d.finish(consent.ErrReported)
		}},
		{"reported-kept", func(a *App, f *fake) {
			calm(a, f)
			d := newQuestion(a, consent.Question{Who: card(), Wanted: consent.RightView, Renewing: true})
			d.show()
			d.say(consent.ErrReported)
			f.pass(time.Minute)
			d.finish(consent.ErrReported)
		}},
	}
}
