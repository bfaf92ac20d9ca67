// SPDX-License-Identifier: Apache-2.0

package input

import (
	"image"
	"testing"
	"testing/synctest"
	"time"
)

// What a program played counts unless the claim is strict; what a device did always does.
func TestStrictClaims(t *testing.T) {
	for name, c := range map[string]struct {
		down, up bool // played
		strictly bool
	}{
		"device":              {false, false, true},
		"program":             {true, true, false},
		"held by a program":   {true, false, false},
		"let go by a program": {false, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, strict := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					w := watcherAt(image.Pt(50, 50))
					w.Mind(7)
					time.Sleep(steadyFocus)
					in := Claim{Window: 7, Area: image.Rect(0, 0, 100, 100), Within: time.Second, Strict: strict}
					w.see(raw{rawKey, 65}, c.down, 0)
					w.see(raw{rawKeyUp, 65}, c.up, 0)
					if got := w.GenuineKey(KeySpace, in); got != (!strict || !c.down) {
						t.Errorf("strict %v: key %v", strict, got)
					}
					w.see(raw{rawButton, 1}, c.down, 0)
					w.see(raw{rawButtonUp, 1}, c.up, 0)
					if got := w.GenuineClick(in); got != (!strict || c.strictly) {
						t.Errorf("strict %v: click %v", strict, got)
					}
				})
			}
		})
	}
}

// A press answers once, however it is asked for, and a program's beside it changes nothing.
func TestStrictClaimsAmongPlayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watcherAt(image.Pt(50, 50))
		w.Mind(7)
		time.Sleep(steadyFocus)
		in := Claim{Window: 7, Area: image.Rect(0, 0, 100, 100), Within: time.Minute}
		strict := in
		strict.Strict = true
		for _, played := range []bool{true, false, true} {
			w.see(raw{rawButton, 1}, played, 0)
			w.see(raw{rawButtonUp, 1}, played, 0)
			w.see(raw{rawKey, 65}, played, 0)
			time.Sleep(time.Millisecond)
		}
		if !w.GenuineClick(strict) || !w.GenuineKey(KeySpace, strict) {
			t.Error("the device's press was missed")
		}
		if w.GenuineClick(strict) || w.GenuineKey(KeySpace, strict) {
			t.Error("it counts twice, or a program's does")
		}
		if !w.GenuineClick(in) || !w.GenuineKey(KeySpace, in) {
			t.Error("the press after it was used up, too")
		}
		if w.GenuineClick(in) || w.GenuineKey(KeySpace, in) {
			t.Error("the press before it was not used up")
		}
		w.see(raw{rawKey, 65}, false, 0)
		if !w.GenuineKey(KeySpace, in) || w.GenuineKey(KeySpace, strict) {
			t.Error("a key answers twice, strictly the second time")
		}
	})
}

// Programs that play devices move no hand.
func TestLastOfDevices(t *testing.T) {
	w := newWatcher()
	for _, r := range []raw{{kind: rawMotion}, {rawButton, 1}, {rawKey, 65}} {
		if w.see(r, true, 0); w.Last().IsZero() || !w.LastOfDevices().IsZero() {
			t.Errorf("%+v of a program: last %v, strictly %v", r, w.Last(), w.LastOfDevices())
		}
	}
	w.see(raw{kind: rawMotion}, false, 0)
	before := w.LastOfDevices()
	w.see(raw{kind: rawMotion}, true, 0)
	if before.IsZero() || !w.LastOfDevices().Equal(before) || !w.Last().After(before) {
		t.Errorf("a device at %v, then a program: %v", before, w.LastOfDevices())
	}
}
