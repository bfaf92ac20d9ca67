// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"testing"
	"time"

	"assist/internal/wire"
)

// recordOf is what a host would sign of the session; nobody looks at the signature here.
func recordOf(t *testing.T, number uint32) []byte {
	t.Helper()
	r := &wire.Record{Session: session, Number: number, By: wire.PartyHost, Deed: wire.DeedPaused}
	body, err := wire.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	env, err := wire.Marshal(&wire.Envelope{Body: body, Signature: []byte("signature")})
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// told wants these records from the client, in this order, within a while.
func told(t *testing.T, p *peer, within time.Duration, numbers ...uint32) {
	t.Helper()
	limit := time.AfterFunc(within, p.drop)
	defer limit.Stop()
	for _, want := range numbers {
		if m := expect[*wire.Noted](p); m.Session != session || numberOf(m.Record) != want {
			t.Errorf("told %d, want %d", numberOf(m.Record), want)
		}
	}
}

// Records are told at once, again while the server does not say that it has them, and
// again after the connection was lost; what it has is not told again.
func TestRecordsAreToldUntilTheServerHasThem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, p, h, c := rungHost(t)
		for n := range uint32(3) {
			c.Note(recordOf(t, n+1))
		}
		told(t, p, time.Second, 1, 2, 3)
		p.send(&wire.Recorded{Session: session, Number: 1})
		p.send(&wire.Recorded{Session: wire.SessionID{9}, Number: 3}) // another session's
		told(t, p, h.pace.ping+time.Second, 2, 3)
		told(t, p, h.pace.ping+time.Second, 2, 3)
		p.drop()
		c.Note(recordOf(t, 4))
		p = s.next()
		p.host()
		told(t, p, time.Second, 2, 3, 4)
		p.send(&wire.Recorded{Session: session, Number: 4})
		c.Note(recordOf(t, 5))
		told(t, p, time.Second, 5)
		told(t, p, h.pace.ping+time.Second, 5)
	})
}

// However many there are, goodbyes find room beside them, and what the server never takes
// holds nothing up.
func TestManyRecordsAreToldInTurns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, p, h, c := rungHost(t)
		c.granted() // or it would end with the connection
		p.drop()
		for n := range uint32(maxNotes + 1) {
			c.Note(recordOf(t, n+1))
		}
		c.End(wire.EndUserCut)
		p = s.next()
		p.host()
		turn := func(from uint32) (numbers []uint32) {
			for n := range uint32(maxRetold) {
				numbers = append(numbers, from+n)
			}
			return numbers
		}
		told(t, p, time.Second, turn(2)...) // the first one found no room
		if m := expect[*wire.Bye](p); m.Reason != wire.EndUserCut {
			t.Errorf("goodbye %+v", m)
		}
		told(t, p, h.pace.ping+time.Second, turn(2+maxRetold)...)
		p.send(&wire.Recorded{Session: session, Number: 1 + maxRetold})
		told(t, p, h.pace.ping+time.Second, turn(2+maxRetold)...)
		if n := h.drops[dropNote].Load(); n != 1 {
			t.Errorf("%d records dropped", n)
		}
	})
}
