// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"image"
	"image/color"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	wholeReason = "Imprimante introuvable au 2e"
	wholeText   = "lpadmin -p etage2 -E"
	wholeNote   = "File d'impression remise en service"
)

// Colours of the windows on the host's desktop, one a monitor, by which its picture
// is found on the technician's screen.
var (
	purple = color.RGBA{0x7a, 0x2f, 0xbf, 0xff}
	teal   = color.RGBA{0x0f, 0x8f, 0x7f, 0xff}
)

// whole is one intervention by keyboard and mouse alone, between apps as shipped.
type whole struct {
	*world
	*diary
	user, helper *person
	file         string // what is typed into the user's terminal
	session      string // title of the session window
	at           [2]image.Point
}

// TestWholeIntervention plays the whole job on the shipped programs: nothing is asked
// from them but what their screens, windows and files show.
func TestWholeIntervention(t *testing.T) {
	w := newWhole(t)
	w.becomeUnit(t)
	w.enrolByHand(t)
	w.requests(t)
	w.accepts(t)
	w.sees(t)
	w.points(t)
	w.drives(t)
	w.cuts(t)
	w.closesWithNote(t)
	w.readsReceipt(t)
	w.inEnglish(t)
	w.close(t, "Nothing was shown before the person accepted, nothing could be touched before the person allowed it, and the person ended it.")
}

// newWhole makes two desktops as people have them, and starts the shipped programs.
func newWhole(t *testing.T) *whole {
	w := &whole{world: newDesktops(t)}
	bin := w.build(t, "assist", "./cmd/assist", "")
	w.server = newServer(t, w.build(t, "assist-server", "./cmd/assist-server", ""), w.dir, w.cable.here, w.as)
	w.host = w.newApp(t, "user", bin, twoMonitors(t, w.dir))
	w.host.net = w.cable.space
	w.tech = w.newApp(t, "technician", bin, newDisplay(t, w.dir, image.Pt(2440, 1200)))
	w.user, w.helper = &person{app: w.host}, &person{app: w.tech}
	w.host.peer, w.tech.peer = w.tech, w.host
	w.furnish(t)
	w.diary = newDiary(t)
	for _, p := range []*person{w.user, w.helper} {
		w.settle(t, p, "fr", "light")
		p.launch(t)
	}
	for _, p := range []*person{w.user, w.helper} {
		p.opens(t, "Assist")
		p.shows(t, "the first page", inkPrimary, 50)
	}
	w.host.screen.arrange(t, "Assist", image.Rect(20, 260, 820, 760))
	w.user.eventually(t, "the first page, in its new width", w.user.fits)
	w.tell(t, "first-run", "Both people open Assist for the first time.", w.user, w.helper)
	return w
}

// furnish puts small text, colours and a terminal to type into on the host's desktop.
func (w *whole) furnish(t *testing.T) {
	t.Helper()
	d := w.host.screen
	for _, s := range []*display{d, w.tech.screen} {
		run(t, s.env(), "xsetroot", "-solid", "#53697f")
	}
	w.file = filepath.Join(w.host.dir, "typed.txt")
	text := `i=0; while [ $i -lt 40 ]; do printf '%d the quick brown fox jumps over the lazy dog, il1|O0 {}[]()\n' $i; i=$((i+1)); done; exec cat`
	for _, x := range []struct {
		title, place, ground, does string
	}{
		{"Journal", "100x18+1040+60", "white", text},
		{"Couleurs", "24x6+2060+80", "#7a2fbf", "exec cat"},
		{"Notes", "14x4+850+660", "#0f8f7f", "exec cat"},
		{"Terminal", "80x12+1200+520", "white", "exec cat > " + w.file},
	} {
		start(t, program{path: "xterm", as: w.as, env: append(d.env(), "HOME="+w.host.dir, "LC_ALL=C.UTF-8"),
			log:  filepath.Join(w.dir, "xterm.log"),
			args: []string{"-fn", "6x10", "-bg", x.ground, "-fg", "black", "-geometry", x.place, "-T", x.title, "-e", "sh", "-c", x.does}})
		eventually(t, soon, x.title, func() error {
			_, _, err := d.window(x.title)
			return err
		})
	}
}

