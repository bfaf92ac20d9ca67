// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"image"
	"sync"
	"time"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/wire"
)

// lapseTime is how long the log is not told again that input is held back.
const lapseTime = 500 * time.Millisecond

// driveAgain is how long after a failure to drive the desktop is tried again.
const driveAgain = 2 * time.Second

// receive takes in all that the technician sends, in its order.
func (l *live) receive() {
	defer l.letGo()
	for {
		m, err := l.hear()
		if errors.Is(err, errUnheard) {
			l.unhold(err)
			continue
		}
		if err != nil {
			if l.s.host.cfg.Broke(err) {
				l.s.cut(wire.EndProtocol)
			}
			return // mind says why the link has gone
		}
		l.ear.heard()
		l.take(m)
	}
}

// errUnheard says that the technician may have gone while something is held.
var errUnheard = errors.New("session: nothing heard while something is held")

// errNoDesk says that there is nothing to drive, or no right to.
var errNoDesk = errors.New("session: no desk to drive")

// hear waits for a message; while something is held, for no longer than holdTime.
// Time spent on doing what came before does not count.
func (l *live) hear() (wire.ToHost, error) {
	if !l.driver.holding {
		return l.link.Receive(l.ctx)
	}
	ctx, cancel := context.WithTimeout(l.ctx, holdTime)
	defer cancel()
	m, err := l.link.Receive(ctx)
	if errors.Is(err, context.DeadlineExceeded) && l.ctx.Err() == nil {
		return nil, errUnheard
	}
	return m, err
}

// unhold lets go of all keys and buttons, so that none repeats while nobody is
// there to let go of it.
func (l *live) unhold(why error) {
	l.driver.holding = false
	if l.driver.desk == nil {
		return
	}
	if l.driver.grip.holds() {
		l.s.host.cfg.Log.Info("keys and buttons let go", "error", why)
	}
	l.driver.grip.note(&wire.ReleaseAll{})
	if err := l.driver.desk.Do(&wire.ReleaseAll{}); err != nil {
		l.s.host.cfg.Log.Debug("desk not let go", "error", err)
	}
}

func (l *live) take(m wire.ToHost) {
	switch m := m.(type) {
	case wire.Input:
		l.input(m)
	case *wire.Ping:
		l.reply(&wire.Pong{Stamp: m.Stamp})
	case *wire.Point:
		l.point(m)
	case *wire.Watch:
		l.watch(m)
	case *wire.Want:
		l.want(consent.Rights(m.Rights))
	case *wire.Release:
		l.release(consent.Rights(m.Rights))
	case *wire.SessionBye:
		l.s.cut(fromTechnician(m.Reason))
	}
}

// reply answers what was heard. It does not wait for a link that takes nothing, as that
// of a technician who asks and never reads: what is held must be let go in time.
func (l *live) reply(m wire.ToTechnician) {
	ctx, cancel := context.WithTimeout(l.ctx, replyTime)
	defer cancel()
	if err := l.link.Send(ctx, m); err != nil && l.ctx.Err() == nil {
		l.s.host.cfg.Log.Debug("reply not sent", "error", err)
	}
}

// driver is the desk and what is known of it. The receive pump owns it.
type driver struct {
	control consent.Control
	desk    Desk // nil until the first input under a right
	drove   bool // some input was done under this right
	holding bool // something was pressed since all was let go; it may be up again
	grip    grip // what was pressed and not let go
	pointed bool // the technician's pointer may be showing
	retry   time.Time
	mute    time.Time // since when the windows do not answer; zero: they do
	dropped int       // input not done
	lapse   time.Time // when the log was told so last; zero: the last one was done
	drives  bout
	points  bout
}

// input does one thing at mouse or keyboard, if that is allowed now.
func (l *live) input(in wire.Input) {
	d := &l.driver
	if !l.answered(in) {
		l.undone(errMute)
		return
	}
	if !l.ready(in) {
		l.undone(errNoDesk)
		return
	}
	d.hold(in) // before: a failure may leave it held
	err := d.desk.Do(in)
	if err == nil && d.drives.begins() {
		l.s.tally(func(r *Record) { r.Driven++ })
	}
	switch {
	case err == nil && !d.drove:
		d.drove = true
		l.s.note(Deed{Act: ActDrove, Rights: consent.RightControl})
	case errors.Is(err, l.machine().Yield):
		l.yielded()
	}
	if err != nil {
		l.undone(err)
		return
	}
	d.lapse = time.Time{}
}

// undone counts an input that was not done. The log has the first of several in a row, and
// one now and then.
func (l *live) undone(why error) {
	if time.Since(l.driver.lapse) > lapseTime {
		l.s.host.cfg.Log.Info("input held back", "error", why)
		l.driver.lapse = time.Now()
	}
	l.driver.dropped++
}

// hold minds what an input leaves held.
func (d *driver) hold(in wire.Input) {
	d.grip.note(in)
	switch m := in.(type) {
	case *wire.Key:
		d.holding = d.holding || m.Down
	case *wire.Button:
		d.holding = d.holding || m.Down
	case *wire.ReleaseAll, *wire.Text: // a desk lets go of everything first
		d.holding = false
	}
}

