// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jezek/xgb/xproto"

	"assist/internal/x11"
)

const (
	keysymEscape = 0xff1b

	// settleTime lets a storm of keyboard changes pass before the key is grabbed anew.
	settleTime = 200 * time.Millisecond

	// The two modifiers of the hot-key, and those that may be locked beside them.
	chord     = xproto.ModMaskControl | xproto.ModMask1
	lockables = xproto.ModMaskLock | xproto.ModMask2 | xproto.ModMask3 | xproto.ModMask4 | xproto.ModMask5
)

// errNoKey means that the keyboard has no Escape.
var errNoKey = errors.New("keyboard has no such key")

// Hotkey is Ctrl+Alt+Escape, whoever has the focus. It is heard from the devices
// themselves, so a menu or a program that grabs the keyboard does not silence it;
// grabbing the key serves to keep it from other programs. That takes two
// connections: the server tells one that holds a grab nothing of the devices.
type Hotkey struct {
	c    *x11.Conn // holds the grab
	ear  *x11.Conn // hears the devices; nil when they cannot be heard
	raw  atomic.Pointer[x11.RawEvents]
	log  *slog.Logger
	call func()

	keys   chan struct{} // one slot: the key was pressed
	doubts chan doubt    // one slot
	maps   chan struct{} // one slot: the keyboard changed
	stop   chan struct{}
	over   chan struct{}
	once   sync.Once

	grabbed []grab // only of the goroutine that runs

	mu    sync.Mutex // guards what follows; the connection's reader takes it
	board board
	down  [256]bool // keys held, by code
	count int       // keys pressed so far
	last  uint32    // server time of the last press acted upon
}

// doubt is a press of Escape whose modifiers were not seen going down.
type doubt struct {
	at    uint32 // server time
	count int    // of keys pressed, this one included
}

// grab is one combination that is ours.
type grab struct {
	code xproto.Keycode
	mods uint16
}

// board is where the keys of the hot-key are on the keyboard, and where they were since the
// app began: what a key means can be changed by any program, also to silence the person.
type board struct{ escape, control, alt []xproto.Keycode }

// NewHotkey calls call, from a goroutine of its own, whenever the person presses
// Ctrl+Alt+Escape, whatever other modifiers are on. That another program holds
// the key is logged only; it fails with ErrTaken when the devices cannot be heard
// either.
func NewHotkey(log *slog.Logger, call func()) (*Hotkey, error) {
	h := &Hotkey{
		log: log, call: call, keys: make(chan struct{}, 1), maps: make(chan struct{}, 1), doubts: make(chan doubt, 1),
		stop: make(chan struct{}), over: make(chan struct{}),
	}
	var err error
	if h.c, err = x11.Dial("", h.event); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoDisplay, err)
	}
	if err := h.open(); err != nil {
		h.hangUp()
		return nil, err
	}
	go h.run()
	return h, nil
}

func (h *Hotkey) open() error {
	if err := h.learn(); err != nil {
		return err
	}
	deaf := h.listen()
	if deaf != nil {
		h.log.Warn("hot-key is not heard while another program grabs the keyboard", "err", deaf)
	}
	err := h.grab()
	if errors.Is(err, ErrTaken) && deaf == nil {
		h.log.Warn("another program gets the hot-key too", "err", err)
		return nil
	}
	return err
}

// listen asks for what the keyboards themselves do.
func (h *Hotkey) listen() error {
	c, err := x11.Dial("", h.hear)
	if err != nil {
		return err
	}
	raw, err := c.RawEvents()
	if err == nil {
		h.raw.Store(raw)
		err = raw.Select(x11.RawKeyPress, x11.RawKeyRelease)
	}
	if err != nil {
		c.Close()
		return err
	}
	h.ear = c
	return nil
}

// hear runs on the reader of the connection that hears.
func (h *Hotkey) hear(e x11.Event) {
	if raw := h.raw.Load(); raw != nil {
		if r, ok := raw.Read(e); ok {
			h.deed(r)
		}
	}
}

// event runs on the reader of the connection that grabs.
func (h *Hotkey) event(e x11.Event) {
	switch e.Code() {
	case xproto.KeyPress:
		h.mu.Lock()
		defer h.mu.Unlock()
		h.strike(binary.LittleEndian.Uint32(e[4:]))
	case xproto.MappingNotify:
		select {
		case h.maps <- struct{}{}:
		default:
		}
	}
}

// deed follows the keys that are held. What another program injects through a
// device counts: all it can do is end what it is part of.
func (h *Hotkey) deed(r x11.Raw) {
	h.mu.Lock()
	defer h.mu.Unlock()
	code := xproto.Keycode(r.Detail)
	h.down[code] = r.Kind == x11.RawKeyPress
	if !h.down[code] {
		return
	}
	h.count++
	if !slices.Contains(h.board.escape, code) {
		return
	}
	if h.held(h.board.control) && h.held(h.board.alt) {
		h.strike(r.Time)
		return
	}
	select {
	case <-h.doubts:
	default:
	}
	h.doubts <- doubt{r.Time, h.count} // only this goroutine fills the slot
}

