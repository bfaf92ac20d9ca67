// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"

	"github.com/jezek/xgb/xproto"

	"assist/internal/x11"
)

// occupied is the selection that the one Assist of a display owns. The X server gives it
// up by itself when the app is gone, however it went, and tells the owner when any other
// program takes it away.
const occupied = "_ASSIST_APP"

func occupyDisplay() (release func(), lost <-chan struct{}, err error) {
	taken := make(chan struct{}, 1)
	c, err := x11.Dial("", func(e x11.Event) {
		if e.Code() != xproto.SelectionClear {
			return
		}
		select {
		case taken <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return nil, nil, err
	}
	if err := occupy(c); err != nil {
		c.Close()
		return nil, nil, err
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		select {
		case <-taken:
		case <-c.Done():
		}
	}()
	return c.Close, over, nil
}

// occupy takes the selection, unless another has it. Nobody comes between looking and
// taking: the server serves this client alone meanwhile.
func occupy(c *x11.Conn) error {
	name, err := c.Atom(occupied)
	if err != nil {
		return err
	}
	w, err := xproto.NewWindowId(c.X)
	if err != nil {
		return err
	}
	xproto.CreateWindow(c.X, 0, w, c.Root, -1, -1, 1, 1, 0, xproto.WindowClassInputOnly, c.Screen.RootVisual, 0, nil)
	xproto.GrabServer(c.X)
	defer xproto.UngrabServer(c.X)
	has, err := xproto.GetSelectionOwner(c.X, name).Reply()
	switch {
	case err != nil:
		return err
	case has.Owner != xproto.WindowNone:
		return ErrOccupied
	}
	xproto.SetSelectionOwner(c.X, w, name, xproto.TimeCurrentTime)
	has, err = xproto.GetSelectionOwner(c.X, name).Reply()
	if err == nil && has.Owner != w {
		err = errors.New("the display does not let itself be occupied")
	}
	return err
}
