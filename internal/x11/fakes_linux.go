// SPDX-License-Identifier: Apache-2.0

package x11

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// Numbers of the protocol texts of the RECORD and XTEST extensions, and of the server:
// package xgb takes one reply for each request, and a record is many.
const (
	recordVersion    = 0
	recordCreate     = 1
	recordRegister   = 2 // the first that changes a context
	recordEnable     = 5
	recordFree       = 7
	recordAllClients = 3
	recordClientTime = 2 // each request with its time

	recordFromClient = 1
	recordStart      = 4
	recordEnd        = 5

	xtestVersion = 0
	xtestFake    = 2

	firstExtEvent = 64 // a kind of event that names its device
)

const (
	// syncLimit bounds how long Sync waits for the record of its own request.
	syncLimit = 2 * time.Second
	// maxRecord bounds one message of a record, in bytes; the server fills one kilobyte.
	maxRecord = 64 << 10
)

// ErrNoRecord means that the server does not tell what programs ask of XTEST.
var ErrNoRecord = errors.New("the display does not record")

// Fakes tells when programs make a device do something that they name themselves, by the
// XTEST extension. The raw event that comes of it is like that of a hand; the request is not,
// and the server records it before it is done.
type Fakes struct {
	ask           *Conn // owns the context, and asks
	data          *Conn // gets the record, and may ask nothing meanwhile
	xtest, record byte  // opcodes
	context       uint32
	self          uint32 // how the record names ask
	on            func(from, to uint32)

	begun, lost chan struct{} // closed
	start, end  sync.Once     // for them
	marks       chan uint16   // one slot: the newest own request that was recorded
	open        chan struct{} // one slot: a fake is not told yet
	faked       bool          // likewise; owned by the reader
	from        uint32        // when it was asked for; likewise
	turn        sync.Mutex    // one Sync at a time
	count       uint16        // of Syncs; owned by turn
}

// DialFakes records from now on. The reader calls on for each fake, with the times of the
// server between which its events lie: it is done before the next request that is recorded,
// however long the server took. On must not block.
func DialFakes(display string, on func(from, to uint32)) (*Fakes, error) {
	f := newFakes(on)
	var err error
	if f.ask, err = Dial(display, nil); err != nil {
		return nil, err
	}
	if f.data, err = dial(display, nil, f.take); err != nil {
		f.ask.Close()
		return nil, err
	}
	if err := f.enable(); err != nil {
		f.Close()
		return nil, errors.Join(ErrNoRecord, err)
	}
	go f.follow()
	return f, nil
}

func newFakes(on func(from, to uint32)) *Fakes {
	return &Fakes{on: on, begun: make(chan struct{}), lost: make(chan struct{}),
		marks: make(chan uint16, 1), open: make(chan struct{}, 1)}
}

// follow soon puts a request behind each fake, until the connections are over.
func (f *Fakes) follow() {
	defer f.lose()
	for {
		select {
		case <-f.open:
			f.Sync()
		case <-f.ask.Done():
			return
		case <-f.data.Done():
			return
		}
	}
}

// enable records what asks XTEST to fake, and what would end or thin out this record: any
// program may change the context of another one.
func (f *Fakes) enable() (err error) {
	if f.xtest, _, err = f.ask.Extension("XTEST"); err != nil {
		return err
	}
	if f.record, _, err = f.ask.Extension("RECORD"); err != nil {
		return err
	}
	if _, err := f.ask.Query(f.record, recordVersion, le16(1), le16(13)); err != nil {
		return err
	}
	if f.context, err = f.ask.X.NewId(); err != nil {
		return err
	}
	f.self = xproto.Setup(f.ask.X).ResourceIdBase
	err = f.ask.Tell(f.record, recordCreate, le32(f.context), le32(recordClientTime), le32(1), le32(2), le32(recordAllClients),
		recordRange(f.xtest, xtestVersion, xtestFake), recordRange(f.record, recordRegister, recordFree))
	if err != nil {
		return fmt.Errorf("make a record: %w", err)
	}
	f.data.X.NewRequest(request(f.record, recordEnable, [][]byte{le32(f.context)}), f.data.X.NewCookie(false, false))
	limit := time.NewTimer(dialLimit)
	defer limit.Stop()
	select {
	case <-f.begun:
		return nil
	case <-f.lost:
	case <-limit.C:
	}
	return errors.New("the record does not begin")
}

// recordRange asks for the requests of an extension from one number to another.
func recordRange(opcode byte, first, last uint16) []byte {
	r := make([]byte, 24)
	r[4], r[5] = opcode, opcode
	xgb.Put16(r[6:], first)
	xgb.Put16(r[8:], last)
	return r
}

