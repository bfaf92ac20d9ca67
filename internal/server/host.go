// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"

	"assist/internal/trust"
	"assist/internal/wire"
)

// host is one connected machine. The goroutine of its connection owns it, so it has no lock.
type host struct {
	end
	machine string
	key     []byte // its public key, as it was proved at the hello
}

// serveHost registers a host and carries its messages until it goes.
func (s *Server) serveHost(ctx context.Context, l *link, m *wire.HostHello) error {
	if m.Version != wire.Version {
		return errProtocol
	}
	if err := trust.VerifyHello(m.HostKey, trust.RoleHost, l.nonce, l.exporter, m.Signature); err != nil {
		return fmt.Errorf("%w: %w", errIdentity, err)
	}
	machine, err := s.machineOf(ctx, m.HostKey, l.from.Addr())
	if err != nil {
		return err
	}
	h := &host{hostEnd(l), machine, m.HostKey}
	// It hears before it is told what there is: what happens between the two would be lost.
	subs, err := h.register(ctx)
	if err != nil {
		return err
	}
	defer func() {
		s.bus.unlisten(subs...)
		h.hangUp(ctx)
	}()
	if err := s.seen(ctx, machine); err != nil {
		return err
	}
	if err := h.resume(ctx, "machine", machine); err != nil {
		return err
	}
	if err := h.send(ctx, &wire.HostReady{Address: l.from.Addr().String(), STUN: s.stunAddress()}); err != nil {
		return err
	}
	if err := h.notice(ctx); err != nil {
		return err
	}
	if err := h.missed(ctx, "machine", machine); err != nil {
		return err
	}
	return h.carry(ctx, h)
}

// claims are the machines that are registering at this moment, in this process: two at once
// would each find that no other is there. mu guards busy.
type claims struct {
	mu   sync.Mutex
	busy map[string]bool
}

func (c *claims) begin(machine string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy[machine] {
		return false
	}
	if c.busy == nil {
		c.busy = map[string]bool{}
	}
	c.busy[machine] = true
	return true
}

func (c *claims) end(machine string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.busy, machine)
}

// register makes the machine present, unless another live host has its key (a
// cloned disk, say).
func (h *host) register(ctx context.Context) ([]*interest, error) {
	s := h.server
	if !s.registering.begin(h.machine) {
		return nil, errDuplicate
	}
	defer s.registering.end(h.machine)
	held, err := s.store.heldBack(ctx, h.machine)
	if err == nil && held {
		err = errDuplicate
	}
	if err == nil {
		err = h.claim(ctx)
	}
	if err != nil {
		return nil, err
	}
	ring, err := s.bus.listen(subjectMachine(h.machine), h.inbox)
	if err != nil {
		return nil, err
	}
	claim, err := s.bus.listen(subjectClaim(h.machine), h.inbox)
	if err != nil {
		s.bus.unlisten(ring)
		return nil, err
	}
	return []*interest{ring, claim}, nil
}

// charterChanged: what it means for this machine its app works out itself.
func (h *host) charterChanged(ctx context.Context) error { return h.notice(ctx) }

// message is what the host sent.
func (h *host) message(ctx context.Context, m wire.FromClient) error {
	switch m := m.(type) {
	case *wire.Pledged:
		return h.pledged(m)
	case *wire.Answered:
		return h.answered(ctx, m)
	case *wire.Signal:
		return h.signal(m)
	case *wire.Bye:
		h.bye(ctx, m)
		return nil
	case *wire.Report:
		return h.report(ctx, m)
	case *wire.CheckpointAsk:
		return h.checkpointed(ctx, m)
	case *wire.Noted:
		return h.noted(ctx, m, h.signer())
	}
	return errProtocol
}

// report records that the host's user has a problem with a session of this
// machine, and says so once it is durable. Of other sessions it knows nothing.
func (h *host) report(ctx context.Context, m *wire.Report) error {
	if err := h.server.reportSession(ctx, m, h.signer()); err != nil {
		return h.refuse(ctx, m.Session, err)
	}
	return h.send(ctx, &wire.Reported{Session: m.Session})
}

// letter is what the bus brought.
func (h *host) letter(ctx context.Context, l *letter) error {
	switch l.Subject {
	case subjectMachine(h.machine):
		return h.ring(ctx, l)
	case subjectClaim(h.machine):
		return h.claimed(ctx, l)
	}
	return h.hear(ctx, l)
}

// claimed answers another connection that wants this one's place. It must know within two
// thirds of the time for which the other waits, or the answer would come too late.
func (h *host) claimed(ctx context.Context, l *letter) error {
	if string(l.Data) == claimLeave {
		return errDuplicate
	}
	if h.alive(ctx, h.server.limits.claim*2/3) {
		answer(l, replyAlive+" "+h.from.Addr().String())
		return nil
	}
	answer(l, replyGone)
	return errGone
}

