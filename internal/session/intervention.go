// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
	"time"

	"assist/internal/consent"
	"assist/internal/trust"
	"assist/internal/wire"
)

// intervention is one call, from the ring to the record. serve is its goroutine.
type intervention struct {
	host *Host
	call Call
	ctx  context.Context // ends with the intervention; its cause says why
	stop context.CancelCauseFunc

	// Owned by serve, set before anybody else can look.
	request  *trust.VerifiedRequest
	admitted *trust.Admission // when the request came; review asks again
	barred   string           // who proved to ask, and is not let in; empty when nobody did
	dialer   HostDialer
	photo    image.Image // of the technician, or nil
	words    [3]string
	proof    Proof
	answered bool // the request was turned down, so it is over at the server too
	granted  bool // the server has been told what the person allowed

	signing sync.Mutex // held while a record is numbered and signed
	records uint32     // signed so far; guarded by signing, as are the next two
	early   [][]byte   // signed before the server heard of the grant: a charter's limits, and an end at most
	open    bool       // it has been told of it
	holds   holds

	noted   chan struct{}  // one slot: the record has changed
	keeping sync.WaitGroup // whoever keeps it while it goes on

	mu     sync.Mutex
	lease  *consent.Lease // nil until the person has granted it
	record Record
}

func newIntervention(h *Host, call Call) *intervention {
	s := &intervention{host: h, call: call, noted: make(chan struct{}, 1)}
	s.ctx, s.stop = context.WithCancelCause(context.Background())
	return s
}

// cut ends the intervention from any goroutine. The first reason wins.
func (s *intervention) cut(why wire.EndReason) {
	ended := &Ended{why}
	s.stop(ended) // sends nothing: it only wakes whoever waits for the network
	if l := s.leased(); l != nil {
		l.Revoke(ended)
	}
}

// why is the reason of the end, once there is one.
func (s *intervention) why() wire.EndReason { return reasonOf(context.Cause(s.ctx)) }

func (s *intervention) leased() *consent.Lease {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lease
}

// note keeps a deed for the record, and tells the person.
func (s *intervention) note(d Deed) {
	d.At = time.Now()
	s.mu.Lock()
	s.record.add(d)
	if d.Act == ActGranted || d.Act == ActBegan {
		s.record.Allowed |= d.Rights
	}
	l := s.lease
	s.mu.Unlock()
	nudge(s.noted)
	s.sign(d)
	if text := s.host.cfg.Say(d); l != nil && text != "" {
		l.Note(text)
	}
}

// noteRenewal keeps what the person said when they were asked again.
func (s *intervention) noteRenewal(l *consent.Lease) {
	lapsed, renewed := l.Renewed()
	if renewed {
		s.note(Deed{Act: ActRenewed, Rights: l.Rights()})
	}
	for _, r := range []consent.Rights{consent.RightControl, consent.RightPoint} {
		if lapsed.Has(r) {
			s.note(Deed{Act: ActLapsed, Rights: r})
		}
	}
}

// tally changes the record.
func (s *intervention) tally(f func(*Record)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.record)
	nudge(s.noted)
}

// serve plays the whole intervention.
func (s *intervention) serve() {
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-s.call.Done():
			s.cut(fromServer(s.call.Reason()))
		case <-over:
		}
	}()
	defer s.close()
	if !s.admit() {
		return
	}
	go s.obey() // until close
	if s.ask() {
		s.connect()
	}
}

// admit verifies the request before anybody is bothered with it.
func (s *intervention) admit() bool {
	cfg, ring := &s.host.cfg, s.call.Ring()
	r, err := trust.VerifyRequest(ring.Request, trust.RequestCheck{
		Unit: cfg.Unit, Machine: cfg.ID, Now: time.Now(), Admit: s.admits, SeenNonce: cfg.Nonces.Seen,
	})
	if err == nil && r.Request.Session != ring.Session {
		err = trust.ErrWrongSession
	}
	if err != nil {
		cfg.Log.Warn("request turned down", "error", err)
		return s.turnDown(wire.VerdictInvalid, err)
	}
	s.request, s.photo = r, s.portrait()
	s.proof = Proof{Heard: time.Now(), Certificate: s.admitted.Signed, Request: ring.Request}
	if s.dialer, err = cfg.Identity(); err != nil {
		cfg.Log.Error("no identity", "error", err)
		return s.turnDown(wire.VerdictUnable, err)
	}
	return true
}

