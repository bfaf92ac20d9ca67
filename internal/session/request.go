// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"assist/internal/consent"
	"assist/internal/trust"
	"assist/internal/wire"
)

// request is what a technician's request knows on its way to the live session.
// play's goroutine owns it.
type request struct {
	dialer TechnicianDialer
	check  trust.PledgeCheck
	env    []byte // the signed request, as it was sent
	line   Outgoing
	pledge *wire.Pledge
	answer *wire.Answer
}

// play goes from the request to the goodbye.
func (t *Technician) play() {
	now := time.Now()
	t.move(TechnicianAsking, func(s *TechnicianState) { s.Deadline = now.Add(consent.AnswerTime + AnswerMargin) })
	r := &request{}
	err := t.ask(r)
	if err == nil {
		err = t.await(r)
	}
	if err == nil {
		err = t.connect(r)
	}
	if err == nil {
		t.converse()
	}
	t.finish(r, err)
}

// ask signs the request and hands it to the server.
func (t *Technician) ask(r *request) error {
	var err error
	if r.dialer, err = t.cfg.Identity(); err != nil {
		return err
	}
	q := &wire.Request{
		Machine: t.wish.Machine, Certificate: t.cfg.Certificate, Fingerprint: r.dialer.Fingerprint(),
		Rights: uint16(t.wish.Rights), Reason: t.wish.Reason, Expires: time.Now().Add(trust.RequestLife).Unix(),
	}
	rand.Read(q.Session[:]) // never fails, by its contract
	rand.Read(q.Nonce[:])
	if r.env, err = t.cfg.Key.SignRequest(q); err != nil {
		return err
	}
	hash, err := trust.RequestHash(r.env)
	if err != nil {
		return err
	}
	r.check = trust.PledgeCheck{
		Unit: t.cfg.Unit, Machine: t.wish.Machine, RequestHash: hash, Session: q.Session, Numbers: t.cfg.Numbers,
	}
	r.line, err = t.cfg.Ask(t.ctx, t.wish.TOTP, r.env)
	if err != nil {
		return err
	}
	go t.follow(r.line)
	return nil
}

// follow ends everything when the other end, or the server, does.
func (t *Technician) follow(line Outgoing) {
	select {
	case <-t.ctx.Done():
	case <-line.Done():
		why := line.Reason()
		if why == 0 {
			why = wire.EndNetworkLost
		}
		t.letHostSpeak(why)
		t.stop(&Ended{why})
	}
}

// letHostSpeak waits a moment for the host's own goodbye, when the server brings one in
// the host's name.
func (t *Technician) letHostSpeak(why wire.EndReason) {
	if _, err := t.linked(); err != nil || !ofHost(why) {
		return
	}
	grace := time.NewTimer(lostGrace)
	defer grace.Stop()
	select {
	case <-t.ctx.Done():
	case <-grace.C:
	}
}

// heardOf is the reason that this end can vouch for: what the host said on its own link, and
// nothing that the server says in its name.
func (t *Technician) heardOf(why wire.EndReason) wire.EndReason {
	if ofHost(why) && why != t.bye {
		return wire.EndServerStopped
	}
	return why
}

// mail is one message that the server brings, or why it does not.
type mail struct {
	env []byte
	err error
}

func post(ctx context.Context, get func(context.Context) ([]byte, error)) <-chan mail {
	c := make(chan mail, 1)
	go func() {
		env, err := get(ctx)
		c <- mail{env, err}
	}()
	return c
}

