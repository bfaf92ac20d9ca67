// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"time"

	"github.com/pion/webrtc/v4"
)

const (
	// silentPaths is how long no path may answer before others are looked for: several
	// checks of the ICE agent, which sends one a second. An interface that went while it
	// was being tried is never given up by the agent: it holds on to the pair that it has
	// nominated.
	silentPaths = 5 * time.Second
	// silentTrips is the same in round trips of an offer and its answer, for slow links.
	silentTrips = 4
	// worthwhile is the least time that a connection takes, worthwhileTrips the least in
	// round trips (ICE 3, DTLS 2, SCTP 2, and the offer): with less left, looking anew
	// would only take away what is there.
	worthwhile      = 2 * time.Second
	worthwhileTrips = 8
	// lookEvery is how often the state of the paths is read.
	lookEvery = 100 * time.Millisecond
	// maxDescriptions is how often one end may describe itself.
	maxDescriptions = 4
)

// persist describes the session anew, with the interfaces that there are by then, when
// no path answers any more. A path that answers, however slowly, is left alone, and so
// is everything once DTLS stands.
func (l *link) persist(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	p := patience{offered: time.Now()}
	if end, ok := ctx.Deadline(); ok {
		p.end = end
	}
	for n := 1; n < maxDescriptions; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if l.pc.SCTP().Transport().State() == webrtc.DTLSTransportStateConnected {
			return nil
		}
		now := time.Now()
		if p.look(now, l.pc.SignalingState() == webrtc.SignalingStateStable, l.answers()); !p.over(now) {
			continue
		}
		l.log.Info("no path answers, looking for others")
		p = patience{offered: now, end: p.end}
		if err := l.offer(ctx, &webrtc.OfferOptions{ICERestart: true}); err != nil {
			return err
		}
		n++
	}
	return nil
}

// answers is how many checks were answered by the other end, on all paths.
func (l *link) answers() uint64 {
	var all uint64
	for _, s := range l.pc.GetStats() {
		if pair, ok := s.(webrtc.ICECandidatePairStats); ok {
			all += pair.ResponsesReceived
		}
	}
	return all
}

// patience is what is known of one description's paths. It has no clock.
type patience struct {
	offered time.Time
	end     time.Time     // of the whole attempt; zero: none
	trip    time.Duration // from the offer to its answer; zero before
	alive   time.Time     // the last sign of life
	answers uint64
}

// look takes in the state of now: whether the offer was answered, and how many checks.
func (p *patience) look(now time.Time, stable bool, answers uint64) {
	if stable && p.trip == 0 {
		p.trip, p.alive = now.Sub(p.offered), now
	}
	if answers > p.answers {
		p.alive = now
	}
	p.answers = answers
}

// over reports whether these paths are to be given up, and others can still be had in
// time. Before the offer is answered there are none.
func (p *patience) over(now time.Time) bool {
	if p.trip == 0 || now.Sub(p.alive) < max(silentPaths, silentTrips*p.trip) {
		return false
	}
	return p.end.IsZero() || p.end.Sub(now) >= max(worthwhile, worthwhileTrips*p.trip)
}