// becomeUnit pastes the administrator's code into both apps.
func (w *whole) becomeUnit(t *testing.T) {
	for _, p := range []*person{w.user, w.helper} {
		p.turns(t, "space")
		p.types(t, w.server.join)
		p.tab(t, 1)
		p.turns(t, "space")
		p.shows(t, "ready", inkGood, 40)
	}
	w.user.home(t)
	w.user.eventually(t, "the user copies the number", func() error {
		w.user.strike(t, "space")
		text, err := w.user.clipboard()
		if id := bare(text); err == nil && regexp.MustCompile(`^[0-9]{12}$`).MatchString(id) {
			w.id = id
			return nil
		}
		return fmt.Errorf("the clipboard holds %q: %w", text, err)
	})
	w.tell(t, "ready", "Both apps belong to the unit; the user's number is "+grouped(w.id)+".", w.user, w.helper)
}

func grouped(id string) string { return id[:4] + " " + id[4:8] + " " + id[8:] }

// enrolByHand makes the technician's account; the second factor is read off the
// picture on the screen, as a phone does.
func (w *whole) enrolByHand(t *testing.T) {
	p := w.helper
	code := w.server.invite(t)
	p.home(t)
	p.tab(t, -5) // from "copy" over the settings to "help somebody"
	p.turns(t, "space")
	p.tab(t, 3)
	p.turns(t, "space")
	p.types(t, code)
	for range 2 {
		p.tab(t, 1)
		p.mute(t, techSecret)
	}
	p.tab(t, 1)
	p.strike(t, "space")
	p.eventually(t, "the secret on the screen", func() error {
		img, _, err := p.look()
		if err != nil {
			return err
		}
		c, err := findCode(img)
		if err != nil {
			return err
		}
		text, err := c.text()
		if err != nil {
			return err
		}
		u, err := url.Parse(text)
		if err != nil {
			return err
		}
		w.phone = &authenticator{s: w.server, secret: u.Query().Get("secret")}
		return yes(w.phone.secret != "")
	})
	p.types(t, w.phone.next(t))
	w.tell(t, "enrol", "The technician chooses a password and scans the second factor with a phone.", w.helper)
	p.tab(t, 1)
	p.turns(t, "space")
	p.shows(t, "the account is made", inkGood, 40)
	w.signIn(t)
}

// signIn enters the password, the login being known, and leads to the form.
func (w *whole) signIn(t *testing.T) {
	t.Helper()
	p := w.helper
	p.mute(t, techSecret)
	p.tab(t, 1)
	p.turns(t, "space") // what was said before goes at once
	p.shows(t, "who is signed in", inkGood, 40)
}

// requests fills the form and sends it.
func (w *whole) requests(t *testing.T) {
	p := w.helper
	p.types(t, w.id)
	p.tab(t, 1)
	p.types(t, wholeReason)
	p.tab(t, 1)
	p.types(t, w.phone.next(t))
	w.tell(t, "request", "The technician enters the number that the user reads out, a reason and a code.", w.helper)
	p.tab(t, 3) // over pointing and control to "connect"
	p.turns(t, "space")
}

// steadyKeyboard is how long a question must have had the keyboard before it takes a key:
// what somebody types elsewhere is no answer. It can have come to it as late as now.
const steadyKeyboard = 1200 * time.Millisecond

