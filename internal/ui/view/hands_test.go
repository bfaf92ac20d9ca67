// SPDX-License-Identifier: Apache-2.0

package view

import (
	"image"
	"testing"
)

func nothing(*dictation, string) {}

// rig is a hands whose messages can be read.
func rig() (*hands, *record, *int) {
	r, refused := &record{}, 0
	o := newOutbox(r)
	h := newHands(o, newKeyboard("linux"), func() { refused++ })
	return h, r, &refused
}

// sent flushes and returns what left.
func (h *hands) sent(r *record) string {
	h.box.flush()
	return r.take()
}

func TestHandsWatching(t *testing.T) {
	h, r, refused := rig()
	h.move(0, image.Pt(1, 2))
	h.button(0, image.Pt(1, 2), 1, true)
	h.button(0, image.Pt(1, 2), 1, false)
	h.key(38, true)
	h.strike(usageTab)
	h.write("x", nothing)
	if h.wheel(0, 1) {
		t.Error("the wheel was taken")
	}
	if got := h.sent(r); got != "" || *refused != 3 {
		t.Errorf("sent %q, refused %d times", got, *refused)
	}
}

func TestHandsPointing(t *testing.T) {
	h, r, _ := rig()
	h.setMode(modePoint)
	h.move(1, image.Pt(5, 6))
	if got := h.sent(r); got != "point 1 5,6 true" {
		t.Error(got)
	}
	h.button(1, image.Pt(7, 8), 1, true)
	h.button(1, image.Pt(7, 8), 1, false)
	if got := h.sent(r); got != "point 1 7,8 true" {
		t.Error(got)
	}
	h.setMode(modeWatch)
	h.hidePointer()
	if got := h.sent(r); got != "point 1 7,8 false" {
		t.Error(got)
	}
}

func TestHandsReleaseOnModeChange(t *testing.T) {
	h, r, _ := rig()
	h.setMode(modeDrive)
	h.key(38, true)
	h.button(0, image.Pt(3, 4), 3, true)
	h.setMode(modeWatch)
	want := "key 0x4 down; button 3 down 0 3,4; release all"
	if got := h.sent(r); got != want {
		t.Error(got)
	}
	h.key(38, false)
	h.button(0, image.Pt(3, 4), 3, false)
	if got := h.sent(r); got != "" {
		t.Errorf("after the release: %s", got)
	}
}

func TestHandsButtonsMatch(t *testing.T) {
	h, r, _ := rig()
	h.setMode(modeDrive)
	h.button(0, image.Pt(1, 1), 1, false)
	h.button(0, image.Pt(1, 1), 1, true)
	h.button(0, image.Pt(2, 1), 1, true)
	h.button(0, image.Pt(2, 1), 1, false)
	if got := h.sent(r); got != "button 1 down 0 1,1; button 1 up 0 2,1" {
		t.Error(got)
	}
}

func TestHandsWheelKeepsFractions(t *testing.T) {
	h, r, _ := rig()
	h.setMode(modeDrive)
	for range 16 {
		h.wheel(0, 0.0625) // a touch pad: 7.5 units each
	}
	h.wheel(-1, 0)
	if got := h.sent(r); got != "scroll -120,120" {
		t.Error(got)
	}
}

func TestHandsStrike(t *testing.T) {
	h, r, _ := rig()
	h.setMode(modeDrive)
	h.strike(usageLeftCtrl, usageLeftAlt, usageDelete)
	want := "key 0xe0 down; key 0xe2 down; key 0x4c down; key 0x4c up; key 0xe2 up; key 0xe0 up"
	if got := h.sent(r); got != want {
		t.Error(got)
	}
}

func TestHandsWrite(t *testing.T) {
	h, r, _ := rig()
	h.setMode(modeDrive)
	h.write("à€\n\x07b\tc", nothing)
	want := `text "à€"; key 0x28 down; key 0x28 up; text "b"; key 0x2b down; key 0x2b up; text "c"`
	if got := h.sent(r); got != want {
		t.Error(got)
	}
}
