// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/jezek/xgb/xproto"

	"assist/internal/x11"
)

const (
	keysymEscape  = 0xff1b
	keysymNumLock = 0xff7f

	// settleTime lets a storm of keyboard changes pass before the key is grabbed anew.
	settleTime = 200 * time.Millisecond
)

// errNoKey means that the keyboard has no Escape.
var errNoKey = errors.New("keyboard has no such key")

// Hotkey is Ctrl+Alt+Escape, whoever has the focus.
type Hotkey struct {
	c    *x11.Conn
	log  *slog.Logger
	call func()

	keys chan struct{} // one slot: the key was pressed
	maps chan struct{} // one slot: the keyboard changed
	stop chan struct{}
	over chan struct{}
	once sync.Once

	mu      sync.Mutex
	grabbed []grab
}

// grab is one combination that is ours.
type grab struct {
	code xproto.Keycode
	mods uint16
}

// NewHotkey calls call, from a goroutine of its own, whenever the person presses
// Ctrl+Alt+Escape. It fails with ErrTaken when another program holds the key.
func NewHotkey(log *slog.Logger, call func()) (*Hotkey, error) {
	h := &Hotkey{
		log: log, call: call, keys: make(chan struct{}, 1), maps: make(chan struct{}, 1),
		stop: make(chan struct{}), over: make(chan struct{}),
	}
	var err error
	if h.c, err = x11.Dial("", h.event); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoDisplay, err)
	}
	if err := h.grab(); err != nil {
		h.c.Close()
		return nil, err
	}
	go h.run()
	return h, nil
}

func (h *Hotkey) event(e x11.Event) {
	c := h.keys
	switch e.Code() {
	case xproto.KeyPress:
	case xproto.MappingNotify:
		c = h.maps
	default:
		return
	}
	select {
	case c <- struct{}{}:
	default:
	}
}

func (h *Hotkey) run() {
	defer close(h.over)
	var settled <-chan time.Time
	for {
		select {
		case <-h.stop:
			return
		case <-h.c.Done():
			return
		case <-h.keys:
			h.call()
		case <-h.maps:
			settled = time.After(settleTime)
		case <-settled:
			if err := h.grab(); err != nil {
				h.log.Warn("hot-key lost after a keyboard change", "err", err)
			}
		}
	}
}

// grab takes the key in every state of Caps Lock and Num Lock.
func (h *Hotkey) grab() error {
	code, locks, err := h.keyboard()
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var wanted []grab
	for _, l := range locks {
		wanted = append(wanted, grab{code, xproto.ModMaskControl | xproto.ModMask1 | l})
	}
	if slices.Equal(wanted, h.grabbed) {
		return nil
	}
	for _, g := range h.grabbed {
		xproto.UngrabKey(h.c.X, g.code, h.c.Root, g.mods)
	}
	h.grabbed = nil
	for _, g := range wanted {
		err := xproto.GrabKeyChecked(h.c.X, false, h.c.Root, g.mods, g.code,
			xproto.GrabModeAsync, xproto.GrabModeAsync).Check()
		var access xproto.AccessError
		if errors.As(err, &access) {
			return ErrTaken
		}
		if err != nil {
			return fmt.Errorf("grab the hot-key: %w", err)
		}
		h.grabbed = append(h.grabbed, g)
	}
	return nil
}

// keyboard finds Escape, and the combinations of modifiers that lock keys make.
func (h *Hotkey) keyboard() (xproto.Keycode, []uint16, error) {
	setup := xproto.Setup(h.c.X)
	low := setup.MinKeycode
	table, err := xproto.GetKeyboardMapping(h.c.X, low, byte(setup.MaxKeycode-low+1)).Reply()
	if err != nil {
		return 0, nil, fmt.Errorf("read the keyboard: %w", err)
	}
	mods, err := xproto.GetModifierMapping(h.c.X).Reply()
	if err != nil {
		return 0, nil, fmt.Errorf("read the modifiers: %w", err)
	}
	find := func(sym xproto.Keysym) (xproto.Keycode, bool) {
		i := slices.Index(table.Keysyms, sym)
		return low + xproto.Keycode(i/int(table.KeysymsPerKeycode)), i >= 0
	}
	escape, ok := find(keysymEscape)
	if !ok {
		return 0, nil, errNoKey
	}
	var num uint16
	if code, ok := find(keysymNumLock); ok {
		if i := slices.Index(mods.Keycodes, code); i >= 0 {
			num = 1 << (i / int(mods.KeycodesPerModifier))
		}
	}
	locks := []uint16{0, xproto.ModMaskLock, num, num | xproto.ModMaskLock}
	slices.Sort(locks)
	return escape, slices.Compact(locks), nil
}

// Close gives the key back.
func (h *Hotkey) Close() error {
	h.once.Do(func() {
		close(h.stop)
		h.c.Close()
	})
	<-h.over
	return nil
}