// Sync returns true once everything was told that was asked of XTEST before; false when
// that cannot be known. The record names its own request, so it is behind all before it.
func (f *Fakes) Sync() bool {
	f.turn.Lock()
	defer f.turn.Unlock()
	f.count++
	mark := [][]byte{le16(2), le16(f.count)}
	f.ask.X.NewRequest(request(f.xtest, xtestVersion, mark), f.ask.X.NewCookie(true, true)) // nobody reads its reply, which may never come
	limit := time.NewTimer(syncLimit)
	defer limit.Stop()
	for {
		select {
		case n := <-f.marks:
			if n == f.count {
				return f.whole()
			}
		case <-f.lost:
			return false
		case <-f.data.Done():
			return false
		case <-limit.C:
			return false
		}
	}
}

// whole reports whether nobody ended or changed the record.
func (f *Fakes) whole() bool {
	select {
	case <-f.lost:
		return false
	default:
		return true
	}
}

// Lost is closed when nothing is told any more, or perhaps not everything: the display
// went, or another program laid hands on the record. It stays so.
func (f *Fakes) Lost() <-chan struct{} { return f.lost }

func (f *Fakes) lose() { f.end.Do(func() { close(f.lost) }) }

// Close ends the record.
func (f *Fakes) Close() {
	f.data.Kill() // it could not say goodbye
	f.data.Close()
	f.ask.Close()
}

// take takes in one message of the record, on its reader: kind, length in units of four,
// byte order, client, and the requests. What cannot be read may have been anything.
func (f *Fakes) take(b []byte) {
	if len(b) < unitSize || len(b) != unitSize+4*int(binary.LittleEndian.Uint32(b[4:])) {
		f.lose()
		return
	}
	switch b[1] {
	case recordStart:
		f.start.Do(func() { close(f.begun) })
	case recordEnd:
		f.lose()
	case recordFromClient:
		order := binary.ByteOrder(binary.LittleEndian)
		if b[9] != 0 {
			order = binary.BigEndian
		}
		client := binary.LittleEndian.Uint32(b[12:])
		for rest := b[unitSize:]; len(rest) > 0; {
			r, more, err := parseRecorded(rest, order)
			if err != nil {
				f.lose()
				return
			}
			f.judge(client, r)
			rest = more
		}
	}
}

// recorded is one request of a program.
type recorded struct {
	at            uint32 // the server's time, in ms
	opcode, minor byte
	body          []byte
}

// parseRecorded reads the first of some requests: the time, opcode, minor, length in units
// of four, or none and a longer one behind it, and the body.
func parseRecorded(b []byte, order binary.ByteOrder) (r recorded, rest []byte, err error) {
	const stamp, head, bigHead = 4, 4, 8
	if len(b) < stamp+head {
		return recorded{}, nil, errors.New("a recorded request is cut off")
	}
	r = recorded{at: binary.LittleEndian.Uint32(b), opcode: b[stamp], minor: b[stamp+1]}
	b = b[stamp:]
	size, from := 4*uint64(order.Uint16(b[2:])), uint64(head)
	if size == 0 && len(b) >= bigHead {
		size, from = 4*uint64(order.Uint32(b[head:])), bigHead
	}
	if size < from || size > uint64(len(b)) {
		return recorded{}, nil, errors.New("a recorded request has a wrong length")
	}
	r.body = b[from:size]
	return r, b[size:], nil
}

// judge finds what is told of, the marks of Sync, and hands laid on the record.
func (f *Fakes) judge(client uint32, r recorded) {
	own := client == f.self
	if f.faked {
		f.faked = false
		f.on(f.from, r.at)
	}
	switch {
	case r.opcode == f.xtest && r.minor == xtestVersion && own && len(r.body) >= 4:
		select {
		case <-f.marks:
		default:
		}
		f.marks <- binary.LittleEndian.Uint16(r.body[2:]) // nobody else fills the slot
	case r.opcode == f.xtest && r.minor == xtestFake && len(r.body) > 0 && r.body[0]&^sentFlag >= firstExtEvent:
		f.from, f.faked = r.at, true
		select {
		case f.open <- struct{}{}:
		default:
		}
	case r.opcode == f.record && !own && f.names(r.body):
		f.lose()
	}
}

// names reports whether a request is about this record, in either byte order.
func (f *Fakes) names(body []byte) bool {
	return bytes.HasPrefix(body, le32(f.context)) || bytes.HasPrefix(body, binary.BigEndian.AppendUint32(nil, f.context))
}
