// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/pion/datachannel"
	"github.com/pion/webrtc/v4"

	"assist/internal/wire"
)

// The channels, by their agreed stream numbers. Both ends open all of them; any
// other is a breach of protocol.
const (
	channelControl = iota // reliable, ordered
	channelInput          // reliable, ordered, technician to host
	channelPlace          // newest counts, host to technician
	channelLive           // signs of life
	channelCount
)

const (
	controlQueue = 64  // messages arrived and not yet taken by Receive
	othersQueue  = 256 // same, input or places
	// maxUnsent is how many bytes may wait in a channel before Send blocks.
	maxUnsent = 256 << 10
)

// message is wire.ToHost or wire.ToTechnician, already checked for its family.
type message = wire.Message

// channel is one data channel; its reader is a goroutine of the link.
type channel struct {
	link *link
	id   int
	dc   *webrtc.DataChannel
	open chan struct{} // closed once raw is set
	raw  datachannel.ReadWriteCloser
	take func(b []byte) error // what to do with a message; an error ends the link

	mu       sync.Mutex    // orders writes
	low      chan struct{} // one slot: everything was confirmed
	finished chan struct{} // closed when read has returned
}

// openChannels agrees on the channels without a word on the wire.
func (l *link) openChannels() error {
	names := [channelCount]string{"control", "input", "place", "live"}
	takers := [channelCount]func([]byte) error{l.takeControl, l.takeInput, l.takePlace, l.takeBeat}
	for id, name := range names {
		dc, err := l.pc.CreateDataChannel(name, initOf(id))
		if err != nil {
			return fmt.Errorf("peer: channel %s: %w", name, err)
		}
		c := &channel{
			link: l, id: id, dc: dc, take: takers[id],
			open: make(chan struct{}), low: make(chan struct{}, 1), finished: make(chan struct{}),
		}
		l.channels[id] = c
		dc.OnOpen(c.opened)
		dc.SetBufferedAmountLowThreshold(0)
		dc.OnBufferedAmountLow(c.confirmed)
	}
	return nil
}

func initOf(id int) *webrtc.DataChannelInit {
	negotiated, stream := true, uint16(id)
	i := &webrtc.DataChannelInit{Negotiated: &negotiated, ID: &stream}
	if id == channelPlace || id == channelLive {
		ordered, repeats := false, uint16(0)
		i.Ordered, i.MaxRetransmits = &ordered, &repeats
	}
	return i
}

func (c *channel) opened() {
	raw, err := c.dc.Detach()
	if err != nil {
		c.link.fail(fmt.Errorf("%w: channel: %w", ErrLost, err))
		return
	}
	c.raw = raw
	close(c.open)
}

func (c *channel) confirmed() {
	select {
	case c.low <- struct{}{}:
	default:
	}
}

// read hands arrived messages on until the link ends.
func (c *channel) read() {
	defer close(c.finished)
	buf := make([]byte, wire.MaxMessage)
	for {
		n, text, err := c.raw.ReadDataChannel(buf)
		switch {
		case errors.Is(err, io.ErrShortBuffer):
			err = fmt.Errorf("%w: message too long", ErrProtocol)
		case err != nil:
			err = fmt.Errorf("%w: channel closed", ErrLost)
		case text:
			err = fmt.Errorf("%w: text message", ErrProtocol)
		default:
			c.link.hear()
			err = c.take(buf[:n])
		}
		if err != nil {
			c.link.fail(err)
			return
		}
	}
}

// write sends b. It blocks while too much is unconfirmed; a channel where
// only the newest counts drops instead.
func (c *channel) write(ctx context.Context, b []byte) error {
	for c.dc.BufferedAmount() > maxUnsent {
		if c.id == channelPlace || c.id == channelLive {
			c.link.count.lost.Add(1)
			return nil
		}
		if err := c.wait(ctx); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.link.Err(); err != nil {
		return err
	}
	if _, err := c.raw.Write(b); err != nil {
		return fmt.Errorf("peer: send: %w", err)
	}
	return nil
}

func (c *channel) wait(ctx context.Context) error {
	select {
	case <-c.low: // perhaps an old note: the caller looks again
		return nil
	case <-c.link.done:
		return c.link.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// flushed waits until the other end has confirmed everything, or ctx ends.
func (c *channel) flushed(ctx context.Context) {
	for c.dc.BufferedAmount() > 0 {
		select {
		case <-c.low:
		case <-ctx.Done():
			return
		}
	}
}
