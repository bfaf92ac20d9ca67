// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"assist/internal/capture"
	"assist/internal/consent"
	"assist/internal/input"
	"assist/internal/lamp"
	"assist/internal/peer"
	"assist/internal/screen"
	"assist/internal/session"
	"assist/internal/ui"
)

// Why this computer cannot be shared.
var (
	errElevated = errors.New("run as administrator")
	errWayland  = errors.New("wayland: only what runs under XWayland would be seen and covered")
	errBlind    = errors.New("nobody could accept: devices cannot be watched")
)

// desktop is what this computer has for sharing. What is missing is nil: without a
// lamp nothing can be shared, without a watcher nobody can accept or drive.
type desktop struct {
	lamp     *lamp.Lamp
	watcher  *input.Watcher
	hotkey   *lamp.Hotkey
	presence absence     // nil before open
	asking   func() bool // a dialog of ours is open, or more of our windows than the session
	driven   func() bool // somebody may drive; nil before guard
	lent     atomic.Bool // mouse and keyboard were given in this intervention
	elevated func() bool // this app has more rights than the person
	windows  *pulse
	log      *slog.Logger
}

// machine is the desktop as a session wants it.
func (d *desktop) machine() session.Machine {
	return session.Machine{
		Fit:     d.fit,
		Capture: func(v consent.View) (session.Screens, error) { return capture.Open(v, d.log) },
		Drive:   d.drive,
		Point:   d.point,
		Gone:    capture.ErrGone,
		Yield:   input.ErrYield,
		Windows: d.windows.answering,
	}
}

// able says why nothing can be shared on this computer as it is, or nil. It asks nobody,
// so the screens may look each second.
func (d *desktop) able() error {
	switch {
	case wayland(os.Getenv):
		return errWayland
	case d.lamp == nil:
		return lamp.ErrUnsupported
	case d.watcher == nil:
		return errBlind
	}
	return nil
}

// lackOf sorts why this computer cannot be shared into what the person is told.
func lackOf(err error) ui.Lack {
	switch {
	case err == nil:
		return ui.LackNone
	case errors.Is(err, errWayland):
		return ui.LackX11
	case errors.Is(err, lamp.ErrUnsupported):
		return ui.LackBanner
	case errors.Is(err, errBlind):
		return ui.LackDevices
	}
	return ui.LackOther
}

// fit says why nothing may be shared here and now.
func (d *desktop) fit() (screen.Layout, error) {
	if d.elevated() {
		return nil, errElevated
	}
	if err := d.able(); err != nil {
		return nil, err
	}
	if err := d.away(); err != nil {
		return nil, err
	}
	return capture.Monitors()
}

// wayland reports whether the person's session is a Wayland one. Its XWayland display
// would show and cover only a part of what the person sees, so nothing is shared there
// until Wayland has a mechanism of its own.
func wayland(env func(string) string) bool {
	return env("XDG_SESSION_TYPE") == "wayland" || env("WAYLAND_DISPLAY") != ""
}

func (d *desktop) drive(c consent.Control, layout func() screen.Layout) (session.Desk, error) {
	d.lent.Store(true)
	return input.Open(c, d.inputOptions(layout))
}

// inputOptions hold everything back while the person is asked something, until our window
// shows the session alone, and while our windows are stuck: a click on Cut could be waiting in
// them, and must not be outrun. The session waits for the windows before each message; a typed
// text is one, of many keys.
func (d *desktop) inputOptions(layout func() screen.Layout) input.Options {
	held := func() bool {
		answer, _ := d.windows.answering()
		return !answer || d.asking()
	}
	return input.Options{Layout: layout, Held: held, Local: d.watcher, Log: d.log}
}

// strayed says whether what comes to our windows now may be a technician's: somebody drives,
// and no device of this computer did anything a moment ago.
func (d *desktop) strayed() bool {
	return d.driven != nil && d.driven() && !d.byHand()
}

// byHand says whether a device of this computer did anything a moment ago.
func (d *desktop) byHand() bool {
	return d.watcher != nil && time.Since(d.watcher.LastOfDevices()) <= genuineWithin
}

