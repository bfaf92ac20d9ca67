// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"image"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"

	"assist/assets"
	"assist/internal/peer"
	"assist/internal/rendezvous"
	"assist/internal/screen"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/ui"
	"assist/internal/ui/view"
	"assist/internal/video"
	"assist/internal/wire"
)

// request is one request and the session that comes of it, as the screens want it.
// Until the session is live the waiting page reads Changed; then the session window
// does.
type request struct {
	t    *session.Technician
	link *atomic.Pointer[peer.Technician] // nil inside until connected
}

// State is where the request stands.
func (r *request) State() ui.RequestState {
	s := r.t.State()
	return ui.RequestState{
		Words: s.Words, OtherWords: s.OtherWords, Deadline: s.Deadline, Granted: s.Phase == session.TechnicianLive, Err: requestError(s),
	}
}

// Changed has a value after each change of State.
func (r *request) Changed() <-chan struct{} { return r.t.Changed() }

// Cancel ends it, whatever its state.
func (r *request) Cancel() { r.t.End() }

// requestError says why a request ended, nil while it has not.
func requestError(s session.TechnicianState) error {
	switch {
	case s.Phase != session.TechnicianEnded:
		return nil
	case s.Refusal != 0:
		return &ui.Refused{Why: s.Refusal, Wait: s.Wait}
	case s.Verdict != 0 && s.Verdict != wire.VerdictGranted:
		return &ui.Declined{Verdict: s.Verdict}
	case errors.Is(s.Err, trust.ErrWrongMachine), errors.Is(s.Err, trust.ErrSignature):
		return ui.ErrWrongMachine
	case errors.Is(s.Err, rendezvous.ErrLost):
		return ui.ErrUnreachable
	}
	return &ui.Ended{Reason: s.End}
}

// watched is a live session as the session window wants it.
type watched struct {
	*session.Technician
	link *atomic.Pointer[peer.Technician]
}

// State is what the window shows.
func (w watched) State() view.State {
	s := w.Technician.State()
	return view.State{
		Layout: s.Layout, Rights: s.Rights, Asked: s.Asked, Denials: s.Denials,
		Pictures: s.Pictures, Input: s.Input, Silent: s.Silent,
		Cursor: s.Cursor, Place: s.Place, Words: s.Words, Since: s.Since, Ended: s.End,
	}
}

// Stats are the figures of the status line.
func (w watched) Stats() view.Stats {
	link := w.link.Load()
	if link == nil {
		return view.Stats{}
	}
	s := link.Stats()
	return view.Stats{FPS: s.FPS, Delay: w.Technician.State().RTT, Bitrate: s.Bitrate, Relayed: s.Relayed, Codec: s.Codec}
}

// ownHands are the hands of a session window. While this computer is driven itself, what
// comes there and no device of it did has strayed, and does not go on to a third computer.
type ownHands struct {
	view.Hands
	strayed func() bool
}

// Input passes on what the person here does, and whatever lets go.
func (h ownHands) Input(in wire.Input) error {
	letsGo := false
	switch m := in.(type) {
	case *wire.Key:
		letsGo = !m.Down
	case *wire.Button:
		letsGo = !m.Down
	case *wire.ReleaseAll:
		letsGo = true
	}
	if !letsGo && h.strayed() {
		return nil
	}
	return h.Hands.Input(in)
}

// openSession shows the session window of a request that was granted. It is called on
// the toolkit's goroutine.
func (p *program) openSession(app fyne.App, o ui.Opening) {
	r, ok := o.Request.(*request)
	if !ok {
		return
	}
	text, err := assets.Texts("view", o.Language)
	if err != nil {
		p.log.Error("no texts for the session window", "error", err)
		r.Cancel()
		return
	}
	w := watched{Technician: r.t, link: r.link}
	_, err = view.Open(view.Config{
		App: app, Log: p.log, Watcher: w, Pictures: w, Hands: ownHands{w, p.desktop.strayed}, Ladder: w,
		Paint:   func(pic *screen.Picture, dst *image.RGBA) { video.ScaleToRGBA(pic, dst) },
		Machine: trust.FormatMachineID(o.Machine), Reason: o.Reason, Text: view.Text(text),
		Note: func(note string) error {
			return p.helper.notes.closeWith(closing{Machine: o.Machine, At: time.Now(), Note: note})
		},
		Closed: func() {
			r.t.End()
			o.Closed(r.t.State().End)
		},
	})
	if err != nil {
		p.log.Error("no session window", "error", err)
		r.Cancel()
		o.Closed(wire.EndTechnicianLost)
	}
}
