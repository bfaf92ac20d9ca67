// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"assist/internal/x11"
	"assist/internal/x11/x11test"
)

// There is one Assist on a display, and again one when it is gone.
func TestADisplayHasOneAssist(t *testing.T) {
	x11test.Start(t, displaySize)
	release, lost, err := Occupy()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Occupy(); !errors.Is(err, ErrOccupied) {
		t.Errorf("a second one: %v", err)
	}
	select {
	case <-lost:
		t.Error("the second took the first one's place")
	default:
	}
	release()
	again, _, err := Occupy()
	if err != nil {
		t.Fatalf("after the first: %v", err)
	}
	again()
}

// Whatever frees the place for a second one, the first is told.
func TestAPlaceThatIsTakenIsToldOf(t *testing.T) {
	for name, take := range map[string]func(c *x11.Conn, name xproto.Atom, owner xproto.Window) error{
		"for nobody": func(c *x11.Conn, name xproto.Atom, _ xproto.Window) error {
			return xproto.SetSelectionOwnerChecked(c.X, xproto.WindowNone, name, xproto.TimeCurrentTime).Check()
		},
		"its connection cut": func(c *x11.Conn, _ xproto.Atom, owner xproto.Window) error {
			return xproto.KillClientChecked(c.X, uint32(owner)).Check()
		},
	} {
		t.Run(name, func(t *testing.T) {
			x11test.Start(t, displaySize)
			release, lost, err := Occupy()
			if err != nil {
				t.Fatal(err)
			}
			defer release()
			c, err := x11.Dial("", func(x11.Event) {})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			name, err := c.Atom(occupied)
			if err != nil {
				t.Fatal(err)
			}
			has, err := xproto.GetSelectionOwner(c.X, name).Reply()
			if err == nil {
				err = take(c, name, has.Owner)
			}
			if err != nil {
				t.Fatal(err)
			}
			select {
			case <-lost:
			case <-time.After(10 * time.Second):
				t.Error("nothing was told")
			}
		})
	}
}
