// SPDX-License-Identifier: Apache-2.0

//go:build testdoor

package ui

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// This file is not in the product. It answers, on the unix socket that
// ASSIST_TEST_DOOR names, where which widget is; it can press nothing. It also tells
// the size of the process, and can keep the interface stuck for a while.

// door is the names of the widgets. The lock is for tests that tag from their own
// goroutine.
type door struct {
	mu  sync.Mutex
	ids map[fyne.CanvasObject]string
}

// seen is one widget as the door tells it. X and Y are pixels from the top left of the
// window's content.
type seen struct {
	Window  string `json:"window"`
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Text    string `json:"text"`
	X       int    `json:"x"`
	Y       int    `json:"y"`
	W       int    `json:"w"`
	H       int    `json:"h"`
	Enabled bool   `json:"enabled"`
	Focused bool   `json:"focused"`
	Checked bool   `json:"checked"`
}

// blockFor is how long "block" keeps the toolkit's goroutine from everything else, as
// a broken driver or a stuck disk would.
const blockFor = 4 * time.Second

// figures are what must not grow from one intervention to the next.
type figures struct {
	Goroutines int    `json:"goroutines"`
	Heap       uint64 `json:"heap"` // bytes in use after a collection
	Stacks     string `json:"stacks"`
}

func measure() figures {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	return figures{runtime.NumGoroutine(), m.HeapInuse, string(stacks)}
}

// tag names a widget for tests.
func tag[T fyne.CanvasObject](a *App, o T, id string) T {
	a.door.mu.Lock()
	defer a.door.mu.Unlock()
	if a.door.ids == nil {
		a.door.ids = map[fyne.CanvasObject]string{}
	}
	a.door.ids[o] = id
	return o
}

// openDoor listens until the app ends.
func (a *App) openDoor() {
	path := os.Getenv("ASSIST_TEST_DOOR")
	if path == "" {
		return
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		a.cfg.Log.Error("remove the old test door", "err", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		a.cfg.Log.Error("open the test door", "err", err)
		return
	}
	go func() {
		<-a.done
		_ = l.Close()
	}()
	go a.serveDoor(l)
}

func (a *App) serveDoor(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go a.answerDoor(c)
	}
}

func (a *App) answerDoor(c net.Conn) {
	defer func() { _ = c.Close() }()
	in, out := bufio.NewScanner(c), json.NewEncoder(c)
	for in.Scan() {
		var err error
		switch in.Text() {
		case "widgets":
			var all []seen
			fyne.DoAndWait(func() { all = a.widgets() })
			err = out.Encode(all)
		case "stats":
			err = out.Encode(measure())
		case "block":
			fyne.Do(func() { <-time.After(blockFor) })
			err = out.Encode(map[string]string{"blocked": blockFor.String()})
		default:
			err = out.Encode(map[string]string{"error": "unknown question"})
		}
		if err != nil {
			return
		}
	}
}

// widgets lists what is visible in every window.
func (a *App) widgets() []seen {
	w := walk{a: a, ids: map[fyne.CanvasObject]string{}}
	for _, win := range a.cfg.App.Driver().AllWindows() {
		w.win = win
		w.visit(win.Content())
		for _, o := range win.Canvas().Overlays().List() {
			w.note(o, "overlay") // a menu or a dialog of the toolkit may hide what it holds
			w.visit(o)
		}
	}
	a.door.mu.Lock()
	a.door.ids = w.ids // what is no longer in a window is forgotten
	a.door.mu.Unlock()
	return w.found
}

type walk struct {
	a     *App
	win   fyne.Window
	found []seen
	ids   map[fyne.CanvasObject]string
}

func (w *walk) id(o fyne.CanvasObject) string {
	w.a.door.mu.Lock()
	defer w.a.door.mu.Unlock()
	id := w.a.door.ids[o]
	if id != "" {
		w.ids[o] = id
	}
	if d, ok := o.(interface{ DoorID() string }); ok && id == "" {
		id = d.DoorID()
	}
	return id
}

func (w *walk) visit(o fyne.CanvasObject) {
	if o == nil {
		return
	}
	id := w.id(o)
	if o.Visible() {
		w.note(o, id)
	}
	for _, inner := range inside(o) {
		if o.Visible() {
			w.visit(inner)
		} else {
			w.keep(inner)
		}
	}
}

// keep remembers the names below a hidden object.
func (w *walk) keep(o fyne.CanvasObject) {
	w.id(o)
	for _, inner := range inside(o) {
		w.keep(inner)
	}
}

func inside(o fyne.CanvasObject) []fyne.CanvasObject {
	switch o := o.(type) {
	case *fyne.Container:
		return o.Objects
	case *container.Scroll:
		return []fyne.CanvasObject{o.Content}
	case *press:
		if o.content != nil {
			return []fyne.CanvasObject{o.content}
		}
	case *widget.PopUp:
		return []fyne.CanvasObject{o.Content}
	}
	return nil
}

func (w *walk) note(o fyne.CanvasObject, id string) {
	s := seen{ID: id, Window: w.win.Title(), Enabled: true}
	if d, ok := o.(fyne.Disableable); ok {
		s.Enabled = !d.Disabled()
	}
	if f, ok := o.(fyne.Focusable); ok {
		s.Focused = w.win.Canvas().Focused() == f
	}
	switch o := o.(type) {
	case interface{ DoorButton() string }:
		s.Kind, s.Text = "button", o.DoorButton()
	case *press:
		s.Kind, s.Text, s.Checked = "button", o.label, o.chosen
	case *check:
		s.Kind, s.Text, s.Checked = "check", o.label, o.on
	case *text:
		s.Kind, s.Text = "text", o.seg.Text
	case *widget.Entry:
		s.Kind, s.Text = "entry", o.Text
		if o.Password {
			s.Text = ""
		}
	case *widget.Button:
		s.Kind, s.Text = "button", o.Text
	case *widget.Label:
		s.Kind, s.Text = "text", o.Text
	case *canvas.Text:
		s.Kind, s.Text = "text", o.Text
	default:
		if id == "" {
			return
		}
		s.Kind = "other"
	}
	scale := w.win.Canvas().Scale()
	at := w.a.cfg.App.Driver().AbsolutePositionForObject(o)
	s.X, s.Y = int(at.X*scale), int(at.Y*scale)
	s.W, s.H = int(o.Size().Width*scale), int(o.Size().Height*scale)
	w.found = append(w.found, s)
}
