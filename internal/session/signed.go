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

// Alarm has the administrator told that the person reported, now or when the server is
// there again; proof is what this machine signed. It never waits: no cut may depend on it.
type Alarm interface {
	Report(proof []byte)
}

// deedOf is what the server is told of an act; zero for what is not its business.
func deedOf(a Act) wire.Deed {
	switch a {
	case ActGranted:
		return wire.DeedGranted
	case ActRefused, ActUnanswered:
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
	case ActLimited:
		return wire.DeedLimited
	}
	return holdOf(a)
}

// holdOf is deedOf for what holds a session back and lets it go on, without anybody's wish.
func holdOf(a Act) wire.Deed {
	switch a {
	case ActLampLost:
		return wire.DeedFrozen
	case ActLampBack:
		return wire.DeedThawed
	case ActIdle:
		return wire.DeedIdle
	case ActStillHere:
		return wire.DeedPresent
	}
	return 0
}

// maxHolds is how often a session that is held back, by a banner that flickers say, is
// signed for the journal; the receipt counts on.
const maxHolds = 32

// holds counts that. The pump of grants owns it.
type holds struct {
	signed       int
	frozen, idle bool // and that was signed
}

// fit reports whether a deed is to be signed: after the last one that counts, what lets
// the session go on is signed, and no other.
func (h *holds) fit(d wire.Deed) bool {
	begins := func(state *bool) bool {
		*state = h.signed < maxHolds
		if *state {
			h.signed++
		}
		return *state
	}
	ends := func(state *bool) bool {
		was := *state
		*state = false
		return was
	}
	switch d {
	case wire.DeedFrozen:
		return begins(&h.frozen)
	case wire.DeedThawed:
		return ends(&h.frozen)
	case wire.DeedIdle:
		return begins(&h.idle)
	case wire.DeedPresent:
		return ends(&h.idle)
	}
	return true
}

// sign has the server record a change, in this machine's own words.
func (s *intervention) sign(d Deed) {
	deed := deedOf(d.Act)
	l := s.leased()
	if deed == 0 || l == nil || s.request == nil || !s.holds.fit(deed) {
		return
	}
	s.signed(wire.Record{At: d.At.Unix(), Deed: deed, Rights: uint16(l.Rights())})
}

// signEnd has the server record how it ended, if it ever began, and has the administrator
// told when the person reported.
func (s *intervention) signEnd(why wire.EndReason) {
	var end []byte
	if s.leased() != nil {
		end = s.signed(wire.Record{At: time.Now().Unix(), Deed: wire.DeedEnded, Reason: why})
	}
	switch {
	case why != wire.EndReported || s.request == nil:
	case s.granted:
		s.alarm(end)
	default: // the server knows of no session yet: then it is a refusal
		env, err := s.host.cfg.Key.SignAnswer(&wire.Answer{Session: s.request.Request.Session, RequestHash: s.request.Hash,
			Verdict: wire.VerdictReported, Expires: time.Now().Add(sendTime).Unix()})
		if err != nil {
			s.host.cfg.Log.Error("report not signed", "error", err)
		}
		s.alarm(env)
	}
}

// alarm has the administrator told of a report, unless it could not be signed.
func (s *intervention) alarm(proof []byte) {
	if proof != nil {
		s.call.Report(proof)
	}
}

// signed numbers a record and signs it; nil when that failed. Whoever does so first is
// heard first, once the server has heard of the grant.
func (s *intervention) signed(r wire.Record) []byte {
	s.signing.Lock()
	defer s.signing.Unlock()
	r.Session, r.RequestHash, r.Number = s.request.Request.Session, s.request.Hash, s.records+1
	env, err := s.host.cfg.Key.SignRecord(r)
	if err != nil {
		s.host.cfg.Log.Error("record not signed", "deed", r.Deed, "error", err)
		return nil
	}
	s.records++ // none is left out, or the server would wait for it
	if s.open {
		s.call.Note(env)
	} else {
		s.early = append(s.early, env)
	}
	return env
}

// tellSigned has the server record what was signed while the grant was on its way, and
// from then on what is signed at once.
func (s *intervention) tellSigned() {
	s.signing.Lock()
	defer s.signing.Unlock()
	for _, env := range s.early {
		s.call.Note(env)
	}
	s.early, s.open = nil, true
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
