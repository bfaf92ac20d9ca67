// SPDX-License-Identifier: Apache-2.0

package x11

import (
	"errors"
	"fmt"
	"image"
	"slices"

	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/xproto"

	"assist/internal/screen"
)

// Displays follows the monitors of one server. Who asks it with the layout it
// gave before gets the same ID for a monitor that stayed.
type Displays struct {
	c     *Conn
	randr bool
	first byte
}

// Displays prepares following the monitors. Without RandR 1.5 the whole screen
// counts as one monitor.
func (c *Conn) Displays() (*Displays, error) {
	d := &Displays{c: c}
	_, first, err := c.Extension("RANDR")
	if errors.Is(err, ErrNoExtension) {
		return d, nil
	}
	if err != nil {
		return nil, err
	}
	v, err := randr.QueryVersion(c.X, 1, 5).Reply()
	if err != nil {
		return nil, fmt.Errorf("randr version: %w", err)
	}
	d.first = first
	d.randr = v.MajorVersion > 1 || v.MinorVersion >= 5
	return d, nil
}

// Watch asks for an event at every change of the monitors. It also selects
// structure events of the root window.
func (d *Displays) Watch() error {
	err := xproto.ChangeWindowAttributesChecked(d.c.X, d.c.Root, xproto.CwEventMask,
		[]uint32{xproto.EventMaskStructureNotify}).Check()
	if err != nil || !d.randr {
		return err
	}
	mask := uint16(randr.NotifyMaskScreenChange | randr.NotifyMaskCrtcChange | randr.NotifyMaskOutputChange)
	return randr.SelectInputChecked(d.c.X, d.c.Root, mask).Check()
}

// Changed reports whether an event tells of a change of the monitors.
func (d *Displays) Changed(e Event) bool {
	code := e.Code()
	if code == xproto.ConfigureNotify {
		window := uint32(e[8]) | uint32(e[9])<<8 | uint32(e[10])<<16 | uint32(e[11])<<24
		return window == uint32(d.c.Root)
	}
	return d.randr && (code == d.first+randr.ScreenChangeNotify || code == d.first+randr.Notify)
}

// Layout reads the monitors; before is the last layout read, if any.
func (d *Displays) Layout(before screen.Layout) (screen.Layout, error) {
	g, err := xproto.GetGeometry(d.c.X, xproto.Drawable(d.c.Root)).Reply()
	if err != nil {
		return nil, fmt.Errorf("size of the root window: %w", err)
	}
	root := image.Rect(0, 0, int(g.Width), int(g.Height))
	found, err := d.active(root)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		found = []screen.Monitor{{Name: "screen", Bounds: root, Primary: true}}
	}
	return number(before, found), nil
}

func (d *Displays) active(root image.Rectangle) ([]screen.Monitor, error) {
	if !d.randr {
		return nil, nil
	}
	reply, err := randr.GetMonitors(d.c.X, d.c.Root, true).Reply()
	if err != nil {
		return nil, fmt.Errorf("list monitors: %w", err)
	}
	var found []screen.Monitor
	for _, m := range reply.Monitors {
		b := image.Rect(0, 0, int(m.Width), int(m.Height)).Add(image.Pt(int(m.X), int(m.Y))).Intersect(root)
		if b.Empty() || slices.ContainsFunc(found, func(o screen.Monitor) bool { return o.Bounds == b }) {
			continue // nothing to see there, or a mirror of one already listed
		}
		name, err := xproto.GetAtomName(d.c.X, m.Name).Reply()
		if err != nil {
			return nil, fmt.Errorf("name of a monitor: %w", err)
		}
		found = append(found, screen.Monitor{Name: name.Name, Bounds: b, Primary: m.Primary})
	}
	return found, nil
}

// number gives each monitor its ID: the one it had, else the lowest free one.
// What exceeds screen.MaxMonitors is left out.
func number(before screen.Layout, found []screen.Monitor) screen.Layout {
	var used [screen.MaxMonitors]bool
	known := map[string]screen.MonitorID{}
	for _, m := range before {
		known[m.Name] = m.ID
	}
	var layout screen.Layout
	var fresh []screen.Monitor
	for _, m := range found {
		id, ok := known[m.Name]
		if !ok || used[id] {
			fresh = append(fresh, m)
			continue
		}
		m.ID, used[id] = id, true
		layout = append(layout, m)
	}
	for _, m := range fresh {
		free := slices.Index(used[:], false)
		if free < 0 {
			break
		}
		m.ID, used[free] = screen.MonitorID(free), true
		layout = append(layout, m)
	}
	slices.SortFunc(layout, func(a, b screen.Monitor) int { return int(a.ID) - int(b.ID) })
	return layout
}
