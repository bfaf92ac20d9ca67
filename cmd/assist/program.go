// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"fyne.io/fyne/v2"

	"assist/assets"
	"assist/internal/config"
	"assist/internal/consent"
	"assist/internal/input"
	"assist/internal/lamp"
	"assist/internal/process"
	"assist/internal/receipt"
	"assist/internal/refusal"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/ui"
	"assist/internal/wire"
)

// genuineWithin is how long after a device was pressed a press in the dialog still
// counts as the person's: long enough for a busy computer to bring it there.
const genuineWithin = 500 * time.Millisecond

// program is the running app: one of each part.
type program struct {
	dirs     config.Dirs
	log      *slog.Logger
	settings *settings
	desktop  *desktop
	receipts *receipts
	refused  *refusal.Book // what this app refused to believe
	helped   *helped
	helper   *helper
	trial    *trial
	unit     *unit
	screen   *ui.App
	quit     chan struct{}

	mu   sync.Mutex
	text assets.Text // in the language shown; read by other goroutines
}

// newProgram makes the parts, which know each other through it; none of them runs yet.
func newProgram(dirs config.Dirs, file config.File, log *slog.Logger) *program {
	p := &program{dirs: dirs, log: log, quit: make(chan struct{})}
	p.settings = &settings{dirs: dirs, file: file, changed: func(config.File) { p.speak() }}
	p.desktop = &desktop{log: log, elevated: process.Elevated, windows: newPulse(fyne.Do, p.asked)}
	p.helped = newHelped(p)
	p.receipts = &receipts{book: receipt.Open(filepath.Join(dirs.Data, "receipts"), log), text: p.texts, tell: p.helped.report, log: log}
	p.refused = refusal.Open(filepath.Join(dirs.Data, "refused.json"), log)
	p.helper = newHelper(p)
	p.trial = newTrial(p)
	p.unit = &unit{p: p}
	return p
}

// open makes the windows, takes hold of the desktop, and starts what was set up
// before. It is called on the main goroutine.
func (p *program) open(app fyne.App) error {
	p.speak()
	p.receipts.look()
	p.desktop.open(p)
	screen, err := ui.New(p.screens(app))
	if err != nil {
		return err
	}
	p.screen = screen
	p.guard(screen, p.desktop)
	return p.resume()
}

// questions are where the person is asked; while one is open nothing is driven, nor before
// the windows show the session alone.
type questions interface {
	consent.Asker
	DialogOpen() bool
	Contained() bool
}

// guard makes the one gate: what this computer's policy leaves, with idle hands minded.
func (p *program) guard(q questions, banner consent.Lamp) {
	p.desktop.asking = func() bool { return q.DialogOpen() || !q.Contained() }
	p.desktop.driven = q.Contained
	p.helped.gate = consent.NewGate(q, banner, ceiling(p.settings.get()))
	p.helped.gate.Attend(p.hands())
}

// screens is what the screens are made of.
func (p *program) screens(app fyne.App) ui.Config {
	return ui.Config{
		App: app, Log: p.log, Store: p.settings, Helped: p.helped, Reins: p.helped, Receipts: p.receipts, Refusals: refusals{p.refused},
		Joiner: p, Trial: p.trial, Helper: p.helper, Account: p.helper, Asking: p.helper,
		Check:    trust.CheckMachineID,
		Genuine:  p.desktop.genuine,
		Clear:    p.desktop.clear,
		Monitors: p.desktop.monitors,
		Session:  func(o ui.Opening) { p.openSession(app, o) },
		Version:  buildVersion(),
		Locale:   systemLanguage(),
	}
}

// resume goes on with the unit this app belongs to, if any.
func (p *program) resume() error {
	if p.trial.exists() {
		if err := p.trial.run(); err != nil {
			p.log.Error("the server on this computer does not start", "error", err)
		}
	}
	text := p.settings.get().Unit.Join
	if text == "" {
		return nil
	}
	code, err := trust.ParseJoinCode(text)
	if err != nil {
		return err
	}
	return p.unit.member(code)
}

// raiseOn answers a second start of the app, by the same person, with the window of the first.
func (p *program) raiseOn(raise <-chan struct{}) {
	for {
		select {
		case <-p.quit:
			return
		case <-raise:
			p.screen.Raise()
		}
	}
}