// turnDown ends the request by a verdict; it returns false.
func (s *intervention) turnDown(v wire.Verdict, why error) bool {
	if v == wire.VerdictUnable {
		why = fmt.Errorf("%w: %w", ErrUnable, why)
	}
	s.host.refused(s.attempt(why))
	s.stop(&Ended{wire.EndRefused})
	ring := s.call.Ring()
	a := &wire.Answer{Session: ring.Session, Verdict: v}
	hash, err := trust.RequestHash(ring.Request)
	if err != nil {
		s.call.End(wire.EndProtocol)
		s.answered = true
		return false
	}
	a.RequestHash = hash
	if s.dialer != nil {
		a.Fingerprint = s.dialer.Fingerprint()
	}
	env := s.host.answer(s.call, a)
	s.answered = true
	if v == wire.VerdictReported {
		s.alarm(env)
	}
	return false
}

// attempt puts the name to why a request came to nothing: of whoever proved to ask, also when
// the charter bars them. Until then there is none, nor for one that repeats what was let in:
// whoever repeats another's request is not the one who signed it.
func (s *intervention) attempt(why error) error {
	who := s.barred
	if s.request != nil {
		who = s.admitted.Card.Name
	}
	if who == "" {
		return why
	}
	return &Attempt{Who: who, Err: why}
}

// ask pledges, puts the question to the person, and answers.
func (s *intervention) ask() bool {
	device := s.request.Certificate.DeviceKey
	if now := time.Now(); s.host.rebuffs.enough(device, now) || s.host.withdrawn.enough(device, now) {
		return s.turnDown(wire.VerdictTooOften, ErrTooOften)
	}
	layout, err := s.host.cfg.Machine.Fit()
	if err != nil {
		s.host.cfg.Log.Warn("cannot share", "error", err)
		return s.turnDown(wire.VerdictUnable, err)
	}
	if !s.pledge() || !s.host.move(HostAsking) {
		return false
	}
	q := s.question(len(layout))
	s.host.update(func(st *HostState) { st.Card, st.Reason, st.Words = q.Who, q.Reason, q.Words })
	lease, err := s.host.cfg.Gate.Ask(s.ctx, q)
	if err != nil {
		if s.ctx.Err() != nil { // withdrawn, or cut: there is nobody to answer
			s.host.withdrawn.add(device, time.Now())    // or a dialog could be made to come and go for ever
			if why := s.why(); why == fromServer(why) { // nobody here ended it
				s.host.cfg.refuse(AboutQuestion, s.attempt(&Ended{why}))
			}
			return false
		}
		s.host.cfg.Log.Info("not granted", "error", err)
		if errors.Is(err, consent.ErrRefused) || errors.Is(err, consent.ErrReported) || errors.Is(err, consent.ErrNoAnswer) {
			s.host.rebuffs.add(device, time.Now())
		}
		return s.turnDown(verdictOf(err), err)
	}
	s.host.rebuffs.forgive(device)
	s.host.withdrawn.forgive(device)
	s.hold(lease)
	return s.grant(lease)
}

// pledge commits this machine to its key and fingerprint, so that both ends can
// show the same words while the person decides.
func (s *intervention) pledge() bool {
	env, err := s.host.cfg.Key.SignPledge(&wire.Pledge{
		Session: s.request.Request.Session, RequestHash: s.request.Hash, Fingerprint: s.dialer.Fingerprint(),
	})
	if err != nil {
		s.host.cfg.Log.Error("no pledge", "error", err)
		return s.turnDown(wire.VerdictUnable, err)
	}
	s.proof.Pledge = env
	s.words = trust.CheckWords(s.call.Ring().Request, env, s.host.cfg.WordList())
	ctx, cancel := context.WithTimeout(s.ctx, sendTime)
	defer cancel()
	if err := s.call.Pledge(ctx, env); err != nil {
		s.cut(wire.EndNetworkLost)
		return false
	}
	return true
}

func (s *intervention) question(monitors int) consent.Question {
	r, c := s.request.Request, s.admitted.Card
	return consent.Question{
		Who:      consent.Card{Name: c.Name, Role: c.Role, Unit: c.Unit, Until: s.admitted.Until},
		Photo:    s.photo,
		Reason:   r.Reason,
		Wanted:   consent.Rights(r.Rights & s.admitted.Rights),
		Life:     s.admitted.Lease,
		Words:    s.words,
		Monitors: monitors,
	}
}

func verdictOf(err error) wire.Verdict {
	switch {
	case errors.Is(err, consent.ErrReported):
		return wire.VerdictReported
	case errors.Is(err, consent.ErrNoAnswer):
		return wire.VerdictNoAnswer
	case errors.Is(err, consent.ErrBusy):
		return wire.VerdictBusy
	case errors.Is(err, consent.ErrRefused), errors.Is(err, consent.ErrNotGranted):
		return wire.VerdictRefused
	}
	return wire.VerdictUnable
}

