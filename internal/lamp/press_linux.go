// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"image"

	"github.com/jezek/xgb/xproto"

	"assist/internal/x11"
)

// listen asks for what the mice themselves do.
func (st *stage) listen() error {
	raw, err := st.c.RawEvents()
	if err != nil {
		return err
	}
	st.raw.Store(raw)
	return raw.Select(x11.RawButtonPress)
}

// deed acts on a press of the first button that the banner is not told of, since
// another program, a menu say, has grabbed the mouse, or since the banner takes no
// clicks. There is no release to wait for then: what lessens a session is done at
// once. Nothing that gives more can be done this way.
func (st *stage) deed(e x11.Event) {
	raw := st.raw.Load()
	if raw == nil {
		return
	}
	r, ok := raw.Read(e)
	if !ok || r.Kind != x11.RawButtonPress {
		return
	}
	at, ok := st.firstButton(r.Detail)
	if !ok {
		return
	}
	// The server's answers came after the ordinary event of the same press, if
	// there is one: it waits among these.
	st.catchUp()
	if st.told == r.Time {
		return
	}
	for _, b := range st.banners {
		if !at.In(b.place) {
			continue
		}
		switch act := b.hit(at.Sub(b.place.Min)); act {
		case actCut, actPause, actTakeBack:
			st.done = r.Time
			st.act(act)
			return
		}
	}
}

// catchUp acts on the events that wait now. One of them may itself catch up, so it
// never waits for the next.
func (st *stage) catchUp() {
	for range len(st.events) {
		select {
		case e := <-st.events:
			st.handle(e)
		default:
			return
		}
	}
}

// firstButton says where the pointer is, and whether a button of this number is the first
// one: a left-handed person's is another. The mouse's own first one always is, for any
// program can say that it is another, or none.
func (st *stage) firstButton(number uint32) (image.Point, bool) {
	pointer := xproto.QueryPointer(st.c.X, st.c.Root)
	mapping := xproto.GetPointerMapping(st.c.X)
	p, errP := pointer.Reply()
	m, errM := mapping.Reply()
	if errP != nil || errM != nil || !p.SameScreen || number == 0 || int(number) > len(m.Map) {
		return image.Point{}, false
	}
	return image.Pt(int(p.RootX), int(p.RootY)), number == 1 || m.Map[number-1] == xproto.ButtonIndex1
}
