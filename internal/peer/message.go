// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"errors"
	"fmt"

	"assist/internal/wire"
)

// takeControl accepts what the other end may say on the control channel: its
// own family, less what has a channel of its own.
func (l *link) takeControl(b []byte) error {
	m, err := l.unmarshal(b)
	if err != nil {
		return err
	}
	if channelOf(m) != channelControl {
		return fmt.Errorf("%w: message on the wrong channel", ErrProtocol)
	}
	return l.deliver(l.control, m)
}

func (l *link) takeInput(b []byte) error {
	m, err := l.unmarshal(b)
	if err != nil {
		return err
	}
	if channelOf(m) != channelInput {
		return fmt.Errorf("%w: message on the wrong channel", ErrProtocol)
	}
	return l.deliver(l.others, m)
}

// takePlace accepts a pointer's place; a newer one makes it worthless, so it is
// dropped rather than waited with.
func (l *link) takePlace(b []byte) error {
	m, err := l.unmarshal(b)
	if err != nil {
		return err
	}
	if channelOf(m) != channelPlace {
		return fmt.Errorf("%w: message on the wrong channel", ErrProtocol)
	}
	select {
	case l.others <- m:
	default:
		l.count.lost.Add(1)
	}
	return nil
}

func (l *link) unmarshal(b []byte) (message, error) {
	var m message
	var err error
	if l.role == roleHost {
		m, err = wire.UnmarshalToHost(b)
	} else {
		m, err = wire.UnmarshalToTechnician(b)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	return m, nil
}

// channelOf is the one channel a message may travel in.
func channelOf(m message) int {
	switch m.(type) {
	case wire.Input:
		return channelInput
	case *wire.Place:
		return channelPlace
	}
	return channelControl
}

// deliver waits for room: the other end is then held back by the channel itself.
// What arrived before the end is kept even after it, if there is room.
func (l *link) deliver(queue chan<- message, m message) error {
	select {
	case queue <- m:
		return nil
	default:
	}
	select {
	case queue <- m:
		return nil
	case <-l.done:
		return l.err
	}
}

// receive returns the next message, those of the control channel first.
func (l *link) receive(ctx context.Context) (message, error) {
	select {
	case m := <-l.control:
		return l.received(m)
	default:
	}
	select {
	case m := <-l.control:
		return l.received(m)
	case m := <-l.others:
		return l.received(m)
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.done:
		return l.lastWords(ctx)
	}
}

// lastWords delivers what the other end said on the control channel before the
// connection went, such as why it ended it.
func (l *link) lastWords(ctx context.Context) (message, error) {
	if !errors.Is(l.err, ErrLost) {
		return nil, l.err
	}
	select {
	case m := <-l.control:
		return l.received(m)
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.channels[channelControl].finished:
	}
	select {
	case m := <-l.control:
		return l.received(m)
	default:
		return nil, l.err
	}
}

func (l *link) received(m message) (message, error) {
	if l.Err() == ErrClosed {
		return nil, ErrClosed
	}
	l.count.messagesReceived.Add(1)
	return m, nil
}

func (l *link) sendMessage(ctx context.Context, m message) error {
	b, err := wire.Marshal(m)
	if err != nil {
		return fmt.Errorf("peer: send: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := l.channels[channelOf(m)].write(ctx, b); err != nil {
		return err
	}
	l.count.messagesSent.Add(1)
	return nil
}
