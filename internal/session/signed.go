// SPDX-License-Identifier: Apache-2.0

package session

import (
	"time"

	"assist/internal/wire"
)

// Recorder has the server record what an end signed, now or when it is there again. It
// never waits: no cut may depend on it.
type Recorder interface {
	Note(record []byte)
}

// deedOf is what the server is told of an act; zero for what is not its business.
func deedOf(a Act) wire.Deed {
	switch a {
	case ActGranted:
		return wire.DeedGranted
	case ActRefused:
		return wire.DeedRefused
	case ActReleased:
		return wire.DeedReleased
	case ActTakenBack, ActLapsed:
		return wire.DeedTakenBack
	case ActRenewed:
		return wire.DeedRenewed
	case ActPaused:
		return wire.DeedPaused
	case ActResumed:
		return wire.DeedResumed
	}
	return 0
}

// sign has the server record a change, in this machine's own words.
func (s *intervention) sign(d Deed) {
	deed := deedOf(d.Act)
	l := s.leased()
	if deed == 0 || l == nil || s.request == nil {
		return
	}
	s.signed(wire.Record{At: d.At.Unix(), Deed: deed, Rights: uint16(l.Rights())})
}

// signEnd has the server record how it ended, if it ever began.
func (s *intervention) signEnd(why wire.EndReason) {
	if s.leased() != nil {
		s.signed(wire.Record{At: time.Now().Unix(), Deed: wire.DeedEnded, Reason: why})
	}
}

// signed numbers a record and signs it. Whoever does so first is heard first.
func (s *intervention) signed(r wire.Record) {
	s.signing.Lock()
	defer s.signing.Unlock()
	s.records++
	r.Session, r.RequestHash, r.Number = s.request.Request.Session, s.request.Hash, s.records
	env, err := s.host.cfg.Key.SignRecord(r)
	if err != nil {
		s.host.cfg.Log.Error("record not signed", "deed", r.Deed, "error", err)
		return
	}
	s.call.Note(env)
}

// signEnd has the server record how it ended, in the technician's app's own words.
func (t *Technician) signEnd(r *request, why wire.EndReason) {
	if r.answer == nil {
		return
	}
	env, err := t.cfg.Key.SignRecord(wire.Record{Session: r.check.Session, RequestHash: r.check.RequestHash, Number: 1,
		At: time.Now().Unix(), Deed: wire.DeedEnded, Reason: why})
	if err != nil {
		t.cfg.Log.Error("end not signed", "error", err)
		return
	}
	r.line.Note(env)
}