// accepts is the user's answer, by keyboard.
func (w *whole) accepts(t *testing.T) {
	p := w.user
	p.opens(t, p.titled(t, techName))
	p.button(t) // inert in its first second
	if all, err := w.banners(); err != nil || len(all) != 0 {
		t.Fatalf("%d banners before the person accepted, %v", len(all), err)
	}
	w.tell(t, "question", "The user is asked who may see the screens; both read the same check words.", w.user, w.helper)
	w.view(t, "question-window", w.user)
	passes(steadyKeyboard)
	p.tab(t, 1) // from "refuse", where the focus is
	p.insists(t, p.win, func() { p.strike(t, "space") })
	p.win = "Assist"
}

// bannersAre waits until each monitor has a banner of this colour.
func (w *whole) bannersAre(t *testing.T, c color.RGBA) {
	t.Helper()
	eventually(t, aWhile, fmt.Sprintf("banners of %v", c), func() error {
		all, err := w.banners()
		if err != nil {
			return err
		}
		for _, r := range all {
			img, err := w.host.screen.shot(r)
			if err != nil {
				return err
			}
			if n := dots(img, c); n < r.Dx()*r.Dy()/4 {
				return fmt.Errorf("the banner at %v has %d such pixels", r, n)
			}
		}
		if len(all) != 2 {
			return fmt.Errorf("%d banners", len(all))
		}
		return nil
	})
}

// sees waits for the pictures of both monitors in the session window.
func (w *whole) sees(t *testing.T) {
	begin := time.Now()
	w.bannersAre(t, inkAmber)
	p := w.helper
	w.session = p.titled(t, wholeReason)
	p.opens(t, w.session)
	p.screen.arrange(t, w.session, image.Rect(10, 60, 2410, 1060))
	p.eventually(t, "both monitors in the technician's window", w.alike)
	w.tell(t, "seen", fmt.Sprintf("The user accepts. %.1f s later the technician sees both screens; a banner on each says so.", time.Since(begin).Seconds()), w.user, w.helper)
	w.view(t, "technician-view", w.helper)
}

// alike compares each monitor with its picture, which is found by the colours.
func (w *whole) alike() error {
	monitors, err := w.host.screen.monitors()
	if err != nil {
		return err
	}
	shown, place, err := w.helper.look()
	if err != nil {
		return err
	}
	for i, c := range []color.RGBA{purple, teal} {
		real, err := w.host.screen.shot(monitors[i])
		if err != nil {
			return err
		}
		from, to := block(real, c, 30, 0), block(shown, c, 30, 24)
		if from.Empty() || !close2(from.Size(), to.Size(), 3) {
			return fmt.Errorf("monitor %d: %v at the user's, %v at the technician's", i, from, to)
		}
		at, db := likest(real, shown, to.Min.Sub(from.Min))
		if db < least {
			return fmt.Errorf("monitor %d: %.1f dB", i, db)
		}
		w.at[i] = place.Min.Add(at)
	}
	return nil
}

// likest finds where a part of a picture lies, at most two pixels from where it is
// expected, and how like it is.
func likest(part, whole *image.RGBA, near image.Point) (at image.Point, db float64) {
	cut := image.NewRGBA(part.Rect)
	for i := range 25 {
		i = (i + 12) % 25 // the middle first
		o := near.Add(image.Pt(i%5-2, i/5-2))
		if !part.Rect.Add(o).In(whole.Rect) {
			continue
		}
		for y := range part.Rect.Dy() {
			copy(cut.Pix[y*cut.Stride:(y+1)*cut.Stride], whole.Pix[whole.PixOffset(o.X, o.Y+y):])
		}
		if v := psnr(part, cut); v > db {
			at, db = o, v
		}
		if db >= least {
			break
		}
	}
	return at, db
}

// spot is where on the technician's screen a place of the host's desktop is seen.
func (w *whole) spot(t *testing.T, on image.Point) image.Point {
	t.Helper()
	monitors, err := w.host.screen.monitors()
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range monitors {
		if on.In(m) {
			return on.Sub(m.Min).Add(w.at[i])
		}
	}
	t.Fatalf("%v is on no monitor", on)
	return image.Point{}
}

