// SPDX-License-Identifier: Apache-2.0

package input

import (
	"image"
	"testing"
	"testing/synctest"
	"time"
)

// Where only devices count, what a device did at a time when programs made devices do
// things is nothing, nor is what nobody can know that of; elsewhere both count.
func TestFeignedPressesStrictly(t *testing.T) {
	const at = 5000
	for name, c := range map[string]struct {
		feints   []feint
		known    bool
		down, up stamp
		strictly bool
	}{
		"nobody feigns":           {nil, true, at, at + 9, true},
		"the press":               {[]feint{{at, at}}, true, at, at + 9, false},
		"the press, a busy while": {[]feint{{at, at + 9000}}, true, at + 9000, at + 99000, false},
		"soon after":              {[]feint{{at, at}}, true, at + feintSpan, at + 9000, false},
		"letting go":              {[]feint{{at + 8000, at + 9000}}, true, at, at + 9000, false},
		"before":                  {[]feint{{at - 9, at}}, true, at + feintSpan + 1, at + feintSpan + 9, true},
		"afterwards":              {[]feint{{at + 10, at + 20}}, true, at, at + 9, true},
		"not known":               {nil, false, at, at + 9, false},
		"around the clock":        {[]feint{{1<<32 - 5, 2}}, true, 3, 4, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, strict := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					w := watcherAt(image.Pt(50, 50))
					w.vet = func() bool {
						for _, f := range c.feints {
							w.feign(uint32(f.from), uint32(f.to))
						}
						return c.known
					}
					w.Mind(7)
					time.Sleep(steadyFocus)
					in := Claim{Window: 7, Area: image.Rect(0, 0, 100, 100), Within: time.Second, Strict: strict}
					w.see(raw{rawKey, 65}, false, c.down)
					w.see(raw{rawKey, 66}, false, c.up)
					w.see(raw{rawButton, 1}, false, c.down)
					w.see(raw{rawButtonUp, 1}, false, c.up)
					if got := w.GenuineClick(in); got != (!strict || c.strictly) {
						t.Errorf("strict %v: click %v", strict, got)
					}
					key := c.known && !w.feigned(c.down)
					if got := w.GenuineKey(KeySpace, in); got != (!strict || key) {
						t.Errorf("strict %v: key %v", strict, got)
					}
				})
			}
		})
	}
}

// What programs make devices do moves no hand, and none is believed to have moved while
// nobody can know; letting go never does.
func TestFeignedHands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, known := newWatcher(), true
		w.vet = func() bool { return known }
		began := time.Now()
		w.see(raw{kind: rawMotion}, false, 1000)
		time.Sleep(time.Second)
		if !w.LastOfDevices().Equal(began) {
			t.Fatal("a hand that moved did not")
		}
		w.feign(2000, 2000)
		for _, r := range []raw{{kind: rawMotion}, {rawButton, 1}, {rawKey, 65}} {
			if w.see(r, false, 2001); !w.LastOfDevices().Equal(began) {
				t.Errorf("%+v of a program moved a hand", r)
			}
		}
		w.see(raw{rawKeyUp, 65}, false, 90000) // a program may switch the device off meanwhile
		w.see(raw{rawButtonUp, 1}, false, 90000)
		if !w.LastOfDevices().Equal(began) {
			t.Error("what was let go moved a hand")
		}
		known = false
		if w.see(raw{kind: rawMotion}, false, 95000); !w.LastOfDevices().Equal(began) {
			t.Error("a hand is believed to have moved though nobody can know")
		}
		known = true
		if !w.LastOfDevices().Equal(time.Now()) {
			t.Error("a hand moved, as is known now")
		}
	})
}

// However often programs feign, no time of it is forgotten.
func TestFeintsAreBounded(t *testing.T) {
	w := newWatcher()
	const first, apart = 1<<32 - 50000, 3000
	at := func(i int) uint32 { return uint32(first + i*apart) }
	for i := range 5 * maxFeints {
		w.feign(at(i), at(i)+100)
		w.feign(at(i)+200, at(i)+500) // of the same while
		for j := range i + 1 {
			if !w.feigned(stamp(at(j))) || !w.feigned(stamp(at(j)+500+feintSpan)) {
				t.Fatalf("%d is forgotten after %d", j, i)
			}
		}
		if len(w.feints) > maxFeints {
			t.Fatalf("%d feints", len(w.feints))
		}
	}
	if w.feigned(stamp(at(0)-1)) || w.feigned(stamp(at(5*maxFeints-1)+501+feintSpan)) || w.feigned(stamp(at(5*maxFeints-1)-1)) {
		t.Error("what came before, between or after is taken for feigned")
	}
}
