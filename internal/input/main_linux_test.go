// SPDX-License-Identifier: Apache-2.0

package input

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// The test binary started with this variable is another program on the display:
// it shows a window and writes every input event that reaches it to stdout.
const recorderVar = "ASSIST_TEST_RECORDER"

// The test binary started with this variable drives the display until it is killed.
const drivenVar = "ASSIST_TEST_DRIVER"

// A guardian started with this variable does not start.
const noGuardianVar = "ASSIST_TEST_NO_GUARDIAN"

func TestMain(m *testing.M) {
	if slices.Equal(os.Args[1:], []string{GuardianArgument}) {
		if os.Getenv(noGuardianVar) != "" {
			os.Exit(1)
		}
		if err := Guard(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if os.Getenv(recorderVar) != "" {
		if err := record(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// record runs until the display or stdout is gone.
func record() error {
	c, err := xgb.NewConn()
	if err != nil {
		return err
	}
	var x, y int16
	var w, h uint16
	if _, err := fmt.Sscan(os.Getenv(recorderVar), &x, &y, &w, &h); err != nil {
		return err
	}
	win, err := newWindow(c, x, y, w, h)
	if err != nil {
		return err
	}
	if err := xproto.SetInputFocusChecked(c, xproto.InputFocusPointerRoot, win, xproto.TimeCurrentTime).Check(); err != nil {
		return err
	}
	fmt.Println("ready", win)
	for {
		e, xerr := c.WaitForEvent()
		if e == nil && xerr == nil {
			return nil
		}
		if line := describe(e); line != "" {
			if _, err := fmt.Println(line); err != nil {
				return err
			}
		}
	}
}

func describe(e xgb.Event) string {
	switch e := e.(type) {
	case xproto.KeyPressEvent:
		return fmt.Sprintf("key %d down", e.Detail)
	case xproto.KeyReleaseEvent:
		return fmt.Sprintf("key %d up", e.Detail)
	case xproto.ButtonPressEvent:
		return fmt.Sprintf("button %d down %d %d", e.Detail, e.RootX, e.RootY)
	case xproto.ButtonReleaseEvent:
		return fmt.Sprintf("button %d up %d %d", e.Detail, e.RootX, e.RootY)
	case xproto.MotionNotifyEvent:
		return fmt.Sprintf("motion %d %d", e.RootX, e.RootY)
	}
	return ""
}

// newWindow maps a window that no window manager touches, and waits until it is there.
func newWindow(c *xgb.Conn, x, y int16, w, h uint16) (xproto.Window, error) {
	win, err := xproto.NewWindowId(c)
	if err != nil {
		return 0, err
	}
	screen := xproto.Setup(c).DefaultScreen(c)
	const mask = xproto.EventMaskKeyPress | xproto.EventMaskKeyRelease | xproto.EventMaskButtonPress |
		xproto.EventMaskButtonRelease | xproto.EventMaskPointerMotion | xproto.EventMaskStructureNotify
	err = xproto.CreateWindowChecked(c, screen.RootDepth, win, screen.Root, x, y, w, h, 0,
		xproto.WindowClassInputOutput, screen.RootVisual,
		xproto.CwOverrideRedirect|xproto.CwEventMask, []uint32{1, mask}).Check()
	if err != nil {
		return 0, err
	}
	if err := xproto.MapWindowChecked(c, win).Check(); err != nil {
		return 0, err
	}
	for {
		e, xerr := c.WaitForEvent()
		if _, mapped := e.(xproto.MapNotifyEvent); mapped {
			return win, nil
		}
		if e == nil && xerr == nil {
			return 0, os.ErrClosed
		}
	}
}
