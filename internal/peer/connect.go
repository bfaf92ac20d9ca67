// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
)

// abortLimit bounds telling the other end that this one gave up.
const abortLimit = 200 * time.Millisecond

// connect takes a fresh link to the point where pictures and messages may flow.
// The host offers. When it fails the link is closed and the other end told.
func (l *link) connect(ctx context.Context) error {
	err := l.negotiate(ctx)
	if err == nil {
		return nil
	}
	err = l.exposed(err)
	if !errors.Is(err, ErrAborted) {
		l.abort()
	}
	l.fail(err)
	<-l.done
	_ = l.Close()
	return l.err
}

// abort tells the other end, so that it need not wait for its time limit.
func (l *link) abort() {
	ctx, cancel := context.WithTimeout(context.Background(), abortLimit)
	defer cancel()
	_ = l.cfg.Signaler.Send(ctx, []byte{byte(signalAbort)})
}

// negotiate runs the set-up: what comes in on one goroutine, our candidates out on
// another, both gone when it returns.
func (l *link) negotiate(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(l.ctx, cancel)
	defer stop()
	described := make(chan struct{})
	tasks := []func() error{
		func() error { return l.obey(ctx, described) },
		func() error { return l.trickle(ctx, described) },
	}
	if l.role == roleHost {
		if err := l.offer(ctx, nil); err != nil {
			cancel()
			return err
		}
		close(described)
		tasks = append(tasks, func() error { return l.persist(ctx) })
	}
	failed := make(chan error, len(tasks)) // one from each
	var running sync.WaitGroup
	for _, task := range tasks {
		running.Go(func() { failed <- task() })
	}
	err := l.await(ctx, failed)
	cancel()
	running.Wait()
	return err
}

// await returns nil once the certificate is verified and the channels are open.
func (l *link) await(ctx context.Context, failed <-chan error) error {
	for {
		select {
		case <-l.connected:
			return l.start(ctx)
		case err := <-failed:
			if ctx.Err() == nil && err != nil {
				return err
			}
		case <-l.done:
			return l.err
		case <-ctx.Done():
			if l.Err() != nil {
				return l.Err()
			}
			return l.sources.because(fmt.Errorf("peer: connecting: %w", context.Cause(ctx)))
		}
	}
}

// start verifies the certificate, and only then lets anything flow.
func (l *link) start(ctx context.Context) error {
	if err := errors.Join(l.verify(), l.checkSource()); err != nil {
		return err
	}
	for _, c := range l.channels {
		select {
		case <-c.open:
		case <-l.done:
			return l.err
		case <-ctx.Done():
			return fmt.Errorf("peer: opening channels: %w", context.Cause(ctx))
		}
	}
	l.hear()
	close(l.verified)
	for _, c := range l.channels {
		l.run(c.read)
	}
	l.run(l.live)
	return nil
}

func (l *link) send1(ctx context.Context, s signal) error {
	b, err := s.marshal()
	if err != nil {
		return err
	}
	if err := l.cfg.Signaler.Send(ctx, b); err != nil {
		return fmt.Errorf("peer: signalling: %w", err)
	}
	return nil
}

// offer describes the session to the other end. Gathering starts here, but
// trickle sends nothing before the description is out: the other end drops a candidate
// whose user fragment (RFC 8445, section 5.3) it has not been told of.
func (l *link) offer(ctx context.Context, o *webrtc.OfferOptions) error {
	l.describing.Lock()
	defer l.describing.Unlock()
	d, err := l.pc.CreateOffer(o)
	if err != nil {
		return fmt.Errorf("peer: offer: %w", err)
	}
	if err := l.pc.SetLocalDescription(d); err != nil {
		return fmt.Errorf("peer: offer: %w", err)
	}
	return l.send1(ctx, signal{signalOffer, d.SDP})
}

// answer takes the host's offer.
func (l *link) answer(ctx context.Context, sdp string) error {
	l.describing.Lock()
	defer l.describing.Unlock()
	err := l.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: sdp})
	if err != nil {
		return fmt.Errorf("%w: offer: %w", ErrProtocol, err)
	}
	d, err := l.pc.CreateAnswer(nil)
	if err != nil {
		return fmt.Errorf("peer: answer: %w", err)
	}
	if err := l.pc.SetLocalDescription(d); err != nil {
		return fmt.Errorf("peer: answer: %w", err)
	}
	return l.send1(ctx, signal{signalAnswer, d.SDP})
}

// trickle sends our candidates once our description is out.
func (l *link) trickle(ctx context.Context, described <-chan struct{}) error {
	select {
	case <-described:
	case <-ctx.Done():
		return nil
	}
	for {
		select {
		case c := <-l.candidates:
			l.describing.Lock()
			err := l.send1(ctx, signal{signalCandidate, c})
			l.describing.Unlock()
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// obey takes the other end's messages: a description, then candidates; and again when
// the host looks for paths anew.
func (l *link) obey(ctx context.Context, described chan<- struct{}) error {
	candidates, descriptions := 0, 0
	for {
		b, err := l.cfg.Signaler.Receive(ctx)
		if err != nil {
			return fmt.Errorf("peer: signalling: %w", err)
		}
		s, err := parseSignal(b)
		switch {
		case err != nil:
		case s.kind == signalAbort:
			err = ErrAborted
		case s.kind == signalCandidate && candidates < maxCandidates*descriptions:
			candidates++
			err = l.addCandidate(s.text)
		case s.kind == l.expects() && descriptions < maxDescriptions:
			if descriptions++; descriptions > 1 {
				described = nil
			}
			err = l.describe(ctx, s.text, described)
		default:
			err = fmt.Errorf("%w: signal %d out of turn", ErrProtocol, s.kind)
		}
		if err != nil {
			return err
		}
	}
}

// expects is the kind of description that the other end has to send.
func (l *link) expects() signalKind {
	if l.role == roleHost {
		return signalAnswer
	}
	return signalOffer
}

func (l *link) describe(ctx context.Context, sdp string, described chan<- struct{}) error {
	if err := checkDescription(sdp, l.cfg.Remote); err != nil {
		return err
	}
	if l.role == roleTechnician {
		if err := l.answer(ctx, sdp); err != nil {
			return err
		}
		if described != nil {
			close(described)
		}
		return nil
	}
	err := l.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp})
	if err != nil {
		return fmt.Errorf("%w: answer: %w", ErrProtocol, err)
	}
	return nil
}

func (l *link) addCandidate(text string) error {
	mid, line := "0", uint16(0) // everything is bundled
	err := l.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: text, SDPMid: &mid, SDPMLineIndex: &line})
	if err != nil {
		return fmt.Errorf("%w: candidate: %w", ErrProtocol, err)
	}
	return nil
}
