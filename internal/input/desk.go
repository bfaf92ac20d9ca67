// SPDX-License-Identifier: Apache-2.0

package input

import (
	"image"
	"sync"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/wire"
)

// notch is one notch of a wheel in the units of wire.Scroll.
const notch = 120

// Desk drives the desktop. Its methods may be called from any goroutine; events
// are done one at a time, in the order in which Do was called.
type Desk struct {
	ctl   consent.Control
	o     Options
	back  backend
	local chan struct{} // filled by the Watcher
	turn  chan struct{} // one slot: whoever has put something in may act
	stop  chan struct{} // closed by Close
	ended chan struct{} // closed when nothing more is done
	minds chan struct{} // closed when mind has ended
	over  chan struct{} // closed when everything is let go and freed
	once  sync.Once

	rest image.Point // of scrolling, less than a notch; owned by turn

	mu   sync.Mutex
	shut bool     // no new key or button is taken
	held []action // pressed or about to be, oldest first
}

func newDesk(ctl consent.Control, o Options, b backend) *Desk {
	d := &Desk{
		ctl: ctl, o: o, back: b,
		local: o.Local.subscribe(),
		turn:  make(chan struct{}, 1),
		stop:  make(chan struct{}),
		ended: make(chan struct{}),
		minds: make(chan struct{}),
		over:  make(chan struct{}),
	}
	go d.guard()
	go d.mind()
	return d
}

// Do does one thing to the desktop, or says why not. Letting go of what is held
// is done whatever the error.
func (d *Desk) Do(in wire.Input) error {
	select {
	case d.turn <- struct{}{}:
	case <-d.ended:
		return ErrClosed
	}
	defer func() { <-d.turn }()
	err := d.act(in)
	if err != nil && d.permit(func() error { return nil }) != nil {
		d.letGo()
	}
	return err
}

func (d *Desk) act(in wire.Input) error {
	switch m := in.(type) {
	case *wire.Move:
		return d.move(m)
	case *wire.Button:
		return d.button(m)
	case *wire.Scroll:
		return d.scroll(m)
	case *wire.Key:
		return d.key(m)
	case *wire.Text:
		d.letGo()
		return d.back.text.Type(m.Text, d.permitKeys, d.ended)
	case *wire.ReleaseAll:
		d.letGo()
		return nil
	}
	return ErrUnsupported
}

// permit runs f if the lease, the person and our dialogs let it.
func (d *Desk) permit(f func() error) error {
	return d.ctl.Do(func() error {
		if d.o.Held() {
			return ErrHeld
		}
		if d.o.Local.blind() {
			return ErrNoWatcher
		}
		if d.o.Local.active(YieldFor) {
			return ErrYield
		}
		if d.isShut() {
			return ErrClosed
		}
		return f()
	})
}

// permitKeys is permit for what goes to the focused window.
func (d *Desk) permitKeys(f func() error) error {
	return d.permit(func() error {
		if own, err := d.back.own.OwnFocus(); err != nil || own {
			return refuse(err)
		}
		return f()
	})
}

// permitAt is permit for what goes to the window at p.
func (d *Desk) permitAt(p image.Point, press bool, f func() error) error {
	return d.permit(func() error {
		if own, err := d.back.own.OwnAt(p, press); err != nil || own {
			return refuse(err)
		}
		return f()
	})
}

func refuse(err error) error {
	if err != nil {
		return err
	}
	return ErrOwnWindow
}

// place is a pixel of a monitor on the desktop, clamped to the monitor, with the
// desktop's origin: systems count from their top left, layouts may not.
func (d *Desk) place(id uint8, x, y uint16) (at image.Point, err error) {
	layout := d.o.Layout()
	m, ok := layout.Find(screen.MonitorID(id))
	if !ok || m.Bounds.Empty() {
		return at, ErrNoMonitor
	}
	at = m.Bounds.Min.Add(image.Pt(min(int(x), m.Bounds.Dx()-1), min(int(y), m.Bounds.Dy()-1)))
	return at.Sub(origin(layout)), nil
}

// origin is the top left of the desktop as far as it lies above or left of zero.
func origin(l screen.Layout) image.Point {
	var o image.Point
	for _, m := range l {
		o.X, o.Y = min(o.X, m.Bounds.Min.X), min(o.Y, m.Bounds.Min.Y)
	}
	return o
}

func (d *Desk) move(m *wire.Move) error {
	at, err := d.place(m.Monitor, m.X, m.Y)
	if err != nil {
		return err
	}
	return d.permitAt(at, false, func() error {
		return d.back.in.Inject(action{deed: deedMove, at: at})
	})
}

func (d *Desk) button(m *wire.Button) error {
	press := action{deed: deedButton, code: uint16(m.Button), down: true}
	if !m.Down && !d.keeps(press) {
		return nil
	}
	at, err := d.place(m.Monitor, m.X, m.Y)
	if err == nil {
		err = d.permitAt(at, m.Down, func() error { return d.click(at, press, m.Down) })
	}
	if !m.Down {
		d.up(press) // where the pointer is, if it may not go there
	}
	return err
}

// click moves the pointer to at and, if down, presses there. The caller holds the
// permission.
func (d *Desk) click(at image.Point, press action, down bool) error {
	if err := d.back.in.Inject(action{deed: deedMove, at: at}); err != nil || !down {
		return err
	}
	return d.press(press)
}

func (d *Desk) key(m *wire.Key) error {
	press := action{deed: deedKey, code: m.Usage, down: true}
	if !m.Down {
		d.up(press)
		return nil
	}
	return d.permitKeys(func() error { return d.press(press) })
}

func (d *Desk) scroll(m *wire.Scroll) error {
	return d.permit(func() error {
		at, err := d.back.own.Pointer()
		if err != nil {
			return err
		}
		if own, err := d.back.own.OwnAt(at, true); err != nil || own {
			return refuse(err)
		}
		x := turns(&d.rest.X, int(m.DX), wheelLeft, wheelRight)
		y := turns(&d.rest.Y, int(m.DY), wheelUp, wheelDown)
		return d.back.in.Inject(append(y, x...)...)
	})
}

// turns adds by to what is left of a notch and returns the whole notches. A
// change of direction forgets the rest.
func turns(rest *int, by int, less, more uint16) []action {
	if *rest*by < 0 {
		*rest = 0
	}
	*rest += by
	n, code := *rest/notch, more
	*rest %= notch
	if n < 0 {
		n, code = -n, less
	}
	out := make([]action, n)
	for i := range out {
		out[i] = action{deed: deedWheel, code: code}
	}
	return out
}
