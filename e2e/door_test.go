// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"net"
	"strings"
	"testing"
	"time"
)

// widget is one widget as an app's test door tells it.
type widget struct {
	Window  string `json:"window"`
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Text    string `json:"text"`
	X       int    `json:"x"`
	Y       int    `json:"y"`
	W       int    `json:"w"`
	H       int    `json:"h"`
	Enabled bool   `json:"enabled"`
	Focused bool   `json:"focused"`
	Checked bool   `json:"checked"`
}

// figures are the size of an app's process.
type figures struct {
	Goroutines int    `json:"goroutines"`
	Heap       uint64 `json:"heap"`
	Stacks     string `json:"stacks"`
}

// ask puts one question to an app's test door.
func (a *app) ask(question string, answer any) error {
	c, err := net.DialTimeout("unix", a.door, soon)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * soon))
	if _, err := fmt.Fprintln(c, question); err != nil {
		return err
	}
	return json.NewDecoder(bufio.NewReader(c)).Decode(answer)
}

func (a *app) widgets() ([]widget, error) {
	var all []widget
	err := a.ask("widgets", &all)
	return all, err
}

func (a *app) figures(t *testing.T) figures {
	t.Helper()
	var f figures
	if err := a.ask("stats", &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// want describes the widget that a test looks for.
type want struct {
	id     string // its name at the door
	text   string // part of what it says
	kind   string
	window string // part of its window's title

	focused bool // it has the keyboard
}

func (w want) String() string {
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s %q in %q", w.kind, w.id, w.text, w.window)), " ")
}

func (w want) fits(g widget) bool {
	return (w.id == "" || g.ID == w.id || strings.HasSuffix(w.id, "*") && strings.HasPrefix(g.ID, strings.TrimSuffix(w.id, "*"))) &&
		strings.Contains(g.Text, w.text) && (w.kind == "" || g.Kind == w.kind) &&
		strings.Contains(g.Window, w.window) && (g.Focused || !w.focused)
}

// find returns the first widget that fits.
func (a *app) find(w want) (widget, error) {
	all, err := a.widgets()
	if err != nil {
		return widget{}, err
	}
	for _, g := range all {
		if w.fits(g) {
			return g, nil
		}
	}
	return widget{}, fmt.Errorf("no %v", w)
}

// see waits for a widget.
func (a *app) see(t *testing.T, limit time.Duration, w want) widget {
	t.Helper()
	var found widget
	err := wait(limit, func() (err error) {
		found, err = a.find(w)
		return err
	})
	if err != nil {
		a.fail(t, err)
	}
	return found
}

// gone waits until no widget fits.
func (a *app) gone(t *testing.T, limit time.Duration, w want) {
	t.Helper()
	if err := wait(limit, func() error { return a.absent(w) }); err != nil {
		a.fail(t, err)
	}
}

// absent is nil when there is no such widget.
func (a *app) absent(w want) error {
	all, err := a.widgets()
	if err != nil {
		return err
	}
	for _, g := range all {
		if w.fits(g) {
			return fmt.Errorf("%v is still there", w)
		}
	}
	return nil
}

// press clicks a widget once it can be clicked, by a program that plays the mouse.
func (a *app) press(t *testing.T, w want) {
	t.Helper()
	a.screen.click(t, a.aim(t, w), 1)
}

// answer is press by the person's own devices: once mouse and keyboard were given, a
// program that plays them answers nothing.
func (a *app) answer(t *testing.T, w want) {
	t.Helper()
	if a.screen.devices == nil {
		t.Skip("a server with devices takes root")
	}
	a.screen.jump(t, a.aim(t, w))
	a.screen.tap(t)
}

// aim waits until a widget can be clicked, and stays where it is.
func (a *app) aim(t *testing.T, w want) image.Point {
	t.Helper()
	var g widget
	err := wait(aWhile, func() (err error) {
		if g, err = a.find(w); err == nil && !g.Enabled {
			err = fmt.Errorf("%v is disabled", w)
		}
		return err
	})
	if err != nil {
		a.fail(t, err)
	}
	a.screen.activate(t, g.Window)
	at, err := a.settled(w)
	if err != nil {
		a.fail(t, err)
	}
	return at
}

// settled is the middle of a widget once it stays where it is: windows move when
// they appear, and what is in them when something else comes or goes.
func (a *app) settled(w want) (at image.Point, err error) {
	same := 0
	err = wait(aWhile, func() error {
		g, err := a.find(w)
		if err != nil {
			return err
		}
		now, err := a.middle(g)
		if now != at || err != nil {
			same = 0
		}
		at = now
		same++
		return errors.Join(err, yes(same > 2))
	})
	return at, err
}

// middle is the middle of a widget on the screen.
func (a *app) middle(g widget) (image.Point, error) {
	_, r, err := a.screen.window(g.Window)
	return r.Min.Add(image.Pt(g.X+g.W/2, g.Y+g.H/2)), err
}

// fill types a text into a field, in place of what is there.
func (a *app) fill(t *testing.T, w want, text string) {
	t.Helper()
	a.enter(t, w)
	a.screen.keys(t, "ctrl+a", "BackSpace")
	a.screen.write(t, text)
	if strings.HasPrefix(w.id, "password") {
		return // nobody can read it
	}
	if err := wait(aWhile, func() error { return a.reads(w, text) }); err != nil {
		a.fail(t, err)
	}
}

// tick brings a check box into a state.
func (a *app) tick(t *testing.T, w want, on bool) {
	t.Helper()
	if a.see(t, soon, w).Checked == on {
		return
	}
	a.counts(t, w, func() error {
		g, err := a.find(w)
		if err == nil && g.Checked != on {
			err = fmt.Errorf("%v was clicked and did not change", w)
		}
		return err
	})
}

// counts presses a widget, and waits for what that does. A press that a busy computer brings
// late counts for nothing, and the question says so, for a while: then, as it asks, once more.
// Nor does one that found the button off, as it is for a second when the question could not
// be looked at in time.
func (a *app) counts(t *testing.T, w want, done func() error) {
	t.Helper()
	a.countsBy(t, a.press, w, done)
}

// countsBy is counts for a way to press. One by the person's own devices that came late is
// told to use them, too.
func (a *app) countsBy(t *testing.T, press func(*testing.T, want), w want, done func() error) {
	t.Helper()
	press(t, w)
	void := false
	if err := wait(aWhile, func() error {
		err := done()
		if err == nil {
			return nil
		}
		said, gone := a.find(want{id: "seconds"})
		missed := gone == nil && (strings.Contains(said.Text, "pas compté") || strings.Contains(said.Text, "renez une vraie souris"))
		g, gone := a.find(w)
		switch {
		case missed || gone == nil && !g.Enabled:
			void = true
		case void && gone == nil:
			t.Logf("%v: the press came late, and did not count", w)
			press(t, w)
			void = false
		}
		return err
	}); err != nil {
		a.fail(t, err)
	}
}

// reads checks what a field holds, whatever its grouping.
func (a *app) reads(w want, text string) error {
	g, err := a.find(w)
	if err == nil && strings.ReplaceAll(g.Text, " ", "") != strings.ReplaceAll(text, " ", "") {
		err = fmt.Errorf("%v holds %q, not %q", w, g.Text, text)
	}
	return err
}

// enter gives a field the keyboard by a click. A busy app may take seconds to come to
// it: what is sent again too early is done twice.
func (a *app) enter(t *testing.T, w want) {
	t.Helper()
	a.press(t, w)
	if err := wait(aWhile, func() error {
		g, err := a.find(w)
		if err == nil && !g.Focused {
			err = fmt.Errorf("%v was clicked and has no focus", w)
		}
		return err
	}); err != nil {
		a.fail(t, err)
	}
}

// fail ends the test with a picture of the screen and all that the app shows.
func (a *app) fail(t *testing.T, err error) {
	t.Helper()
	lines := a.account(t)
	if a.peer != nil {
		lines = append(append(lines, "and "+a.peer.name+":"), a.peer.account(t)...)
	}
	t.Fatalf("%s: %v\n%s", a.name, err, strings.Join(lines, "\n"))
}

// account is all that an app shows, in words and as a picture.
func (a *app) account(t *testing.T) []string {
	a.keepPicture(t, "failed")
	all, err := a.widgets()
	if err != nil {
		return []string{err.Error()}
	}
	var lines []string
	for _, g := range all {
		lines = append(lines, fmt.Sprintf("  [%s] %s %s %q enabled=%v", g.Window, g.Kind, g.ID, g.Text, g.Enabled))
	}
	return lines
}