// ring brings a request, unless one is under way. Asked twice for the same one,
// because the first answer was late, it says yes twice and rings once.
func (h *host) ring(ctx context.Context, l *letter) error {
	m, err := wire.UnmarshalFromServer(l.Data)
	ring, ok := m.(*wire.Ring)
	if err != nil || !ok {
		return errors.Join(errProtocol, err)
	}
	if h.calls[ring.Session] != nil {
		answer(l, replyRung)
		return nil
	}
	for _, c := range h.calls {
		if !c.resumed { // of a resumed one only the app knows whether it lives
			answer(l, replyBusy)
			return nil
		}
	}
	hash, err := trust.RequestHash(ring.Request)
	if err != nil {
		return errors.Join(errProtocol, err)
	}
	c, err := h.join(ring.Session)
	if err != nil {
		answer(l, replyBusy)
		return err
	}
	c.request = hash
	// The technician's end may have given up before this end could hear of it.
	if open, err := h.server.store.sessionOpen(ctx, ring.Session); err != nil || !open {
		h.leave(c)
		answer(l, replyBusy)
		return err
	}
	answer(l, replyRung)
	return h.send(ctx, ring)
}

func (h *host) pledged(m *wire.Pledged) error {
	c := h.calls[m.Session]
	if c == nil { // ended a moment ago, or another's: counted, and the connection stays
		h.server.drops.foreign.Add(1)
		return nil
	}
	if c.pledged { // a second one would change the words that both people compare
		return errProtocol
	}
	c.pledged = true
	return h.server.bus.send(subjectTechnician(m.Session), m)
}

// answered records the decision, then passes it on. When it cannot be recorded
// the session does not come about.
func (h *host) answered(ctx context.Context, m *wire.Answered) error {
	c := h.calls[m.Session]
	if c == nil {
		h.server.drops.foreign.Add(1)
		return nil
	}
	a, hash, err := h.checkAnswer(c, m.Answer)
	if err != nil {
		return errors.Join(errProtocol, err)
	}
	err = h.server.answerSession(ctx, a, hash, m.Answer)
	if errors.Is(err, errProtocol) {
		return nil // it ended a moment ago; the Bye is on its way to this end
	}
	if err != nil {
		h.server.log.Error("an answer could not be recorded", "error", err)
		h.server.finishSession(ctx, m.Session, endedByRestart(), subjectTechnician(m.Session))
		h.leave(c)
		return h.send(ctx, &wire.Bye{Session: m.Session, Reason: wire.EndServerStopped})
	}
	if err := h.server.bus.send(subjectTechnician(m.Session), m); err != nil {
		return err
	}
	if a.Verdict != wire.VerdictGranted {
		h.leave(c)
		return nil
	}
	h.forgetOthers(c) // a host has one session; a new grant shows that the resumed ones are over
	c.answered = true
	return nil
}

// checkAnswer reads this host's own answer to the request that it was rung for. What a
// later look at the journal could not verify must never be written there.
func (h *host) checkAnswer(c *call, env []byte) (*wire.Answer, [32]byte, error) {
	a, hash, err := readAnswer(env)
	if err != nil {
		return nil, hash, err
	}
	if c.answered || a.Session != c.id || a.RequestHash != c.request || string(a.HostKey) != string(h.key) {
		return nil, hash, errors.New("not this host's answer to this request")
	}
	_, err = trust.AnswerSigned(env)
	return a, hash, err
}

// forgetOthers drops the resumed sessions that a new grant replaced.
func (h *host) forgetOthers(keep *call) {
	for _, c := range h.calls {
		if c != keep {
			h.leave(c)
		}
	}
}

// readAnswer decodes an answer and hashes its body. It verifies nothing.
func readAnswer(env []byte) (*wire.Answer, [32]byte, error) {
	e, err := wire.UnmarshalEnvelope(env)
	if err != nil {
		return nil, [32]byte{}, err
	}
	body, err := wire.UnmarshalSigned(e.Body)
	if err != nil {
		return nil, [32]byte{}, err
	}
	a, ok := body.(*wire.Answer)
	if !ok {
		return nil, [32]byte{}, fmt.Errorf("%w: not an answer", errProtocol)
	}
	return a, sha256.Sum256(e.Body), nil
}

// stunAddress is where clients find STUN: the host of the configured address,
// the UDP port that is open.
func (s *Server) stunAddress() string {
	port := s.listening.stunPort()
	host, _, err := net.SplitHostPort(s.cfg.Server.Address)
	if port == 0 || err != nil { // switched off, and the clients go without
		return ""
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
