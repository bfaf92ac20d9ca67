// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jezek/xgb/xproto"
)

// TestShortcuts has a technician press what programs and window managers act upon, at a host
// whose person has the app's settings open. While the technician drives, the window shows
// the reins of the session and nothing else, so that a key which gets there all the same,
// since a window manager gave it the keyboard in that very moment, can pause, take back or
// cut at most.
func TestShortcuts(t *testing.T) {
	w := newWorld(t)
	w.tech.screen.forgetShortcuts(t)
	l := w.intervene(t, false)
	w.host.press(t, want{id: "settings"})
	w.host.see(t, soon, want{text: "Taille du texte"})
	l.isLentControl(t)
	t.Run("in our window", l.shortcutsInOurWindow)
	t.Run("after a pause", l.goesOnAfterAPause)
	t.Run("from another window", l.shortcutsFromElsewhere)
	w.host.press(t, want{id: "take-back"})
	l.settingsAreBack(t)
	w.host.press(t, want{id: "tab-helped"})
	l.end(t)
}

// shortcuts are what openbox, other window managers and programs act upon: close, switch,
// menu, lower, cycle, desktops, consoles, the screen shot.
func shortcuts() []string {
	return []string{"alt+F4", "alt+Tab", "shift+alt+Tab", "alt+Escape", "alt+space", "Return", "Escape", "Tab", "space", "shift+Tab", "space",
		"super", "super+d", "super+e", "alt+F2", "alt+F10", "ctrl+alt+F1", "ctrl+alt+F7", "Print", "alt+Print", "ctrl+alt+BackSpace",
		"ctrl+alt+Delete", "ctrl+w", "ctrl+q", "ctrl+s", "F10", "Menu", "F11", "Down", "Return"}
}

// forgetShortcuts has the technician's own window manager leave all keys to the programs.
func (d *display) forgetShortcuts(t *testing.T) {
	t.Helper()
	dir := filepath.Join(d.dir, ".config", "openbox")
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "rc.xml"), []byte(`<?xml version="1.0"?>
<openbox_config xmlns="http://openbox.org/3.4/rc"><keyboard></keyboard></openbox_config>`), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	run(t, append(d.env(), "HOME="+d.dir), "openbox", "--reconfigure")
}

// isLentControl has the technician ask for mouse and keyboard, and the person give them.
func (l *live) isLentControl(t *testing.T) {
	t.Helper()
	l.tech.press(t, want{text: "Demander la main", kind: "button", window: l.title})
	l.accept(t, false)
	l.driving(t)
}

// shortcutsInOurWindow presses them while the app's window has the host's keyboard: nothing
// comes of it at all.
func (l *live) shortcutsInOurWindow(t *testing.T) {
	l.alone(t, "once control was given", l.probe(t))
	l.host.screen.activate(t, "Assist")
	before := l.standing(t)
	l.keyboard(t)
	l.tech.screen.xdotool(t, append([]string{"key", "--delay", "5"}, shortcuts()...)...)
	l.choose(t, "Touches", "Down", "Down") // Alt+Tab, of the toolbar
	l.arrives(t)
	l.unmoved(t, "keys in our window", before)
}

// goesOnAfterAPause: anything pauses; only a device of the person goes on, in the window and
// on the banner.
func (l *live) goesOnAfterAPause(t *testing.T) {
	hold := want{id: "pause", window: "Assist"}
	paused, goesOn := want{id: "pause", text: "Continuer"}, want{id: "pause", text: "Pause"}
	l.host.press(t, hold)
	l.host.see(t, soon, paused)
	l.host.press(t, hold) // by a program, that plays the mouse
	l.host.see(t, soon, want{text: "renez une vraie souris", window: "Assist"})
	l.host.answer(t, hold)
	l.host.see(t, soon, goesOn)
	passes(yields) // the hand is forgotten
	l.host.press(t, hold)
	l.host.see(t, soon, paused)
	_, r, err := l.banner()
	if err != nil {
		t.Fatal(err)
	}
	at := image.Pt(r.Max.X-150, (r.Min.Y+r.Max.Y)/2)
	l.host.screen.click(t, at, 1)
	passes(yields / 2)
	if _, err := l.host.find(paused); err != nil {
		l.host.fail(t, fmt.Errorf("a program went on by the banner: %w", err))
	}
	l.host.screen.jump(t, at)
	l.host.screen.tap(t)
	l.host.see(t, soon, goesOn)
	l.driving(t)
}

// shortcutsFromElsewhere begins in a window of another program, where keys do arrive: the
// window manager is made to switch to the app, and what follows at once is for it.
func (l *live) shortcutsFromElsewhere(t *testing.T) {
	switched := 0
	for _, after := range [][]string{
		{"Escape"}, {"space"}, {"Tab", "space"}, {"Return"}, {"Tab", "Return", "Escape"}, {"alt+F4"},
	} {
		for _, raw := range []bool{true, false} {
			what := fmt.Sprintf("Alt+Tab, then %v at once (keys alone: %v)", after, raw)
			before := l.elsewhere(t)
			to := l.probe(t)
			if raw {
				l.tech.screen.xdotool(t, append([]string{"key", "--delay", "0", "alt+Tab"}, after...)...)
			} else {
				l.choose(t, "Touches", "Down", "Down")
				l.tech.screen.xdotool(t, append([]string{"key", "--delay", "0"}, after...)...)
			}
			l.alone(t, what, to)
			if l.host.screen.active() != before {
				switched++
			}
		}
	}
	if switched < 6 { // a window manager that is slow takes some of it for another wish
		t.Errorf("the window manager switched %d times of 12", switched)
	}
}

