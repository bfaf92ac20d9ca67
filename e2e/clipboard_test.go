// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"encoding/binary"
	"testing"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// clipboard owns a display's clipboard, as an application with a text does.
type clipboard struct {
	x    *xgb.Conn
	text string
}

func newClipboard(t *testing.T, d *display, text string) *clipboard {
	t.Helper()
	x, err := xgb.NewConnDisplay(d.name())
	if err != nil {
		t.Fatal(err)
	}
	c := &clipboard{x, text}
	win, err := xproto.NewWindowId(c.x)
	if err != nil {
		t.Fatal(err)
	}
	s := xproto.Setup(c.x).DefaultScreen(c.x)
	xproto.CreateWindow(c.x, 0, win, s.Root, 0, 0, 1, 1, 0, xproto.WindowClassInputOnly, 0, 0, nil)
	atoms := map[string]xproto.Atom{}
	for _, name := range []string{"CLIPBOARD", "UTF8_STRING", "TARGETS"} {
		if atoms[name], err = d.atom(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := xproto.SetSelectionOwnerChecked(c.x, win, atoms["CLIPBOARD"], xproto.TimeCurrentTime).Check(); err != nil {
		t.Fatal(err)
	}
	go c.serve(atoms)
	t.Cleanup(x.Close)
	return c
}

func (c *clipboard) serve(atoms map[string]xproto.Atom) {
	for {
		e, err := c.x.WaitForEvent()
		if e == nil && err == nil {
			return
		}
		r, ok := e.(xproto.SelectionRequestEvent)
		if !ok {
			continue
		}
		answer := xproto.SelectionNotifyEvent{Time: r.Time, Requestor: r.Requestor, Selection: r.Selection, Target: r.Target}
		switch r.Target {
		case atoms["UTF8_STRING"]:
			answer.Property = r.Property
			xproto.ChangeProperty(c.x, xproto.PropModeReplace, r.Requestor, r.Property, r.Target, 8, uint32(len(c.text)), []byte(c.text))
		case atoms["TARGETS"]:
			answer.Property = r.Property
			list := binary.LittleEndian.AppendUint32(nil, uint32(atoms["UTF8_STRING"]))
			xproto.ChangeProperty(c.x, xproto.PropModeReplace, r.Requestor, r.Property, xproto.AtomAtom, 32, 1, list)
		}
		xproto.SendEvent(c.x, false, r.Requestor, 0, string(answer.Bytes()))
	}
}

func (c *clipboard) close() { c.x.Close() }