// hold ties the lease and the intervention together: neither outlives the other.
func (s *intervention) hold(l *consent.Lease) {
	q := s.question(0)
	q.Who.Until = time.Unix(s.admitted.Card.NotAfter, 0) // what the signed card proves
	s.mu.Lock()
	s.lease = l
	s.record = Record{
		Session: s.request.Request.Session, Who: q.Who, Reason: q.Reason, Words: q.Words,
		Proof: s.proof, Login: s.call.Ring().Login, Address: s.call.Ring().Address, Began: l.Since(),
	}
	s.mu.Unlock()
	s.review() // it may have changed while the person was asked
	go func() {
		select {
		case <-l.Done():
			s.stop(&Ended{reasonOf(l.Cause())})
		case <-s.ctx.Done():
			l.Revoke(&Ended{s.why()}) // it may have been cut while the lease was born
		}
	}()
}

// grant tells the technician what the person allowed.
func (s *intervention) grant(l *consent.Lease) bool {
	rights := l.Rights()
	s.note(Deed{Act: ActBegan, Rights: rights})
	s.host.update(func(st *HostState) { st.Rights, st.Since = rights, l.Since() })
	if !s.host.move(HostConnecting) {
		s.cut(wire.EndHostClosed)
		return false
	}
	env, err := s.host.cfg.Key.SignAnswer(&wire.Answer{
		Session: s.request.Request.Session, RequestHash: s.request.Hash, Fingerprint: s.dialer.Fingerprint(),
		Verdict: wire.VerdictGranted, Rights: uint16(rights), Expires: time.Now().Add(min(s.admitted.Lease, consent.LeaseLife)).Unix(),
	})
	if err == nil {
		s.tally(func(r *Record) { r.Proof.Answer = env })
		if lost := s.keep(); lost != nil {
			return s.unwritten(l, lost)
		}
		s.keeping.Go(s.keepOn)
		ctx, cancel := context.WithTimeout(s.ctx, sendTime)
		defer cancel()
		err = s.call.Answer(ctx, env)
	}
	if err != nil {
		s.host.cfg.Log.Info("answer not sent", "error", err)
		s.cut(wire.EndNetworkLost)
		return false
	}
	s.granted = true
	s.tellSigned()
	return true
}

// connect reaches the technician and plays the live part.
func (s *intervention) connect() {
	ctx, cancel := context.WithTimeout(s.ctx, ConnectTime)
	link, err := s.dialer.Connect(ctx, s.request.Request.Fingerprint, s.call)
	cancel()
	if err != nil {
		if over(s.call.Done()) { // the way was lost with the call, and serve knows why that ended
			<-s.ctx.Done()
		}
		s.host.cfg.Log.Info("no connection", "error", err)
		why := s.host.cfg.lossOf(err)
		if s.ctx.Err() == nil { // else whoever ended it knows why
			s.host.cfg.refuse(AboutLink, &Ended{why})
		}
		s.cut(why)
		return
	}
	newLive(s, link).run()
}

// close is the one way out, whatever happened before.
func (s *intervention) close() {
	s.stop(&Ended{wire.EndNetworkLost}) // unless there was a reason already
	s.host.move(HostEnding)
	why := s.why()
	if l := s.leased(); l != nil {
		s.noteRenewal(l) // it may have come with the end
	}
	s.signEnd(why) // before the goodbye, which the server would take for an unsigned end
	if !s.answered {
		s.call.End(why)
	}
	if l := s.leased(); l != nil {
		l.Revoke(&Ended{why})
		s.awaitDark(l)
		s.report(why)
	}
	s.host.move(HostIdle)
}

// awaitDark gives the banner the time to go out, so that the next call does not
// find the gate shut.
func (s *intervention) awaitDark(l *consent.Lease) {
	limit := time.NewTimer(darkTime)
	defer limit.Stop()
	select {
	case <-l.Dark():
	case <-limit.C:
		s.host.cfg.Log.Warn("the banner does not go out")
	}
}

// report hands the record to the app.
func (s *intervention) report(why wire.EndReason) {
	now := time.Now()
	if why == wire.EndReported {
		s.note(Deed{Act: ActReported})
	}
	s.note(Deed{Act: ActEnded})
	s.keeping.Wait() // or an unfinished record could take the place of the last
	s.mu.Lock()
	s.record.End = why
	s.record.Length = now.Sub(s.record.Began)
	r := s.record
	s.mu.Unlock()
	s.host.update(func(st *HostState) { st.Last = &End{Session: r.Session, Why: why, At: now} })
	if err := s.host.cfg.Report(r); err != nil {
		s.host.cfg.Log.Error("record not kept", "error", err)
	}
}