// ready reports whether there is a desk to drive; it opens one under a new right.
func (l *live) ready(in wire.Input) bool {
	d := &l.driver
	if d.desk != nil {
		select {
		case <-d.control.Done():
			l.putAway()
		default:
			return true
		}
	}
	if _, nothing := in.(*wire.ReleaseAll); nothing || time.Now().Before(d.retry) {
		return false
	}
	control, err := l.lease.Control()
	if err != nil {
		return false
	}
	desk, err := l.machine().Drive(control, l.monitors)
	if err != nil {
		l.s.host.cfg.Log.Error("cannot drive the desktop", "error", err)
		d.retry = time.Now().Add(driveAgain)
		return false
	}
	d.control, d.desk, d.drove = control, desk, false
	return true
}

// putAway closes the desk, which lets go of every key.
func (l *live) putAway() {
	if l.driver.desk == nil {
		return
	}
	if err := l.driver.desk.Close(); err != nil {
		l.s.host.cfg.Log.Error("desk not closed", "error", err)
	}
	l.driver.desk = nil
}

// letGo ends all that the technician holds or shows.
func (l *live) letGo() {
	l.putAway()
	if l.driver.pointed {
		l.machine().Point(screen.CursorPlace{}) // hiding needs no permission
	}
	if l.driver.dropped > 0 {
		l.s.host.cfg.Log.Debug("input not done", "events", l.driver.dropped)
	}
}

// point shows or hides the technician's pointer.
func (l *live) point(m *wire.Point) {
	p, err := l.lease.Pointer()
	if err != nil {
		return
	}
	place := screen.CursorPlace{
		Monitor: screen.MonitorID(m.Monitor), At: image.Pt(int(m.X), int(m.Y)), Visible: m.Visible,
	}
	monitor, exists := l.monitors().Find(place.Monitor)
	if m.Visible && (!exists || !place.At.In(image.Rectangle{Max: monitor.Bounds.Size()})) {
		return
	}
	if answer, _ := l.machine().Windows(); !answer && m.Visible {
		return
	}
	err = p.Do(func() error {
		l.driver.pointed = true
		l.machine().Point(place)
		return nil
	})
	if err == nil && place.Visible {
		l.pointed()
	}
}

// pointed keeps what the technician showed for the record.
func (l *live) pointed() {
	if !l.driver.points.begins() {
		return
	}
	first := false
	l.s.tally(func(r *Record) { r.Pointed++; first = r.Pointed == 1 })
	if first {
		l.s.note(Deed{Act: ActPointed, Rights: consent.RightPoint})
	}
}

// release gives rights back at the technician's wish.
func (l *live) release(r consent.Rights) {
	if r.Has(consent.RightView) {
		l.s.cut(wire.EndTechnician)
		return
	}
	if r &= l.lease.Rights(); r == 0 {
		return
	}
	l.lease.Narrow(r)
	l.s.note(Deed{Act: ActReleased, Rights: r})
	if r.Has(consent.RightPoint) && l.driver.pointed {
		l.machine().Point(screen.CursorPlace{})
	}
}

// wishes keeps a technician from wearing the person down.
type wishes struct {
	mu      sync.Mutex
	open    bool
	after   time.Time // no new question before
	rebuffs rebuffs   // has a lock of its own; of this session alone, so under one key
}

func (w *wishes) begin() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if w.open || now.Before(w.after) || w.rebuffs.enough(nil, now) {
		return false
	}
	w.open = true
	return true
}

func (w *wishes) end(denied bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = false
	if denied {
		now := time.Now()
		w.after = now.Add(wantAgain)
		w.rebuffs.add(nil, now)
	}
}

// want asks the person for more rights, beside everything else that goes on.
func (l *live) want(r consent.Rights) {
	r &= consent.AllRights &^ l.lease.Rights()
	if barred := r &^ l.lease.Ceiling(); barred != 0 {
		l.bar(barred)
		r &^= barred
	}
	if r == 0 {
		return
	}
	if !l.wishes.begin() {
		l.reply(&wire.Denied{Rights: uint16(r)})
		return
	}
	l.s.note(Deed{Act: ActAsked, Rights: r})
	l.pumps.Go(func() { l.widen(r) })
}

// bar turns down what the unit does not allow here. The person is not asked, so nothing
// says that they refused; they are told once.
func (l *live) bar(r consent.Rights) {
	l.reply(&wire.Denied{Rights: uint16(r)})
	if news := r &^ l.barred; news != 0 {
		l.barred |= news
		l.s.note(Deed{Act: ActBarred, Rights: news})
	}
}

func (l *live) widen(r consent.Rights) {
	now, err := l.lease.Widen(l.ctx, r)
	got := now & r
	l.wishes.end(got != r)
	if l.ctx.Err() != nil {
		return
	}
	if got != 0 {
		l.s.note(Deed{Act: ActGranted, Rights: got})
	}
	if denied := r &^ got; denied != 0 {
		act := ActRefused
		if errors.Is(err, consent.ErrNoAnswer) {
			act = ActUnanswered
		}
		l.s.note(Deed{Act: act, Rights: denied})
		l.send(&wire.Denied{Rights: uint16(denied)})
	}
	if errors.Is(err, consent.ErrReported) {
		l.s.cut(wire.EndReported)
	}
}
