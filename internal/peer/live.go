// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"encoding/binary"
	"fmt"
	"time"
)

// A beat is one byte of kind and the sender's clock. It is answered once with the
// same clock, which gives the round trip. Beats travel in their own channel, so
// that a long message does not delay them.
const (
	beatAsk    = 1
	beatAnswer = 2
	beatSize   = 9
)

// live sends beats and ends the link after too long a silence.
func (l *link) live() {
	tick := time.NewTicker(l.timing.beat)
	defer tick.Stop()
	for {
		l.beat(beatAsk, time.Now().UnixNano())
		select {
		case <-tick.C:
		case <-l.done:
			return
		}
		if err := l.checkSource(); err != nil {
			l.fail(err)
			return
		}
		if l.silence() > l.timing.lost {
			l.fail(ErrLost)
			return
		}
	}
}

func (l *link) beat(kind byte, stamp int64) {
	b := [beatSize]byte{kind}
	binary.BigEndian.PutUint64(b[1:], uint64(stamp))
	if err := l.channels[channelLive].write(l.ctx, b[:]); err != nil {
		l.log.Debug("beat not sent", "error", err)
	}
}

func (l *link) takeBeat(b []byte) error {
	if len(b) != beatSize || b[0] < beatAsk || b[0] > beatAnswer {
		return fmt.Errorf("%w: beat", ErrProtocol)
	}
	stamp := int64(binary.BigEndian.Uint64(b[1:]))
	if b[0] == beatAsk {
		l.beat(beatAnswer, stamp)
		return nil
	}
	rtt := time.Now().UnixNano() - stamp
	if rtt < 0 || rtt > int64(l.timing.lost) {
		return nil // a clock that jumped, or a made-up stamp
	}
	if old := l.rtt.Load(); old != 0 {
		rtt = (7*old + rtt) / 8
	}
	l.rtt.Store(rtt)
	return nil
}