// held reports whether one of the keys is down. The caller holds mu.
func (h *Hotkey) held(codes []xproto.Keycode) bool {
	return slices.ContainsFunc(codes, func(c xproto.Keycode) bool { return h.down[c] })
}

// strike passes a press on, once: the raw event and the ordinary one of the same
// press bear the same time. The caller holds mu.
func (h *Hotkey) strike(at uint32) {
	if at == h.last {
		return
	}
	h.last = at
	select {
	case h.keys <- struct{}{}:
	default:
	}
}

// ask resolves a doubt: the server knows of modifiers that were held before we
// listened. Its answer is of no use once another key has gone down.
func (h *Hotkey) ask(d doubt) {
	p, err := xproto.QueryPointer(h.ear.X, h.ear.Root).Reply()
	if err != nil || p.Mask&chord != chord {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count == d.count {
		h.strike(d.at)
	}
}

func (h *Hotkey) run() {
	defer close(h.over)
	var settled <-chan time.Time
	for {
		select {
		case <-h.stop:
			return
		case <-h.keys:
			h.call()
		case d := <-h.doubts:
			h.ask(d)
		case <-h.maps:
			settled = time.After(settleTime)
		case <-settled:
			h.relearn()
		}
	}
}

// relearn follows a change of the keyboard.
func (h *Hotkey) relearn() {
	err := h.learn()
	if err == nil {
		err = h.grab()
	}
	if err != nil {
		h.log.Warn("hot-key is not ours alone after a keyboard change", "err", err)
	}
}

// grab takes the key in every state of the modifiers that can be locked. What
// others hold stays theirs.
func (h *Hotkey) grab() error {
	h.mu.Lock()
	escape := h.board.escape
	h.mu.Unlock()
	var wanted []grab
	for _, code := range escape {
		for locks := range uint16(1 << 8) {
			if locks&^lockables == 0 {
				wanted = append(wanted, grab{code, chord | locks})
			}
		}
	}
	if slices.Equal(wanted, h.grabbed) {
		return nil
	}
	for _, g := range h.grabbed {
		xproto.UngrabKey(h.c.X, g.code, h.c.Root, g.mods)
	}
	h.grabbed = nil
	cookies := make([]xproto.GrabKeyCookie, len(wanted))
	for i, g := range wanted {
		cookies[i] = xproto.GrabKeyChecked(h.c.X, false, h.c.Root, g.mods, g.code, xproto.GrabModeAsync, xproto.GrabModeAsync)
	}
	var failed error
	for i, cookie := range cookies {
		err := cookie.Check()
		var access xproto.AccessError
		switch {
		case err == nil:
			h.grabbed = append(h.grabbed, wanted[i])
		case errors.As(err, &access):
			failed = ErrTaken
		default:
			return fmt.Errorf("grab the hot-key: %w", err)
		}
	}
	return failed
}

// learn finds Escape, and the keys of the two modifiers.
func (h *Hotkey) learn() error {
	setup := xproto.Setup(h.c.X)
	low := setup.MinKeycode
	table, err := xproto.GetKeyboardMapping(h.c.X, low, byte(setup.MaxKeycode-low+1)).Reply()
	if err != nil {
		return fmt.Errorf("read the keyboard: %w", err)
	}
	mods, err := xproto.GetModifierMapping(h.c.X).Reply()
	if err != nil {
		return fmt.Errorf("read the modifiers: %w", err)
	}
	var escape []xproto.Keycode
	for i, sym := range table.Keysyms {
		code := low + xproto.Keycode(i/int(table.KeysymsPerKeycode))
		if sym == keysymEscape {
			escape = append(escape, code)
		}
	}
	n := int(mods.KeycodesPerModifier)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.board.escape = with(h.board.escape, escape)
	h.board.control = with(h.board.control, mods.Keycodes[xproto.MapIndexControl*n:][:n])
	h.board.alt = with(h.board.alt, mods.Keycodes[xproto.MapIndex1*n:][:n])
	if len(h.board.escape) == 0 {
		return errNoKey
	}
	return nil
}

// with is a set of keys with others that are not in it yet; 0 is no key.
func with(set, others []xproto.Keycode) []xproto.Keycode {
	for _, code := range others {
		if code != 0 && !slices.Contains(set, code) {
			set = append(set, code)
		}
	}
	return set
}

// Close gives the key back.
func (h *Hotkey) Close() error {
	h.once.Do(func() {
		close(h.stop)
		h.hangUp()
	})
	<-h.over
	return nil
}

func (h *Hotkey) hangUp() {
	h.c.Close()
	if h.ear != nil {
		h.ear.Close()
	}
}
