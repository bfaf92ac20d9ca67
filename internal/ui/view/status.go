// SPDX-License-Identifier: Apache-2.0

package view

import (
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"assist/internal/wire"
)

// saidFor is how long a message stays in the status line.
const saidFor = 8 * time.Second

// figuresFor is how long the figures stay; less than the second of the clock, so that
// no second is left out.
const figuresFor = 900 * time.Millisecond

// statusLine says what is going on: mode and figures at the left, what the
// technician should know now in the middle, check words and clock at the right.
type statusLine struct {
	text  Text
	root  *fyne.Container
	mark  *canvas.Text // ○ looking, ◇ pointing, ● driving
	left  *widget.Label
	mid   *widget.Label
	right *widget.Label
	said  string
	until time.Time // of said; zero: not yet begun
	mode  string    // as last shown
	after time.Time // figures stay until then: changing one has the whole window painted
}

func newStatusLine(t Text) *statusLine {
	s := &statusLine{text: t, mark: canvas.NewText("○", theme.Color(theme.ColorNameForeground)),
		left: widget.NewLabel(""), mid: widget.NewLabel(""), right: widget.NewLabel("")}
	s.mark.TextSize = theme.Size(theme.SizeNameText)
	s.mid.Alignment = fyne.TextAlignCenter
	s.mid.Truncation = fyne.TextTruncateEllipsis
	s.mid.TextStyle.Bold = true
	mark := container.New(layout.NewCustomPaddedLayout(0, 0, 8, 0), container.NewCenter(s.mark))
	line := container.NewBorder(nil, nil, container.NewHBox(mark, s.left), s.right, s.mid)
	s.root = container.NewStack(canvas.NewRectangle(theme.Color(theme.ColorNameBackground)),
		container.New(layout.NewCustomPaddedLayout(-4, -4, 0, 0), line))
	return s
}

// say shows a message for a while, at once.
func (s *statusLine) say(text string) {
	s.said, s.until = text, time.Time{}
	setLabel(s.mid, text)
}

// update brings the line up to date; labels that stay the same are not redrawn.
func (s *statusLine) update(w *Window, now time.Time) {
	mode, mark, ink := "view.mode.watch", "○", theme.ColorNameForeground
	switch w.hands.mode {
	case modePoint:
		mode, mark, ink = "view.mode.point", "◇", theme.ColorNamePrimary
	case modeDrive:
		mode, mark, ink = "view.mode.drive", "●", colorDrive
	}
	if w.state.Pictures == wire.PauseUser {
		mode, mark, ink = "view.mode.paused", "○", theme.ColorNameForeground
	}
	if s.mark.Text != mark {
		s.mark.Text, s.mark.Color = mark, theme.Color(ink)
		s.mark.Refresh()
	}
	setLabel(s.mid, s.message(w, now))
	if left := s.after.Sub(now); mode == s.mode && left > 0 && left <= figuresFor { // more: the clock was set back
		return
	}
	s.mode, s.after = mode, now.Add(figuresFor)
	setLabel(s.left, s.text(mode)+" · "+s.text.line(w.c.Watcher.Stats()))
	words := strings.Join(w.state.Words[:], " – ")
	setLabel(s.right, words+"    "+clock(now.Sub(w.state.Since)))
}

// message is what stands in the middle: how far a long text is, else what was just said,
// else why input waits, else the chord that leaves the picture.
func (s *statusLine) message(w *Window, now time.Time) string {
	if slow := w.bar.typing.slow(now); slow != "" {
		return slow
	}
	if s.said != "" && s.until.IsZero() {
		s.until = now.Add(saidFor)
	}
	if s.said != "" && now.Before(s.until) {
		return s.said
	}
	s.said = ""
	if w.hands.mode != modeDrive {
		return ""
	}
	if held := s.text.held(w.state.Input); held != "" {
		return held
	}
	return s.text("view.chord")
}

func setLabel(l *widget.Label, text string) {
	if l.Text != text {
		l.SetText(text)
	}
}