// Tab leads from the picture through the toolbar, as long as the technician does not
// drive: over both screens, all of them and the size to "control", then "pointer".
const (
	tabsToControl = 5
	tabsToPointer = 6
)

// points shows the user something.
func (w *whole) points(t *testing.T) {
	target := image.Pt(1500, 700)
	w.helper.tab(t, tabsToPointer)
	w.helper.strike(t, "space")
	w.user.eventually(t, "the technician's pointer", func() error {
		for _, off := range []int{3, 0} { // a pointer that moves
			at := w.spot(t, target.Add(image.Pt(off, off)))
			w.helper.screen.xdotool(t, "mousemove", fmt.Sprint(at.X), fmt.Sprint(at.Y))
		}
		img, err := w.host.screen.shot(image.Rect(0, 0, 40, 40).Add(target))
		if err != nil {
			return err
		}
		return yes(dots(img, inkPointer) > 100)
	})
	w.tell(t, "pointed", "The technician points; the user sees where, and by whom.", w.user, w.helper)
}

// drives asks for mouse and keyboard, which the user allows with a real click, and
// types into the user's terminal.
func (w *whole) drives(t *testing.T) {
	w.helper.tab(t, tabsToControl)
	w.helper.strike(t, "space")
	p := w.user
	p.eventually(t, "the question for more", func() error {
		all, err := p.screen.titles()
		if err != nil {
			return err
		}
		for _, title := range all {
			if strings.HasPrefix(title, techName) {
				p.win = title
				return nil
			}
		}
		return errNotYet
	})
	p.button(t)
	w.bannersAre(t, inkAmber) // not driven before the answer
	w.tell(t, "asks-more", "The technician asks for mouse and keyboard; the user is asked again.", w.user, w.helper)
	p.insists(t, p.win, func() { p.screen.click(t, p.button(t), 1) })
	p.win = "Assist"
	w.bannersAre(t, inkRed)
	terminal, place, err := p.screen.window("Terminal")
	if err != nil {
		t.Fatal(err)
	}
	p.eventually(t, "the technician's click reaches the terminal", func() error {
		w.helper.screen.click(t, w.spot(t, place.Min.Add(image.Pt(200, 80))), 1)
		return yes(p.screen.active() == terminal)
	})
	w.helper.screen.xdotool(t, "type", "--delay", "40", wholeText)
	w.helper.screen.keys(t, "Return")
	p.eventually(t, "what the technician typed", func() error {
		b, err := os.ReadFile(w.file)
		if err == nil && string(b) != wholeText+"\n" {
			err = fmt.Errorf("the terminal holds %q, not %q", b, wholeText+"\n")
		}
		return err
	})
	w.helper.eventually(t, "the typed text is seen again", w.alike)
	w.tell(t, "driven", "The user allows it. The technician types a line into the user's terminal; the banners are red.", w.user, w.helper)
	w.view(t, "technician-view", w.helper)
}

// cuts is the user's hot-key.
func (w *whole) cuts(t *testing.T) {
	pressed := time.Now()
	w.host.screen.xdotool(t, "key", "ctrl+alt+Escape")
	lit := time.Now() // when the last look that saw a banner began
	eventually(t, aWhile, "from the hot-key to no banner", func() error {
		now := time.Now()
		all, err := w.banners()
		if err == nil && len(all) != 0 {
			lit, err = now, errNotYet
		}
		return err
	})
	took := w.took(pressed, lit) // with the time that the keys take
	if took > time.Second {
		t.Errorf("a banner was there %v after the hot-key", took)
	}
	w.user.shows(t, "nobody is connected", inkGood, 40)
	w.helper.eventually(t, "the technician's picture goes", func() error {
		img, _, err := w.helper.look()
		if err != nil {
			return err
		}
		return yes(block(img, purple, 30, 24).Empty())
	})
	w.tell(t, "cut", fmt.Sprintf("The user presses Ctrl+Alt+Esc; %d ms later no banner is left, and it is over.", took.Milliseconds()), w.user, w.helper)
}
