// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"testing"
	"time"
)

// TestFlickerIsNotShowing: after trouble a banner must be well for a while, and for
// longer after long trouble, so that one that flickers keeps no session alive.
func TestFlickerIsNotShowing(t *testing.T) {
	start := time.Unix(0, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for name, c := range map[string]struct {
		trouble []int // milliseconds
		well    int   // first moment at which it counts again
	}{
		"none":          {nil, 0},
		"a moment":      {[]int{10}, 160},
		"a while":       {[]int{10, 150, 290}, 570},
		"long":          {[]int{10, 150, 290, 430, 570, 710, 850, 1000}, 1600},
		"three flashes": {[]int{10, 100, 190}, 370},
	} {
		t.Run(name, func(t *testing.T) {
			var g gaze
			last := 0
			for _, ms := range c.trouble {
				for ; last < ms; last += 10 {
					if got := g.calm(at(last)); got && last > c.trouble[0] {
						t.Errorf("calm at %d", last)
					}
				}
				g.disturbed(at(ms))
			}
			for ; last < c.well; last += 10 {
				if g.calm(at(last)) {
					t.Errorf("calm already at %d", last)
				}
			}
			if !g.calm(at(c.well)) || !g.calm(at(c.well+10)) {
				t.Errorf("not calm at %d", c.well)
			}
		})
	}
}