// goesOn says whether a press on the banner may go on after a pause: once mouse and keyboard
// were given, not that of a program which was left behind.
func (d *desktop) goesOn() bool { return !d.lent.Load() || d.byHand() }

// point shows where the technician points: the lamp draws it, over everything, as it does the banner.
func (d *desktop) point(p screen.CursorPlace) {
	if d.lamp != nil {
		d.lamp.Point(p.Monitor, p.At, p.Visible)
	}
}

// Light makes desktop the gate's lamp even where there is none: it then refuses.
func (d *desktop) Light(s consent.Status, beat consent.Beat) (consent.Lit, error) {
	d.lent.Store(false)
	if d.lamp == nil {
		return nil, lamp.ErrUnsupported
	}
	return d.lamp.Light(s, beat)
}

// monitors is where dialogs can be put.
func (d *desktop) monitors() screen.Layout {
	l, err := capture.Monitors()
	if err != nil {
		d.log.Info("monitors not known", "error", err)
	}
	return l
}

// genuine says whether a device of this computer made a press a moment ago: the space
// bar while the keyboard was the dialog's own, or a button where the dialog says that it
// was pressed. What is not known is no. On X11 a program of the person's own account may
// play a device (XTEST); it counts as one, but for a strict press.
func (d *desktop) genuine(p ui.Press) bool {
	if d.watcher == nil {
		return false
	}
	c := input.Claim{Window: uint32(p.Window), Area: p.Area, Since: p.Since, Within: genuineWithin, Strict: p.Strict}
	if p.By == ui.ActSpace {
		return d.watcher.GenuineKey(input.KeySpace, c)
	}
	return d.watcher.GenuineClick(c)
}

// clear says whether a dialog can be seen whole. What is not known is no. From the first
// look on it is known who has the keyboard.
func (d *desktop) clear(dialog uintptr) bool {
	if d.watcher != nil {
		d.watcher.Mind(uint32(dialog))
	}
	return d.lamp != nil && d.lamp.Clear(uint32(dialog))
}

// close leaves the lamp alone: a banner goes out with the lease that lit it, and not before.
func (d *desktop) close() {
	if d.presence != nil {
		d.presence.Close()
	}
	if d.hotkey != nil {
		_ = d.hotkey.Close()
	}
	if d.watcher != nil {
		d.watcher.Close()
	}
}

// hostDialer is a fresh identity of this machine.
type hostDialer struct {
	*peer.Identity
	stun  string
	log   *slog.Logger
	allow func(netip.Addr) bool
}

// config holds each address against the charter (Allow), on this side; the technician's has no say.
func (d hostDialer) config(remote [32]byte, s session.Signals) peer.Config {
	return peer.Config{Identity: d.Identity, Remote: remote, Signaler: s, STUN: d.stun, Log: d.log, Allow: d.allow}
}

// Connect waits for the technician whose certificate has the fingerprint remote.
func (d hostDialer) Connect(ctx context.Context, remote [32]byte, s session.Signals) (session.HostLink, error) {
	h, err := peer.ConnectHost(ctx, d.config(remote, s))
	if err != nil {
		return nil, err // never a non-nil link that holds nothing
	}
	return h, nil
}

// technicianDialer is a fresh identity of this technician.
type technicianDialer struct {
	*peer.Identity
	stun string
	log  *slog.Logger
	link *atomic.Pointer[peer.Technician] // set once connected, for the figures
}

// Connect reaches the host whose certificate has the fingerprint remote.
func (d technicianDialer) Connect(ctx context.Context, remote [32]byte, s session.Signals) (session.TechnicianLink, error) {
	t, err := peer.ConnectTechnician(ctx, peer.Config{Identity: d.Identity, Remote: remote, Signaler: s, STUN: d.stun, Log: d.log})
	if err != nil {
		return nil, err
	}
	d.link.Store(t)
	return t, nil
}

// barred says whether a link ended, or never began, because of the other end's address.
func barred(err error) bool { return errors.Is(err, peer.ErrSource) }

// broke says whether a link ended because the other end broke the protocol.
func broke(err error) bool {
	return errors.Is(err, peer.ErrProtocol) || errors.Is(err, peer.ErrFingerprint)
}
