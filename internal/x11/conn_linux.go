// SPDX-License-Identifier: Apache-2.0

// Package x11 opens connections to the X server that the rest of Assist can
// trust: an event that another client forged with XSendEvent never gets
// through, the death of the server is a closed channel instead of a log line,
// and no process-wide table of the protocol library is written (its
// extension Init functions write maps that every other connection reads
// without a lock).
//
// One connection belongs to one owner. The event callback runs on the
// connection's reader: it must neither block nor make a request.
package x11

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// ErrNoDisplay means that there is no X server to talk to.
var ErrNoDisplay = errors.New("no x display")

// ErrNoExtension means that the server lacks a protocol extension.
var ErrNoExtension = errors.New("x extension is missing")

// dialLimit bounds connecting and the protocol's first exchange.
const dialLimit = 3 * time.Second

// closeLimit bounds how long Close waits for a server that does not answer.
const closeLimit = 500 * time.Millisecond

// Event is one genuine event of the server, as its 32 bytes; what a generic
// event carries beyond them is dropped.
type Event [32]byte

// Code is the event's number.
func (e Event) Code() byte { return e[0] & 0x7f }

// Conn is one connection.
type Conn struct {
	X      *xgb.Conn
	Screen *xproto.ScreenInfo
	Root   xproto.Window
	Local  bool // the server runs on this machine, so memory can be shared

	raw  *stream
	gone chan struct{} // closed when the protocol library's goroutines are over
}

// Dial connects to display, or to $DISPLAY when it is empty.
func Dial(display string, onEvent func(Event)) (*Conn, error) { return dial(display, onEvent, nil) }

// dial is Dial; with onReply, that gets all replies and the protocol library none.
func dial(display string, onEvent func(Event), onReply func([]byte)) (*Conn, error) {
	addr, err := parseDisplay(display)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoDisplay, err)
	}
	socket, err := net.DialTimeout(addr.network, addr.address, dialLimit)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoDisplay, err)
	}
	c := &Conn{raw: newStream(socket, onEvent), Local: addr.network == "unix", gone: make(chan struct{})}
	c.raw.onReply = onReply
	if err := c.greet(addr); err != nil {
		_ = socket.Close()
		return nil, fmt.Errorf("%w: %w", ErrNoDisplay, err)
	}
	go c.drain()
	return c, nil
}

func (c *Conn) greet(addr address) error {
	if err := c.raw.SetDeadline(time.Now().Add(dialLimit)); err != nil {
		return err
	}
	var err error
	if cookie := addr.cookie(); cookie != "" {
		c.X, err = xgb.NewConnNetWithCookieHex(c.raw, cookie)
	} else {
		c.X, err = xgb.NewConnNet(c.raw)
	}
	if err != nil {
		return err
	}
	setup := xproto.Setup(c.X)
	if len(setup.Roots) == 0 {
		c.X.Close()
		return errors.New("server has no screen")
	}
	c.Screen = &setup.Roots[min(addr.screen, len(setup.Roots)-1)]
	c.Root = c.Screen.Root
	return c.raw.SetDeadline(time.Time{})
}

// drain throws away the errors of unchecked requests; undrained they would
// block the reader once the library's buffer is full.
func (c *Conn) drain() {
	defer close(c.gone)
	for {
		event, failure := c.X.WaitForEvent()
		if event == nil && failure == nil {
			return
		}
	}
}

// Done is closed once the connection is over, by Close or by the server.
func (c *Conn) Done() <-chan struct{} { return c.raw.done }

// Alive reports whether the connection still works.
func (c *Conn) Alive() bool {
	select {
	case <-c.raw.done:
		return false
	default:
		return true
	}
}

// Close ends the connection and waits for its goroutines. A server that does
// not answer is left behind.
func (c *Conn) Close() {
	c.X.Close()
	select {
	case <-c.gone:
	case <-time.After(closeLimit):
		c.Kill()
		<-c.gone
	}
}

// Kill cuts the connection at once: every request that waits on it fails. It
// is what a guard calls when the server has stopped answering.
func (c *Conn) Kill() { _ = c.raw.Close() }

// Extension makes an extension's requests usable on this connection and
// returns its major opcode and the number of its first event.
func (c *Conn) Extension(name string) (major, firstEvent byte, err error) {
	reply, err := xproto.QueryExtension(c.X, uint16(len(name)), name).Reply()
	if err != nil {
		return 0, 0, fmt.Errorf("query extension %s: %w", name, err)
	}
	if !reply.Present {
		return 0, 0, fmt.Errorf("%w: %s", ErrNoExtension, name)
	}
	c.X.ExtLock.Lock()
	c.X.Extensions[name] = reply.MajorOpcode
	c.X.ExtLock.Unlock()
	return reply.MajorOpcode, reply.FirstEvent, nil
}

// BGRX says whether pixels of the root window are four bytes each: B, G, R, unused.
func (c *Conn) BGRX() bool {
	setup := xproto.Setup(c.X)
	if c.Screen.RootDepth != 24 || setup.ImageByteOrder != xproto.ImageOrderLSBFirst {
		return false
	}
	for _, f := range setup.PixmapFormats {
		if f.Depth == 24 {
			return f.BitsPerPixel == 32
		}
	}
	return false
}

// Atom interns a name.
func (c *Conn) Atom(name string) (xproto.Atom, error) {
	reply, err := xproto.InternAtom(c.X, false, uint16(len(name)), name).Reply()
	if err != nil {
		return 0, fmt.Errorf("intern %s: %w", name, err)
	}
	return reply.Atom, nil
}
