// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"assist/internal/consent"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/wire"
)

// signed is what one end ends signed of the newest session, each verified.
func (w *world) signed(t *testing.T, party wire.Party, key []byte) []*wire.Record {
	t.Helper()
	l := w.server.last()
	hash, err := trust.RequestHash(l.ring.Request)
	if err != nil {
		t.Fatal(err)
	}
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	var out []*wire.Record
	for _, env := range l.notes {
		r, err := trust.VerifyRecord(env, trust.RecordCheck{Key: key, By: party, Session: l.ring.Session, RequestHash: hash})
		if err == nil {
			out = append(out, r)
		}
	}
	return out
}

// What the person changes, and how it ends, is signed by the host in order; the end is
// signed by the technician's app too.
func TestChangesAndEndsAreSigned(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(viewPoint)
		w.now(func(_ context.Context, q consent.Question) (consent.Rights, error) { return q.Wanted, nil })
		if err := tech.Want(consent.RightControl); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		w.host.SetPaused(true)
		w.host.SetPaused(false)
		w.host.TakeBack()
		w.host.Cut(wire.EndUserCut)
		w.over(tech)
		host := w.signed(t, wire.PartyHost, w.who.host.Public())
		want := []wire.Deed{wire.DeedGranted, wire.DeedPaused, wire.DeedResumed, wire.DeedTakenBack, wire.DeedEnded}
		if len(host) != len(want) {
			t.Fatalf("the host signed %d records", len(host))
		}
		for i, r := range host {
			if r.Deed != want[i] || r.Number != uint32(i+1) || r.At == 0 {
				t.Errorf("record %d is %+v", i+1, r)
			}
		}
		if host[0].Rights != uint16(consent.AllRights) || host[3].Rights != uint16(viewPoint) || host[4].Reason != wire.EndUserCut {
			t.Errorf("the host signed %+v, %+v, %+v", host[0], host[3], host[4])
		}
		own := w.signed(t, wire.PartyTechnician, w.who.device.Public())
		if len(own) != 1 || own[0].Deed != wire.DeedEnded || own[0].Reason != wire.EndUserCut {
			t.Errorf("the technician's app signed %d records", len(own))
		}
	})
}

// Giving back what one does not have is no deed, however often it is said.
func TestGivingNothingBackIsNoDeed(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(viewPoint)
		tech.Release(consent.RightPoint)
		for range 100 {
			w.say(&wire.Release{Rights: uint16(consent.RightPoint | consent.RightControl)}) // past the technician's own check
		}
		pass(time.Second)
		w.host.Cut(wire.EndUserCut)
		w.over(tech)
		if host := w.signed(t, wire.PartyHost, w.who.host.Public()); len(host) != 2 {
			t.Errorf("the host signed %d records, want one and the end", len(host))
		}
	})
}

// The server cannot have the technician's app sign what only the host may say: of the person,
// or of their computer.
func TestTheServerSpeaksForNoHost(t *testing.T) {
	hosts := []wire.EndReason{wire.EndUserCut, wire.EndHostClosed, wire.EndRefused, wire.EndLampLost, wire.EndLocked,
		wire.EndScreenLost, wire.EndPresence, wire.EndReported}
	for _, said := range hosts {
		play(t, func(t *testing.T, w *world) {
			tech := w.meet(consent.AllRights)
			w.server.last().technician.end(said)
			end := w.over(tech)
			own := w.signed(t, wire.PartyTechnician, w.who.device.Public())
			if len(own) != 1 || own[0].Reason != wire.EndServerStopped || end.End != wire.EndServerStopped {
				t.Errorf("%v, which the server said: shown %v, signed %+v", said, end.End, own)
			}
		})
	}
}

// Nor while the two look for a way to each other.
func TestTheServerSpeaksForNoHostThatIsNotReached(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.net.unable = true
		tech := w.ask(consent.AllRights)
		until(t, tech.Changed(), func() bool { return tech.State().Phase == session.TechnicianConnecting })
		w.server.last().technician.end(wire.EndUserCut)
		w.over(tech)
		if own := w.signed(t, wire.PartyTechnician, w.who.device.Public()); len(own) != 1 || own[0].Reason != wire.EndServerStopped {
			t.Errorf("signed %+v", own)
		}
	})
}

// While the two look for a way to each other it is lost with the line, and both are told why
// that ended.
func TestTheLineSaysWhyItEnded(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.net.unable = true
		tech := w.ask(consent.AllRights)
		until(t, tech.Changed(), func() bool { return tech.State().Phase == session.TechnicianConnecting })
		pass(time.Millisecond) // both have begun to look
		l := w.server.last()
		l.host.late, l.technician.late = time.Second, time.Second
		l.host.end(wire.EndTechnician)
		l.technician.end(wire.EndRevoked)
		if end := w.over(tech); end.End != wire.EndRevoked || w.record().End != wire.EndTechnician {
			t.Errorf("the technician is told %v, the person %v", end.End, w.record().End)
		}
	})
}

// What the host says on its own link outlives a word of the server that came first.
func TestTheHostsOwnWordIsWaitedFor(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		w.server.last().technician.end(wire.EndLocked)
		pass(100 * time.Millisecond)
		w.host.Cut(wire.EndLocked)
		if end := w.over(tech); end.End != wire.EndLocked {
			t.Errorf("the technician is told %v", end.End)
		}
	})
}

// A request that is turned down leaves no record of a session.
func TestRefusalsAreNotSignedAsSessions(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.now(func(context.Context, consent.Question) (consent.Rights, error) { return 0, consent.ErrRefused })
		tech := w.ask(viewPoint)
		w.over(tech)
		if n := len(w.server.last().notes); n != 0 {
			t.Errorf("%d records", n)
		}
	})
}

// What the person does not grant again when they are asked to go on stands in the
// record and in what is signed, and so does that they let it go on.
func TestRightsThatAreNotGrantedAgainAreTold(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		w.now(says(viewPoint, nil)) // no more control, says the person
		pass(consent.LeaseLife - consent.RenewBefore)
		w.now(says(consent.RightView, nil)) // nor pointing, half an hour later
		pass(consent.LeaseLife - consent.RenewBefore)
		if s := w.host.State(); s.Rights != consent.RightView || s.Phase != session.HostLive {
			t.Fatalf("the host is in %v with %v", s.Phase, s.Rights)
		}
		tech.End()
		w.over(tech)
		type said struct {
			act    session.Act
			rights consent.Rights
		}
		var done []said
		for _, d := range w.record().Done {
			done = append(done, said{d.Act, d.Rights})
		}
		want := []said{{session.ActBegan, consent.AllRights},
			{session.ActRenewed, viewPoint}, {session.ActLapsed, consent.RightControl},
			{session.ActRenewed, consent.RightView}, {session.ActLapsed, consent.RightPoint}, {session.ActEnded, 0}}
		if !slices.Equal(done, want) {
			t.Errorf("done %v, want %v", done, want)
		}
		var signed []said
		for _, r := range w.signed(t, wire.PartyHost, w.who.host.Public()) {
			signed = append(signed, said{session.Act(r.Deed), consent.Rights(r.Rights)})
		}
		want = []said{{session.Act(wire.DeedRenewed), viewPoint}, {session.Act(wire.DeedTakenBack), viewPoint},
			{session.Act(wire.DeedRenewed), consent.RightView}, {session.Act(wire.DeedTakenBack), consent.RightView}, {session.Act(wire.DeedEnded), 0}}
		if !slices.Equal(signed, want) {
			t.Errorf("signed %v, want %v", signed, want)
		}
	})
}
