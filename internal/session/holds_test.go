// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/consent"
	"assist/internal/trust"
	"assist/internal/wire"
)

// change is what one record says.
type change struct {
	deed   wire.Deed
	rights consent.Rights
}

// changes are what the host signed of the newest session, numbered without a gap.
func (w *world) changes(t *testing.T) []change {
	t.Helper()
	var all []change
	for i, r := range w.signed(t, wire.PartyHost, w.who.host.Public()) {
		if r.Number != uint32(i+1) {
			t.Errorf("record %d has number %d", i+1, r.Number)
		}
		all = append(all, change{r.Deed, consent.Rights(r.Rights)})
	}
	return all
}

// checkChanges wants the host to have signed these, in this order, and no more.
func (w *world) checkChanges(t *testing.T, want ...change) {
	t.Helper()
	if got := w.changes(t); !slices.Equal(got, want) {
		t.Errorf("signed %v, want %v", got, want)
	}
}

// flicker is a banner that is covered for a second, and seen again.
func (w *world) flicker() {
	w.lamp.Cover(true)
	pass(time.Second)
	w.lamp.Cover(false)
	pass(time.Second)
}

func narrower(c *trust.Charter) { c.Policy.Rights = uint16(consent.RightView) }

// The unit's new charter takes rights back in the middle of a session: the journal must
// not go on saying that they are in force.
func TestACharterThatNarrowsIsSigned(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		w.unit.learn(w.charter(narrower), nil)
		synctest.Wait()
		pass(time.Minute) // it is looked at again and again, and said once
		tech.End()
		w.over(tech)
		w.checkChanges(t, change{wire.DeedLimited, consent.RightView}, change{wire.DeedEnded, 0})
	})
}

// What holds a session back without anybody's wish is signed, and so is its end.
func TestHoldsAreSigned(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		w.flicker()
		w.now(hesitant(10 * time.Second))
		w.rest()
		pass(consent.IdleTime + time.Minute)
		w.lamp.Cover(true)
		w.over(tech)
		all := consent.AllRights
		w.checkChanges(t, change{wire.DeedFrozen, all}, change{wire.DeedThawed, all}, change{wire.DeedIdle, all},
			change{wire.DeedPresent, all}, change{wire.DeedFrozen, all}, change{wire.DeedEnded, 0})
	})
}

// A banner that goes on and off is signed so often, each time with its end, and no more.
func TestAFlickeringBannerFloodsNoJournal(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(viewPoint)
		for range 40 {
			w.flicker()
		}
		tech.End()
		w.over(tech)
		counts := map[wire.Deed]int{}
		for _, c := range w.changes(t) {
			counts[c.deed]++
		}
		if counts[wire.DeedFrozen] != 32 || counts[wire.DeedThawed] != 32 || counts[wire.DeedEnded] != 1 {
			t.Errorf("signed %v", counts)
		}
	})
}

// A charter that comes while the person says yes is signed after the server has heard the
// answer: before, it would not know what the record is of.
func TestWhatIsSignedFollowsTheGrant(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.now(func(_ context.Context, q consent.Question) (consent.Rights, error) {
			w.unit.learn(w.charter(narrower), nil)
			return q.Wanted, nil
		})
		tech := w.meet(consent.AllRights)
		tech.End()
		w.over(tech)
		w.checkChanges(t, change{wire.DeedLimited, consent.RightView}, change{wire.DeedEnded, 0})
		if l := w.server.last(); l.early != 0 {
			t.Errorf("%d records before the answer", l.early)
		}
	})
}