// await waits for the pledge and the answer, and believes neither unseen. A host
// that turns a request down at once makes no pledge.
func (t *Technician) await(r *request) error {
	ctx, cancel := context.WithDeadlineCause(t.ctx, t.State().Deadline, &Ended{wire.EndExpired})
	defer cancel()
	pledges, answers := post(ctx, r.line.Pledge), post(ctx, r.line.Answer)
	for {
		select {
		case m := <-pledges:
			pledges = nil
			if m.err != nil {
				continue // the answer, or the end, says why
			}
			if err := t.pledged(r, m.env); err != nil {
				return err
			}
		case m := <-answers:
			if m.err != nil {
				return t.unanswered(ctx, m.err)
			}
			if err := t.lastPledge(ctx, r, pledges); err != nil {
				return err
			}
			return t.answered(r, m.env)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// unanswered says why no answer came: the end of the line, if that is being
// told at this moment, says it best.
func (t *Technician) unanswered(ctx context.Context, err error) error {
	if _, _, refused := t.cfg.Refusal(err); refused {
		return err
	}
	grace := time.NewTimer(lostGrace)
	defer grace.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-grace.C:
		return err
	}
}

// lastPledge takes in a pledge that arrived together with the answer.
func (t *Technician) lastPledge(ctx context.Context, r *request, pledges <-chan mail) error {
	if pledges == nil {
		return nil
	}
	grace := time.NewTimer(lostGrace)
	defer grace.Stop()
	select {
	case m := <-pledges:
		if m.err != nil {
			return nil
		}
		return t.pledged(r, m.env)
	case <-grace.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pledged verifies a pledge and shows the words.
func (t *Technician) pledged(r *request, env []byte) error {
	p, err := trust.VerifyPledge(env, r.check)
	if err != nil {
		t.cfg.refuse(AboutPledge, err)
		return err
	}
	r.pledge = p
	var words [2][3]string
	for i, list := range t.cfg.WordLists {
		words[i] = trust.CheckWords(r.env, env, list)
	}
	deadline := time.Now().Add(consent.AnswerTime)
	t.move(TechnicianWaiting, func(s *TechnicianState) { s.Words, s.OtherWords, s.Deadline = words[0], words[1], deadline })
	return nil
}

// declined is an answer that is not a grant.
type declined struct{ verdict wire.Verdict }

func (*declined) Error() string { return "session: declined by the host" }

// answered verifies the answer.
func (t *Technician) answered(r *request, env []byte) error {
	a, err := trust.VerifyAnswer(env, trust.AnswerCheck{PledgeCheck: r.check, Pledge: r.pledge, Now: time.Now()})
	if err == nil && a.Verdict == wire.VerdictGranted && !t.wish.Rights.Has(consent.Rights(a.Rights)) {
		err = trust.ErrRights
	}
	if err != nil {
		t.cfg.refuse(AboutAnswer, err)
		return err
	}
	if a.Verdict != wire.VerdictGranted {
		return &declined{a.Verdict}
	}
	r.answer = a
	return nil
}

// connect reaches the host.
func (t *Technician) connect(r *request) error {
	t.move(TechnicianConnecting, func(s *TechnicianState) { s.Rights = consent.Rights(r.answer.Rights) })
	ctx, cancel := context.WithTimeout(t.ctx, ConnectTime)
	defer cancel()
	link, err := r.dialer.Connect(ctx, r.answer.Fingerprint, r.line)
	if err != nil {
		if over(r.line.Done()) { // the way was lost with the line, and follow knows why that ended
			<-t.ctx.Done()
		}
		return errors.Join(&Ended{lossOf(t.cfg.Broke, err)}, err)
	}
	t.link = link
	return nil
}

// finish closes everything and says how it ended.
func (t *Technician) finish(r *request, err error) {
	var no *declined
	if cause := context.Cause(t.ctx); cause != nil && !errors.As(err, &no) {
		err = cause // whoever ended it knows better than what broke of it
	}
	end := t.outcome(err)
	t.tell(r, err)
	t.stop(&Ended{end.End})
	if t.link != nil {
		end.End = t.heardOf(end.End)
		ctx, cancel := briefly(ByeTime)
		if err := t.link.Send(ctx, &wire.SessionBye{Reason: end.End}); err != nil {
			t.cfg.Log.Debug("goodbye not sent", "error", err)
		}
		cancel()
		_ = t.link.Close()
	}
	if r.line != nil && end.Verdict == 0 {
		t.signEnd(r, t.heardOf(end.End))
		r.line.End(end.End)
	}
	t.move(TechnicianEnded, func(s *TechnicianState) {
		s.End, s.Verdict, s.Refusal, s.Wait, s.Err = end.End, end.Verdict, end.Refusal, end.Wait, end.Err
		s.Rights, s.Asked, s.Deadline, s.Silent = 0, 0, time.Time{}, time.Time{}
	})
}

// tell keeps a line about a request that came to nothing though nobody said so. What is not
// believed of a pledge or an answer was told when it was read, and what the server says no
// to is told by who talks to it.
func (t *Technician) tell(r *request, err error) {
	var ended *Ended
	if t.link != nil || !errors.As(err, &ended) {
		return
	}
	switch ended.Reason { // nobody at either end decided these
	case wire.EndNetworkLost, wire.EndProtocol, wire.EndExpired, wire.EndServerStopped, wire.EndRevoked:
		what := AboutAnswer
		if r.answer != nil {
			what = AboutLink
		}
		t.cfg.refuse(what, ended)
	}
}

// outcome sorts what stopped a request into what can be said of it.
func (t *Technician) outcome(err error) TechnicianState {
	var no *declined
	var ended *Ended
	if why, wait, ok := t.cfg.Refusal(err); ok {
		return TechnicianState{End: wire.EndRefused, Refusal: why, Wait: wait}
	}
	switch {
	case errors.As(err, &no):
		return TechnicianState{End: wire.EndRefused, Verdict: no.verdict}
	case errors.As(err, &ended):
		return TechnicianState{End: ended.Reason, Err: beside(err, ended)}
	case errors.Is(err, context.DeadlineExceeded):
		return TechnicianState{End: wire.EndNetworkLost, Err: err}
	}
	return TechnicianState{End: wire.EndProtocol, Err: err}
}

// beside is what is known of an ending besides its reason.
func beside(err error, ended *Ended) error {
	if err == error(ended) {
		return nil
	}
	return err
}
