// SPDX-License-Identifier: Apache-2.0

package x11

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"sync"
)

const (
	unitSize     = 32  // bytes of every error and event, and of a reply's head
	sentFlag     = 128 // in an event's first byte: made by XSendEvent
	genericEvent = 35  // the one event that is longer than a unit
	firstExtErr  = 128 // error codes from here on belong to extensions
	badValue     = 2
)

// stream sits between the socket and the protocol library. It takes the events
// out, hands the genuine ones to the owner and drops the sent ones. Only the
// library's reader calls Read.
type stream struct {
	net.Conn
	r     *bufio.Reader
	on    func(Event)
	greet bool // the server's greeting has been passed on
	left  int  // bytes of the current unit still to pass on
	once  sync.Once
	done  chan struct{}

	onReply func([]byte) // gets the replies instead; nil: none does
}

func newStream(c net.Conn, on func(Event)) *stream {
	return &stream{Conn: c, r: bufio.NewReaderSize(c, 16<<10), on: on, done: make(chan struct{})}
}

// Read passes on greeting, replies and errors.
func (s *stream) Read(p []byte) (int, error) {
	for s.left == 0 {
		if err := s.unit(); err != nil {
			s.end()
			return 0, err
		}
	}
	n, err := s.r.Read(p[:min(len(p), s.left)])
	s.left -= n
	if err != nil {
		s.end()
	}
	return n, err
}

// Close ends the stream.
func (s *stream) Close() error {
	defer s.end()
	return s.Conn.Close()
}

func (s *stream) end() { s.once.Do(func() { close(s.done) }) }

// unit looks at the next unit of the protocol and says how much of it to pass on.
func (s *stream) unit() error {
	if !s.greet {
		head, err := s.r.Peek(8)
		if err != nil {
			return err
		}
		s.greet, s.left = true, 8+4*int(binary.LittleEndian.Uint16(head[6:]))
		return nil
	}
	head, err := s.r.Peek(unitSize)
	if err != nil {
		return err
	}
	switch head[0] {
	case 0:
		// The library knows no extension's error codes (see the package comment)
		// and would wait for ever on one: it sees a plain bad value instead.
		if head[1] >= firstExtErr {
			head[1] = badValue
		}
		s.left = unitSize
	case 1:
		size := unitSize + 4*int(binary.LittleEndian.Uint32(head[4:]))
		if s.onReply != nil {
			return s.reply(size)
		}
		s.left = size
	default:
		return s.event(head)
	}
	return nil
}

// reply takes out a reply. Of one that is longer than a record may be, the end is missing.
func (s *stream) reply(size int) error {
	b := make([]byte, min(size, maxRecord))
	if _, err := io.ReadFull(s.r, b); err != nil {
		return err
	}
	if _, err := s.r.Discard(size - len(b)); err != nil {
		return err
	}
	s.onReply(b)
	return nil
}

func (s *stream) event(head []byte) error {
	e := Event(head)
	size := unitSize
	if e.Code() == genericEvent {
		size += 4 * int(binary.LittleEndian.Uint32(head[4:]))
	}
	if _, err := s.r.Discard(size); err != nil {
		return err
	}
	if e[0]&sentFlag == 0 && s.on != nil {
		s.on(e)
	}
	return nil
}
