// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// app is one running app, of the host or of the technician.
type app struct {
	name   string
	screen *display
	bin    string
	dir    string // its own folder: configuration, keys, home
	door   string // path of its test door
	as     account
	net    string
	proc   *process
	peer   *app     // the other one
	env    []string // of its own
	life   *testing.T
}

// launch starts the app.
func (a *app) launch(t *testing.T) {
	t.Helper()
	a.proc = start(t, program{path: a.bin, args: []string{"--config-dir", a.dir, "--verbose"}, as: a.as, net: a.net,
		log: a.dir + ".log", life: a.life,
		env: append(append(a.screen.env(), "HOME="+a.dir, "XDG_RUNTIME_DIR="+a.dir, "LANG=fr_FR.UTF-8", "ASSIST_TEST_DOOR="+a.door), a.env...)})
}

// world is all that an intervention takes: two displays, a server, two apps.
type world struct {
	dir    string
	as     account
	cable  cable
	server *server
	phone  *authenticator
	host   *app
	tech   *app
	id     string // the host's number, 12 digits
	tray   *tray
	logins *logins // of the tests that have one
	asked  int     // requests so far, to tell reasons apart

	*sentries // what was quick is measured by them
}

// newWorld starts everything, joins both apps and enrols the technician; prepare is done
// before the apps start.
func newWorld(t *testing.T, prepare ...func(*world)) *world {
	w := newDesktops(t)
	bin := w.build(t, "assist", "./cmd/assist", "testdoor")
	w.server = newServer(t, w.build(t, "assist-server", "./cmd/assist-server", ""), w.dir, w.cable.here, w.as)
	w.host = w.newApp(t, "host", bin, twoMonitors(t, w.dir))
	w.host.net = w.cable.space
	w.tech = w.newApp(t, "tech", bin, newDisplay(t, w.dir, image.Pt(2560, 1800)))
	w.host.peer, w.tech.peer = w.tech, w.host
	w.tray = newTray(t, w.dir, w.as)
	w.host.env = []string{"DBUS_SESSION_BUS_ADDRESS=" + w.tray.address}
	for _, p := range prepare {
		p(w)
	}
	for _, a := range []*app{w.host, w.tech} {
		a.launch(t)
	}
	for _, a := range []*app{w.host, w.tech} {
		w.join(t, a)
	}
	w.id = w.number(t)
	w.enrol(t)
	w.arrange(t)
	return w
}

