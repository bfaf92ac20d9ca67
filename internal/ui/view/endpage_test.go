// SPDX-License-Identifier: Apache-2.0

package view

import (
	"errors"
	"fmt"
	"image"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"assist/internal/consent"
	"assist/internal/wire"
)

// endPage returns the note's field, the button and all texts of the end page.
func (x *tester) endPage() (*field, *widget.Button, string) {
	var note *field
	var back *widget.Button
	var all strings.Builder
	for _, o := range test.LaidOutObjects(x.win.Content()) {
		switch o := o.(type) {
		case *field:
			note = o
		case *widget.Button:
			back = o
		case *widget.Label:
			all.WriteString(o.Text + "\n")
		}
	}
	return note, back, all.String()
}

func TestEndPageRequiresANote(t *testing.T) {
	x := newTester(t, live(0))
	x.becomes(func(s *State) { s.Rights |= consent.RightControl })
	x.becomes(func(s *State) { s.Ended = wire.EndUserCut })
	note, back, text := x.endPage()
	if !strings.Contains(text, "The user disconnected you.") || !strings.Contains(text, "mouse and keyboard allowed") {
		t.Error(text)
	}
	test.Tap(back)
	if _, _, text := x.endPage(); !strings.Contains(text, "Write a few words") || x.fake.closed != 0 {
		t.Error("left without a note")
	}
	note.SetText("  \n")
	test.Tap(back)
	if x.fake.closed != 0 || len(x.notes) != 0 {
		t.Error("left with an empty note")
	}
	note.SetText("driver installed")
	x.Window.c.Note = func(string) error { return errors.New("disk full") }
	done := make(chan struct{})
	p := &endPage{w: x.Window, note: note, error: widget.NewLabel(""), back: back}
	p.kept(errors.New("disk full"))
	if p.error.Text == "" || back.Disabled() || x.fake.closed != 0 {
		t.Error("a note that could not be kept is lost")
	}
	p.kept(nil)
	close(done)
	if x.fake.closed != 1 {
		t.Error("the window did not close")
	}
	if got := strings.Join(x.ladder, "; "); got != "" {
		t.Errorf("ended by the host, and still %s", got)
	}
}

// large is the theme at another text size.
type large struct {
	fyne.Theme
	times float32
}

func (l large) Size(n fyne.ThemeSizeName) float32 { return l.Theme.Size(n) * l.times }

// What was done is read whole at a large text size: six lines, or as many as there are.
func TestWhatWasDoneIsReadAtALargeSize(t *testing.T) {
	x := newTester(t, live(0))
	x.Window.c.App.Settings().SetTheme(large{x.Window.c.App.Settings().Theme(), 1.5})
	for _, deeds := range []int{1, 6, 9} {
		x.diary.deeds = nil
		for i := range deeds {
			x.diary.add(x.now, fmt.Sprint("deed ", i))
		}
		p := &endPage{w: x.Window}
		list := p.done().(*fyne.Container).Objects[1].(*container.Scroll)
		got, all := list.MinSize().Height, list.Content.MinSize().Height
		if deeds <= 6 && got < all || got < all*6/9 {
			t.Errorf("%d deeds: %v high, all of it is %v", deeds, got, all)
		}
		if deeds > 6 && got >= all {
			t.Error("a long list pushes the note out of the window")
		}
	}
}

func TestTechnicianEnds(t *testing.T) {
	x := newTester(t, live(0))
	test.Tap(x.bar.end)
	x.box.flush()
	if got := strings.Join(x.ladder, "; "); got != "end" {
		t.Error(got)
	}
	if x.ctx.Err() == nil {
		t.Error("goroutines go on")
	}
	for r := wire.EndUserCut; r <= wire.EndInputOff; r++ {
		if s := x.Window.c.Text.ended(r); s == "" || strings.HasPrefix(s, "view.") {
			t.Errorf("reason %d: %q", r, s)
		}
	}
}

// The toolkit remembers the objects of a closed window for a while; no picture may
// hang on them.
func TestPicturesAreLetGo(t *testing.T) {
	x := newTester(t, live(0))
	img := image.NewRGBA(image.Rect(0, 0, 8, 8))
	x.draw(0, img, img.Rect)
	shown := x.main.pane.images[0]
	test.Tap(x.bar.end)
	if shown.Image != nil || len(x.main.pane.images) != 0 {
		t.Error("a picture is kept")
	}
	for _, p := range x.pumps {
		<-p.done
		if p.bufs[0] != nil || p.kept.Y != nil {
			t.Error("a pump keeps its pictures")
		}
	}
}