// asked says whether a technician asks to see this computer, or sees it.
func (p *program) asked() bool {
	_, host, _ := p.helped.now()
	if host == nil {
		return false
	}
	at := host.State().Phase
	return at != session.HostConnecting && at != session.HostIdle
}

// cutOnSignal ends what is shared as soon as the program is told to go; the windows, which
// end the rest, may be busy.
func (p *program) cutOnSignal() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(told)
	select {
	case <-told:
		p.helped.Cut(wire.EndHostClosed)
	case <-p.quit:
	}
}

// leaveOn cuts and closes the app when another one could start on its display.
func (p *program) leaveOn(lost <-chan struct{}, leave func()) {
	select {
	case <-lost:
		p.log.Error("the app closes: another program took its place on the display")
		leave()
	case <-p.quit:
	}
}

// close ends everything, the person's desktop first.
func (p *program) close() {
	close(p.quit)
	p.helped.Cut(wire.EndHostClosed)
	p.helper.close()
	p.helped.close()
	p.unit.close()
	p.trial.close()
	p.desktop.close()
	p.refused.Flush()
}

// refuses is how one side of the app keeps a line about what it refused.
func (p *program) refuses(side refusal.Side) func(what string, why error) {
	return func(what string, why error) {
		p.refused.Add(side, what, why)
		nudge(p.helped.changed)
	}
}

// language is the one that the person chose, or the system's: "fr" or "en".
func (p *program) language() string {
	if l := p.settings.get().App.Language; l != "" {
		return l
	}
	return systemLanguage()
}

// wordList is the list that check words are drawn from, in the language in force.
func (p *program) wordList() []string { return assets.WordLists(p.language())[0] }

// speak takes the language in force for all that is not a window.
func (p *program) speak() {
	text, err := assets.Texts("program", p.language())
	if err != nil {
		p.log.Error("no texts", "error", err)
		return
	}
	p.mu.Lock()
	p.text = text
	p.mu.Unlock()
	if p.desktop.lamp != nil {
		p.desktop.lamp.SetTexts(bannerTexts(text), p.settings.get().App.TextSize)
	}
}

// texts is asked for each time: the person may change the language at any moment.
func (p *program) texts() assets.Text {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text
}

// open takes hold of what a shared desktop needs. What cannot be had stays nil, and
// sharing is refused when it is asked for.
func (d *desktop) open(p *program) {
	reins := p.helped
	d.attend(p)
	l, err := lamp.New(lamp.Options{
		Texts:    bannerTexts(p.texts()),
		TextSize: p.settings.get().App.TextSize,
		OnCut:    func() { reins.Cut(wire.EndUserCut) },
		OnPause:  func() { reins.SetPaused(true) },
		OnResume: func() {
			if d.goesOn() {
				reins.SetPaused(false)
			}
		},
		OnTakeBack: reins.TakeBack,
		Log:        d.log,
	})
	if err != nil {
		d.log.Warn("this screen cannot be shared: no banner", "error", err)
		return
	}
	d.lamp = l
	if d.watcher, err = input.Watch(d.log); err != nil {
		d.log.Warn("this screen cannot be shared: no watcher", "error", err)
	}
	if d.hotkey, err = lamp.NewHotkey(d.log, func() { reins.Cut(wire.EndUserCut) }); err != nil {
		d.log.Warn("no hot-key", "error", err)
	}
}

// bannerTexts come in two lengths: on a narrow monitor words go before buttons do.
func bannerTexts(t assets.Text) lamp.Texts {
	return lamp.Texts{
		Seen: t("banner.seen"), SeenShort: t("banner.seen.short"),
		Driven: t("banner.driven"), DrivenShort: t("banner.driven.short"),
		Paused: t("banner.paused"), PausedShort: t("banner.paused.short"),
		Idle: t("banner.idle"), IdleShort: t("banner.idle.short"),
		SeenOne: t("banner.seen.one"), SeenOneShort: t("banner.seen.one.short"), IdleOne: t("banner.idle.one"),
		Pause: t("banner.pause"), Resume: t("banner.resume"), TakeBack: t("banner.takeBack"), Cut: t("banner.cut"),
	}
}
