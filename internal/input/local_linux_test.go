// SPDX-License-Identifier: Apache-2.0

package input

import (
	"testing"
	"time"

	"assist/internal/x11"
)

func TestWhatDevicesDo(t *testing.T) {
	for name, c := range map[string]struct {
		kind        x11.RawKind
		active      bool
		button, key bool
	}{
		"key":          {x11.RawKeyPress, true, false, true},
		"key up":       {x11.RawKeyRelease, true, false, false},
		"button":       {x11.RawButtonPress, true, true, false},
		"button up":    {x11.RawButtonRelease, true, false, false},
		"motion":       {x11.RawMotion, true, false, false},
		"finger":       {x11.RawTouchBegin, true, true, false},
		"finger moves": {x11.RawTouchUpdate, true, false, false},
		"finger up":    {x11.RawTouchEnd, true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWatcher()
			w.seeX11(x11.Raw{Kind: c.kind, Detail: 1})
			if got := !w.Last().IsZero(); got != c.active {
				t.Errorf("active: %v", got)
			}
			if anyButton(w, time.Hour) != c.button || anyKey(w, time.Hour) != c.key {
				t.Errorf("button %v, key %v", !c.button, !c.key)
			}
		})
	}
}