// elsewhere gives the host's keyboard to another program's window, and the technician's to
// the picture.
func (l *live) elsewhere(t *testing.T) xproto.Window {
	t.Helper()
	l.host.screen.activate(t, "Assist") // the next one behind
	if _, _, err := l.host.screen.window("elsewhere"); err != nil {
		l.newNotepad(t, "elsewhere")
	}
	l.host.screen.activate(t, "elsewhere")
	l.keyboard(t)
	return l.host.screen.active()
}

// alone checks that the app shows the reins of the session and nothing else while the
// technician drives, once the keys have done what they do. Keys that came all the same may
// have lessened that: then nothing more than before is within reach of anybody but the
// person, and it goes on anew.
func (l *live) alone(t *testing.T, what string, to probe) {
	t.Helper()
	if !l.settles(t, what, to) {
		l.lessened(t, what)
		return
	}
	if err := wait(soon, l.reinsAlone); err != nil {
		l.host.fail(t, fmt.Errorf("%s: %w", what, err))
	}
}

// settles waits until the keys have come, and who acts on them has done so. What the
// technician does after that still arrives, unless the keys have lessened what they may do.
func (l *live) settles(t *testing.T, what string, to probe) (driving bool) {
	t.Helper()
	if !l.reaches(t, what, to) {
		return false
	}
	l.host.screen.managed(t)
	for range 2 { // between two answers the app has looked at its events
		_, _ = l.host.widgets() // it may have ended
	}
	return l.reaches(t, what, to)
}

// reaches has the technician click, and says whether that has come to the host; it does not
// when the technician's window no longer says that they drive.
func (l *live) reaches(t *testing.T, what string, to probe) (come bool) {
	t.Helper()
	p := newPad(t, l.host.screen, to.at, 0x304030)
	defer p.close()
	l.tech.gone(t, soon, want{id: "overlay", window: l.title}) // the menu that was chosen from
	l.tech.screen.click(t, to.shown, 1)
	l.tech.eventually(t, what, func() error {
		for _, d := range p.take(false) {
			come = come || d.what == "up"
		}
		_, err := l.tech.find(want{text: "vous avez la main", window: l.title})
		return yes(come || err != nil)
	})
	return come
}

// reinsAlone says what else than the reins is within reach of the host's keyboard.
func (l *live) reinsAlone() error {
	all, err := l.host.widgets()
	if err != nil {
		return err
	}
	var reach []string
	for _, g := range all {
		if g.Kind != "text" {
			reach = append(reach, strings.TrimPrefix(g.Window+" "+g.ID, "Assist "))
		}
	}
	if !slices.Equal(reach, []string{"pause", "take-back", "cut", "cut-report"}) {
		return fmt.Errorf("within reach are %q", reach)
	}
	return nil
}

// lessened looks at what keys took away, and begins anew.
func (l *live) lessened(t *testing.T, what string) {
	t.Helper()
	says := func(text string) bool {
		_, err := l.tech.find(want{text: text, window: l.title})
		return err == nil
	}
	l.tech.eventually(t, what, func() error {
		return yes(says("en pause") || says("vue seule") || says("Note de clôture"))
	})
	switch {
	case says("en pause"):
		t.Logf("%s: paused", what)
		l.host.answer(t, want{id: "pause", window: "Assist"})
		l.driving(t)
		return
	case says("L’utilisateur a fermé"):
		t.Logf("%s: closed the app", what)
		eventually(t, soon, "it ends", func() error { return yes(l.host.proc.ended()) })
		l.over(t, "")
		l.host.launch(t)
		l.ready(t)
		l.host.press(t, want{id: "settings"})
	case says("vue seule"):
		t.Logf("%s: taken back", what)
		l.tech.press(t, want{text: "Terminer", kind: "button", window: l.title})
		l.over(t, "")
	default:
		t.Logf("%s: cut", what)
		l.over(t, "")
	}
	l.host.see(t, soon, want{text: "Taille du texte"})
	l.drivesAnew(t)
}

// drivesAnew is another intervention with control, while the settings are open.
func (l *live) drivesAnew(t *testing.T) {
	t.Helper()
	l.reason = l.ask(t, request{control: true})
	l.accept(t, true)
	l.open(t)
	l.driving(t)
}

// settingsAreBack: what was open when control began is there again, as it was.
func (l *live) settingsAreBack(t *testing.T) {
	t.Helper()
	l.host.see(t, soon, want{text: "Taille du texte"})
	for _, id := range []string{"language-system", "theme-system", "size-100"} {
		if g, err := l.host.find(want{id: id}); err != nil || !g.Checked {
			l.host.fail(t, errors.Join(fmt.Errorf("%s is not chosen any more", id), err))
		}
	}
}
