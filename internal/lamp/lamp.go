// SPDX-License-Identifier: Apache-2.0

// Package lamp shows the person at the machine, on every monitor, that someone
// sees or uses it: a banner and a frame that stay above every other window,
// with the buttons that end it.
//
// It has its own connection to the display server, its own goroutine and its own
// drawing, so it lives and its buttons work while the rest of the app is stuck.
// It fails closed: where no banner can be shown, Light fails and consent gives no
// lease. So far there is a mechanism for X11 only; on every other system New and
// NewHotkey return ErrUnsupported, hence nothing can be shared there.
package lamp

import (
	"errors"
	"image"
	"log/slog"
	"sync"

	"assist/internal/consent"
	"assist/internal/screen"
)

var (
	// ErrNoDisplay means that no display server can show the banner.
	ErrNoDisplay = errors.New("no display for the banner")
	// ErrHidden means that the banner did not become visible on every monitor.
	ErrHidden = errors.New("banner does not become visible")
	// ErrUnsupported means that this system has no banner yet.
	ErrUnsupported = errors.New("banner is not supported here")
	// ErrTaken means that another program holds the hot-key, at least in part.
	ErrTaken = errors.New("hot-key is taken")
)

// Texts is what the banner says. In the first four, {name}, {unit} and {time}
// stand for the technician's name and unit and for the time elapsed.
type Texts struct {
	Seen   string // someone sees the screens
	Driven string // someone uses the computer
	Paused string // the person has paused the session
	Idle   string // the person is asked whether they are still there
	// The same in the fewest words, for narrow monitors.
	SeenShort, DrivenShort, PausedShort, IdleShort string
	// The same where there is but one screen; empty: as where there are several.
	SeenOne, SeenOneShort, IdleOne string

	Pause, TakeBack, Resume, Cut string // buttons
}

// Options says what a lamp shows and whom it tells. The functions are called on
// goroutines of their own.
type Options struct {
	Display  string // empty: $DISPLAY
	Texts    Texts
	TextSize int // percent, 100 to 200; 0 is 100

	OnCut, OnPause, OnTakeBack, OnResume func()

	Log *slog.Logger
}

// Lamp makes banners; it is a consent.Lamp.
type Lamp struct {
	options Options

	mu  sync.Mutex // guards what follows, options.Texts and options.TextSize
	lit *Lit

	eye eye // by which Clear looks
}

// New checks that banners can be shown here.
func New(o Options) (*Lamp, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := probe(o.Display); err != nil {
		return nil, err
	}
	return &Lamp{options: o}, nil
}

// SetTexts changes the language and the size of the text, in percent; a banner that
// is on changes with them.
func (l *Lamp) SetTexts(t Texts, size int) {
	l.mu.Lock()
	l.options.Texts, l.options.TextSize = t, size
	lit := l.lit
	l.mu.Unlock()
	if lit != nil {
		lit.wish(func(w *wishes) { w.look = look{t, size} })
	}
}

// Light shows the banner on every monitor. It returns once it is visible
// everywhere; from then on beat is called at least every 100 ms for as long as
// all of it is.
func (l *Lamp) Light(s consent.Status, beat consent.Beat) (consent.Lit, error) {
	l.mu.Lock()
	o := l.options
	l.mu.Unlock()
	lit, err := light(o, s, beat)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.lit = lit
	l.mu.Unlock()
	return lit, nil
}

// Point shows the technician's pointer if a banner is on.
func (l *Lamp) Point(id screen.MonitorID, at image.Point, visible bool) {
	if lit := l.current(); lit != nil {
		lit.Point(id, at, visible)
	}
}

// Windows is the display server's numbers of all windows of the lamp, so that
// the injector can refuse to click them.
func (l *Lamp) Windows() []uint32 {
	if lit := l.current(); lit != nil {
		return lit.Windows()
	}
	return nil
}

// Clear reports whether a window of ours, a dialog, is on the desktop whole: under no
// other visible window but the lamp's own, not shaped, with nothing in it, not partly
// beyond the edge, and where it was at the last look, for a dialog can be put under a
// click as well as a window over it. What cannot be found out is no. It looks once; who asks often
// enough notices a window that goes just before a click.
func (l *Lamp) Clear(window uint32) bool {
	return l.eye.clear(l.options.Display, window, l.Windows())
}

func (l *Lamp) current() *Lit {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lit
}

// Lit is a banner that is on.
type Lit struct {
	stop chan struct{} // closed by Douse
	over chan struct{} // closed when the goroutine has ended
	once sync.Once

	mu      sync.Mutex // guards what follows
	wishes  wishes
	windows []uint32
	kill    func()        // cuts the connection of a server that hangs
	news    chan struct{} // one slot: wishes changed
}

// wishes is what a banner should show; the newest counts.
type wishes struct {
	status consent.Status
	look   look
	point  pointing
}

// look is what all banners have in common.
type look struct {
	texts Texts
	size  int // percent; 0 is 100
}

// percent is how large the text is, within the limits of the setting.
func (l look) percent() int {
	if l.size == 0 {
		return 100
	}
	return max(100, min(l.size, 200))
}

// pointing is where the technician points.
type pointing struct {
	monitor screen.MonitorID
	at      image.Point
	visible bool
}

func newLit(s consent.Status, o look) *Lit {
	return &Lit{
		stop: make(chan struct{}), over: make(chan struct{}), news: make(chan struct{}, 1),
		wishes: wishes{status: s, look: o}, kill: func() {},
	}
}

// Show changes what the banner says.
func (l *Lit) Show(s consent.Status) { l.wish(func(w *wishes) { w.status = s }) }

// Point shows the technician's pointer, labelled with their name, or hides it.
// Without RightPoint in the status it stays hidden.
func (l *Lit) Point(id screen.MonitorID, at image.Point, visible bool) {
	l.wish(func(w *wishes) { w.point = pointing{id, at, visible} })
}

// Windows is the display server's numbers of all windows of this banner.
func (l *Lit) Windows() []uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.windows
}

func (l *Lit) wish(change func(*wishes)) {
	l.mu.Lock()
	change(&l.wishes)
	l.mu.Unlock()
	select {
	case l.news <- struct{}{}:
	default:
	}
}

func (l *Lit) wished() wishes {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wishes
}

func (l *Lit) own(windows []uint32, kill func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.windows, l.kill = windows, kill
}
