// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"

	"assist/assets"
	"assist/internal/wire"
)

// ErrConfig says that Config lacks something.
var ErrConfig = errors.New("ui: incomplete configuration")

// App is the main window and all that opens from it. It implements consent.Asker.
// Its exported methods may be called from any goroutine, unless they say otherwise.
type App struct {
	cfg    Config
	win    fyne.Window
	prefs  Preferences
	tongue *words
	door   door

	place place
	pages map[place]page // what each place shows
	shown page
	tasks map[place]task // of the page in each place
	frame frame

	session   *sessionPage // shown alone while somebody drives; nil: nobody does
	contained atomic.Bool  // it is
	lent      time.Time    // beginning of the last intervention in which somebody drove

	running Request // the technician's request or session under way
	tray    tray
	lost    lostWord

	reported map[string]time.Time // when a report was confirmed that was made of a receipt, by its ID

	spawn func(func()) // starts a goroutine

	open atomic.Int32 // dialogs that are open, from before they show until they are gone
	end  sync.Once
	done chan struct{}
}

// place is what the body of the window shows.
type place uint8

const (
	placeHelped place = iota
	placeHelper
	placeSettings
	placeFirst // before the app belongs to a unit
)

// page is one screen. A page lives as long as its place shows it and is built again
// when language, theme or text size change, so it keeps what was typed.
type page interface {
	build() fyne.CanvasObject
	update()               // a state changed, or a second went by
	first() fyne.Focusable // gets the focus when the page appears; nil: nothing does
}

// New makes the windows without showing one. It is called on the toolkit's goroutine,
// before Run.
func New(cfg Config) (*App, error) {
	if cfg.App == nil || cfg.Log == nil || cfg.Store == nil || cfg.Helped == nil || cfg.Reins == nil ||
		cfg.Receipts == nil || cfg.Refusals == nil || cfg.Joiner == nil || cfg.Helper == nil || cfg.Account == nil ||
		cfg.Asking == nil || cfg.Check == nil || cfg.Genuine == nil || cfg.Clear == nil || cfg.Session == nil {
		return nil, ErrConfig
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	a := &App{cfg: cfg, pages: map[place]page{}, tasks: map[place]task{}, reported: map[string]time.Time{}, done: make(chan struct{})}
	a.spawn = func(f func()) { go f() }
	if err := a.wear(cfg.Store.Load()); err != nil {
		return nil, err
	}
	a.pages[placeHelped] = newHomePage(a)
	a.pages[placeHelper] = newHelperPage(a)
	a.pages[placeSettings] = newSettingsPage(a)
	if !cfg.Helped.State().Joined {
		a.place = placeFirst
		a.pages[placeFirst] = newFirstPage(a)
	}
	a.newWindow()
	a.newTray()
	a.rebuild()
	cfg.App.Settings().AddListener(func(fyne.Settings) { a.followSystem() })
	a.openDoor()
	return a, nil
}

// wear puts on language, theme and text size.
func (a *App) wear(p Preferences) error {
	tongue, err := loadWords(assets.I18n, pickLanguage(p.Language, a.cfg.Locale))
	if err != nil {
		return fmt.Errorf("ui: %w", err)
	}
	a.prefs, a.tongue = p, tongue
	a.cfg.App.Settings().SetTheme(NewLook(p))
	return nil
}

// prefer changes the preferences, keeps them, and shows everything anew.
func (a *App) prefer(change func(*Preferences)) {
	p := a.prefs
	change(&p)
	if err := a.wear(p); err != nil {
		a.cfg.Log.Error("change preferences", "err", err)
		return
	}
	if err := a.cfg.Store.Save(p); err != nil {
		a.cfg.Log.Warn("keep preferences", "err", err)
	}
	a.rebuild()
	a.refreshTray()
}

// followSystem draws anew when the system went from light to dark or back.
func (a *App) followSystem() {
	if a.frame.dark != a.isDark() {
		a.rebuild()
	}
}

// say is a text in the person's language.
func (a *App) say(key string, pairs ...string) string { return a.tongue.say(key, pairs...) }

// newWindow makes the main window. Esc leads back from the pages that can be left; a
// configuration file may be dropped where one is asked for.
func (a *App) newWindow() {
	a.win = a.cfg.App.NewWindow("Assist")
	a.win.SetMaster()
	a.win.SetPadded(false)
	a.win.SetIcon(a.icon("assist"))
	a.win.Resize(fyne.NewSize(980, 640))
	a.win.SetCloseIntercept(a.Close)
	a.win.Canvas().SetOnTypedKey(func(e *fyne.KeyEvent) {
		if b, ok := a.shown.(interface{ back() }); ok && e.Name == fyne.KeyEscape {
			b.back()
		}
	})
	a.win.SetOnDropped(func(_ fyne.Position, files []fyne.URI) {
		if j, ok := a.shown.(*joinPage); ok && len(files) == 1 {
			j.openFile(files[0].Path())
		}
	})
}

// icon is one of our drawings; without it nothing can be shown, which the tests
// exclude.
func (a *App) icon(name string) fyne.Resource {
	b, err := assets.Icons.ReadFile("icons/" + name + ".svg")
	if err != nil {
		a.cfg.Log.Error("read icon", "err", err)
	}
	return fyne.NewStaticResource(name+".svg", b)
}

// Run shows the window and returns when the app has quit. It is called on the main
// goroutine.
func (a *App) Run() {
	go a.watch()
	a.win.Show()
	a.focusFirst()
	a.cfg.App.Run()
	a.stop()
}

// watch carries changes of state to the page shown.
func (a *App) watch() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-a.done:
			return
		case <-tick.C:
		case <-a.cfg.Helped.Changed():
		case <-a.cfg.Helper.Changed():
		}
		fyne.DoAndWait(a.update)
	}
}

// update shows the states as they are now.
func (a *App) update() {
	now := a.cfg.Helped.State()
	a.contain(now.Live)
	a.shown.update()
	a.showStrip(now.Live)
	a.refreshTray()
	a.showLost(now)
}

func (a *App) stop() { a.end.Do(func() { close(a.done) }) }

// Close is what closing the window does: it cuts at once, then quits.
func (a *App) Close() {
	a.cfg.Reins.Cut(wire.EndHostClosed)
	fyne.Do(func() {
		if a.running != nil {
			a.running.Cancel()
		}
		for _, t := range a.tasks {
			t.stop()
		}
		a.stop()
		a.cfg.App.Quit()
	})
}

// Raise brings the window to the front, for a second start of the app.
func (a *App) Raise() {
	fyne.Do(func() {
		a.win.Show()
		a.win.RequestFocus()
	})
}

// DialogOpen says that a question to the person is on the screen; remote input is held
// back meanwhile.
func (a *App) DialogOpen() bool { return a.open.Load() > 0 }

// task is what the calls of one page run under. It ends when its place turns to
// another page.
type task struct {
	ctx  context.Context
	stop context.CancelFunc
}

// background runs a call that takes time for the page of the place shown, then shows its
// end on the toolkit's goroutine, unless the person has turned away from that page.
func (a *App) background(call func(context.Context) error, then func(error)) {
	t, ok := a.tasks[a.place]
	if !ok {
		t.ctx, t.stop = context.WithCancel(context.Background())
		a.tasks[a.place] = t
	}
	a.spawn(func() {
		err := call(t.ctx)
		fyne.Do(func() {
			if t.ctx.Err() == nil {
				then(err)
			}
		})
	})
}

// dropTask ends the calls of the page in a place.
func (a *App) dropTask(at place) {
	if t, ok := a.tasks[at]; ok {
		t.stop()
		delete(a.tasks, at)
	}
}