// newDesktops makes what every world has: a folder, a user, a network.
func newDesktops(t *testing.T) *world {
	dir, err := os.MkdirTemp("/tmp", "assist-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{dir: dir, sentries: newSentries(t)}
	if w.as, err = ordinary(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.clear(t) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := w.as.own(dir); err != nil {
		t.Fatal(err)
	}
	w.cable = layCable(t)
	return w
}

// clear removes the folder, but leaves what the programs wrote after a failure.
func (w *world) clear(t *testing.T) {
	if t.Failed() {
		_ = os.MkdirAll(outDir(), 0o755)
		logs, _ := filepath.Glob(filepath.Join(w.dir, "*.log"))
		for _, l := range logs {
			if b, err := os.ReadFile(l); err == nil {
				_ = os.WriteFile(filepath.Join(outDir(), filepath.Base(l)), b, 0o644)
			}
		}
	}
	_ = os.RemoveAll(w.dir)
}

// build builds one of the programs.
func (w *world) build(t *testing.T, name, pkg, tags string) string {
	t.Helper()
	out := filepath.Join(w.dir, name)
	var env []string
	if name == "assist-server" {
		env = []string{"CGO_ENABLED=0"}
	}
	args := []string{"build", "-o", out}
	if tags != "" {
		args = append(args, "-tags", tags)
	}
	run(t, env, "go", append(args, "assist/"+strings.TrimPrefix(pkg, "./"))...)
	return out
}

func (w *world) newApp(t *testing.T, name, bin string, d *display) *app {
	t.Helper()
	a := &app{life: t, name: name, screen: d, bin: bin, dir: filepath.Join(w.dir, name), as: w.as}
	a.door = filepath.Join(a.dir, "door")
	if err := os.Mkdir(a.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := w.as.own(a.dir); err != nil {
		t.Fatal(err)
	}
	return a
}

// join makes an app that starts for the first time part of the unit.
func (w *world) join(t *testing.T, a *app) {
	t.Helper()
	a.press(t, want{id: "tile-code", window: "Assist"})
	a.fill(t, want{id: "code"}, w.server.join)
	a.press(t, want{id: "join"})
	a.see(t, aWhile, want{id: "machine"})
}

// number reads the host's number off its window, once it is ready.
func (w *world) number(t *testing.T) string {
	t.Helper()
	w.ready(t)
	var id string
	w.host.eventually(t, "the host's number", func() error { // it takes a moment to work out
		g, err := w.host.find(want{id: "machine"})
		if id = strings.ReplaceAll(g.Text, " ", ""); err == nil && len(id) != 12 {
			err = fmt.Errorf("it is %q", g.Text)
		}
		return err
	})
	return id
}

// ready waits until the host's app says that it is ready and nobody connected.
func (w *world) ready(t *testing.T) {
	t.Helper()
	w.host.see(t, 2*aWhile, want{id: "state", text: "Prêt"})
}

// enrol makes the technician's account theirs and logs in.
func (w *world) enrol(t *testing.T) {
	t.Helper()
	code := w.server.invite(t)
	a := w.tech
	a.press(t, want{id: "tab-helper"})
	a.press(t, want{id: "enrol"})
	a.fill(t, want{id: "code"}, code)
	a.fill(t, want{id: "password"}, techSecret)
	a.fill(t, want{id: "password-again"}, techSecret)
	a.press(t, want{id: "next"})
	secret := a.see(t, aWhile, want{id: "secret"})
	w.phone = &authenticator{s: w.server, secret: strings.ReplaceAll(secret.Text, " ", "")}
	a.fill(t, want{id: "totp"}, w.phone.next(t))
	a.press(t, want{id: "confirm"})
	a.fill(t, want{id: "login"}, techLogin)
	a.fill(t, want{id: "password"}, techSecret)
	a.press(t, want{id: "sign-in"})
	a.see(t, aWhile, want{id: "machine-number"})
}

// arrange puts the technician's main window below where session windows go.
func (w *world) arrange(t *testing.T) {
	t.Helper()
	_, at, err := w.tech.screen.window("Assist")
	if err != nil {
		t.Fatal(err)
	}
	w.tech.screen.arrange(t, "Assist", image.Rectangle{Max: at.Size()}.Add(image.Pt(1500, 1100)))
}

// request is what the technician asks for.
type request struct {
	machine string
	totp    string
	control bool
}

// ask fills the technician's form and sends it; it returns the reason given.
func (w *world) ask(t *testing.T, r request) string {
	t.Helper()
	a := w.tech
	w.asked++
	reason := fmt.Sprintf("Essai %d", w.asked)
	if r.machine == "" {
		r.machine = w.id
	}
	if r.totp == "" {
		r.totp = w.phone.next(t)
	}
	a.fill(t, want{id: "machine-number"}, r.machine)
	a.fill(t, want{id: "reason"}, reason)
	a.fill(t, want{id: "totp"}, r.totp)
	a.tick(t, want{id: "right-control"}, r.control)
	a.press(t, want{id: "connect"})
	return reason
}

// accept waits for the dialog on the host's screen and says yes.
func (w *world) accept(t *testing.T, control bool) {
	t.Helper()
	a := w.host
	a.see(t, aWhile, want{id: "accept"})
	if control {
		a.tick(t, want{id: "right-control"}, true)
	}
	a.counts(t, want{id: "accept"}, func() error { return a.absent(want{id: "accept"}) })
}

// tidy ends what a scenario before left open, and waits until both sides are ready.
func (w *world) tidy(t *testing.T) {
	t.Helper()
	if g, err := w.tech.find(want{id: "pane*"}); err == nil {
		l := &live{world: w, title: g.Window}
		l.end(t)
	}
	if g, err := w.tech.find(want{id: "note", window: "Essai"}); err == nil {
		l := &live{world: w, title: g.Window}
		l.over(t, "Intervention terminée")
	}
	if _, err := w.tech.find(want{id: "wait-state"}); err == nil {
		w.tech.press(t, want{id: "cancel"})
	}
	w.back(t)
	w.ready(t)
}

// live is an intervention under way, as the technician's window shows it.
type live struct {
	*world
	reason string
	title  string // of the session window
}

// intervene goes from the form to pictures on the technician's screen.
func (w *world) intervene(t *testing.T, control bool) *live {
	t.Helper()
	w.tidy(t)
	l := &live{world: w, reason: w.ask(t, request{control: control})}
	w.accept(t, control)
	l.open(t)
	return l
}

// open waits for the session window and makes it large enough for 1:1.
func (l *live) open(t *testing.T) {
	t.Helper()
	g := l.tech.see(t, aWhile, want{id: "pane*", window: l.reason})
	l.title = g.Window
	win, _, err := l.tech.screen.window(l.title)
	if err != nil {
		t.Fatal(err)
	}
	n := strconv.Itoa(int(win))
	l.tech.gone(t, aWhile, want{text: "En attente de l’image", window: l.title})
	err = wait(soon, func() error {
		l.tech.screen.xdotool(t, "windowmove", n, "0", "0", "windowsize", n, "2400", "1000")
		return wait(time.Second, l.actualSize)
	})
	if err != nil {
		l.tech.fail(t, err)
	}
}

// actualSize checks that both pictures are shown at 1:1.
func (l *live) actualSize() error {
	p, err := l.pictures()
	if err != nil {
		return err
	}
	for _, r := range p {
		if r.Size() != image.Pt(1280, 800) && r.Size() != image.Pt(1024, 600) {
			return fmt.Errorf("a picture of %v", r.Size())
		}
	}
	return yes(len(p) == 2)
}

// pictures says where on the technician's screen each monitor's picture lies, the
// primary monitor's first.
func (l *live) pictures() ([]image.Rectangle, error) {
	g, err := l.tech.find(want{id: "pane*", window: l.title})
	if err != nil {
		return nil, err
	}
	_, win, err := l.tech.screen.window(l.title)
	if err != nil {
		return nil, err
	}
	var all []image.Rectangle
	for _, f := range strings.Fields(g.ID)[1:] {
		var id, x, y, dx, dy int
		if _, err := fmt.Sscanf(f, "%d=%d,%d,%d,%d", &id, &x, &y, &dx, &dy); err != nil {
			return nil, fmt.Errorf("pane %q: %w", g.ID, err)
		}
		r := image.Rect(x, y, x+dx, y+dy).Add(win.Min).Add(image.Pt(g.X, g.Y))
		if r.Dx() == 1280 {
			all = append([]image.Rectangle{r}, all...)
		} else {
			all = append(all, r)
		}
	}
	return all, nil
}

// over waits for the end page and leaves it with a note.
func (l *live) over(t *testing.T, says string) {
	t.Helper()
	a := l.tech
	a.see(t, aWhile, want{text: says, window: l.title})
	note := want{id: "note", window: l.title}
	a.enter(t, note)
	a.screen.write(t, "fini")
	a.press(t, want{text: "Enregistrer et revenir", window: l.title})
	if err := wait(soon, func() error {
		if _, _, err := a.screen.window(l.title); err == nil {
			return errors.New("the session window is still there")
		}
		return nil
	}); err != nil {
		a.fail(t, err)
	}
	a.see(t, soon, want{id: "machine-number"})
}

// end ends the intervention from the technician's side.
func (l *live) end(t *testing.T) {
	t.Helper()
	l.tech.press(t, want{text: "Terminer", kind: "button", window: l.title})
	l.over(t, "Vous avez terminé")
	l.ready(t)
}

// within is a wait for what must come fast, measured.
func within(t *testing.T, limit time.Duration, what string, cond func() error) time.Duration {
	t.Helper()
	begin := time.Now()
	eventually(t, limit, what, cond)
	took := time.Since(begin)
	t.Logf("%s: %v", what, took.Round(time.Millisecond))
	return took
}
