// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"time"

	"assist/internal/consent"
	"assist/internal/wire"
)

// maxDeeds bounds what one record keeps; what comes after is only counted.
const maxDeeds = 200

// Act is a kind of thing done in an intervention.
type Act uint8

// Acts. Rights say which, where that matters.
const (
	ActBegan     Act = iota + 1
	ActAsked         // the technician asked for more
	ActGranted       // the person granted it
	ActRefused       // the person did not
	ActReleased      // the technician gave rights back
	ActTakenBack     // the person took rights back
	ActPaused
	ActResumed
	ActLimited // a new charter of the unit took rights back
	ActDrove   // the first use of mouse or keyboard since it was granted
	ActEnded
	ActPointed    // the first time that the technician pointed
	ActLampLost   // the banner was not seen: everything is held back
	ActLampBack   // it is seen again
	ActIdle       // the person is asked whether they are still there
	ActStillHere  // they said so
	ActRenewed    // asked again, the person let it go on
	ActLapsed     // a right that they did not grant again then
	ActReported   // the person cut and reported
	ActBarred     // the technician asked for what the unit does not allow here: nobody was asked
	ActUnanswered // the person was asked for more, and did not answer
)

// Deed is one thing done.
type Deed struct {
	At     time.Time
	Act    Act
	Rights consent.Rights
}

// Times of keeping a record while its intervention goes on.
const (
	keepAgain = time.Second // between two, however much is done
	keepEvery = time.Minute // also when nothing is: it tells how long it lasted
)

// Record is what is known of an intervention. The app keeps it for the person.
type Record struct {
	Session wire.SessionID
	Who     consent.Card
	Login   string // who logged in, and from where, as the server vouches
	Address string
	Reason  string // why the technician asked
	Began   time.Time
	Length  time.Duration
	Allowed consent.Rights // all that was ever granted
	Done    []Deed
	Dropped int            // deeds beyond what a record keeps
	Driven  int            // times that mouse or keyboard were used, with a rest before each
	Pointed int            // times that the pointer was shown, likewise
	End     wire.EndReason // zero while it goes on
	Words   [3]string
	Proof   Proof
}

// Proof is what both ends signed, byte for byte, so that the person can show it to
// somebody who was not there.
type Proof struct {
	Heard       time.Time // when the request was verified here
	Certificate []byte    // the one that the person was shown, an envelope, like the rest
	Request     []byte
	Pledge      []byte
	Answer      []byte
}

// restTime is how long mouse, keyboard or pointer rest before their next use counts
// as another one.
const restTime = 10 * time.Second

// bout counts uses with a rest between them.
type bout struct{ last time.Time }

// begins reports whether a use now is another one than the one before.
func (b *bout) begins() bool {
	now := time.Now()
	fresh := b.last.IsZero() || now.Sub(b.last) > restTime
	b.last = now
	return fresh
}

func (r *Record) add(d Deed) {
	if len(r.Done) >= maxDeeds {
		r.Dropped++
		return
	}
	r.Done = append(r.Done, d)
}

// keep hands the record to the app as it stands.
func (s *intervention) keep() error {
	s.mu.Lock()
	r := s.record
	s.mu.Unlock()
	r.Length = time.Since(r.Began)
	return s.host.cfg.Report(r)
}

// unwritten ends what the person has granted before any of it began: it would leave no
// record. It returns false.
func (s *intervention) unwritten(l *consent.Lease, err error) bool {
	l.Revoke(&Ended{wire.EndRefused})
	s.mu.Lock()
	s.lease = nil // there is nothing to record the end of
	s.mu.Unlock()
	s.turnDown(wire.VerdictUnable, fmt.Errorf("%w: %w", ErrUnwritten, err))
	s.awaitDark(l)
	return false
}

// keepAnew is keep for one that was kept before; the whole one says so if it is lost.
func (s *intervention) keepAnew() {
	if err := s.keep(); err != nil {
		s.host.cfg.Log.Warn("record not kept, and tried again", "error", err)
	}
}

// keepOn keeps it until the intervention ends: whoever kills the app leaves a record all
// the same. Nothing but the last record waits for it.
func (s *intervention) keepOn() {
	rest, often := time.NewTimer(keepAgain), time.NewTicker(keepEvery)
	defer rest.Stop()
	defer often.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-rest.C:
		}
		select {
		case <-s.ctx.Done():
			return
		case <-s.noted:
		case <-often.C:
		}
		s.keepAnew()
		rest.Reset(keepAgain)
	}
}
