// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// noBreak is the space that French sets before ; : ! ? and inside « ».
const noBreak = "\u00a0"

// text is a wrapped paragraph without the toolkit's own margin, so that it stands
// flush with the fields and buttons beside it.
type text struct {
	widget.BaseWidget
	seg   *widget.TextSegment // all of it, and its style
	drawn *widget.TextSegment // the same, with line breaks where the toolkit would take a wrong one
	rich  *widget.RichText
	width float32 // of the last layout
}

// Styles of text. A style may be changed before it is used.
func styleBody() widget.RichTextStyle {
	return widget.RichTextStyle{ColorName: theme.ColorNameForeground, SizeName: theme.SizeNameText}
}

// styleStrong is for names of fields and states.
func styleStrong() widget.RichTextStyle {
	s := styleBody()
	s.TextStyle.Bold = true
	return s
}

// styleMuted is for what may be skipped.
func styleMuted() widget.RichTextStyle {
	s := styleBody()
	s.ColorName = colorMuted
	return s
}

// styleTitle is the one title of a screen, and the check words.
func styleTitle() widget.RichTextStyle {
	s := styleStrong()
	s.SizeName = sizeTitle
	return s
}

// styleMachine is the machine's number.
func styleMachine() widget.RichTextStyle {
	s := styleStrong()
	s.SizeName = sizeMachine
	return s
}

// newText is a paragraph that wraps.
func newText(s string, style widget.RichTextStyle) *text {
	t := newLine(s, style)
	t.rich.Wrapping = fyne.TextWrapWord
	return t
}

// newLine is a text on one line, as wide as it needs.
func newLine(s string, style widget.RichTextStyle) *text {
	t := &text{seg: &widget.TextSegment{Text: s, Style: style}, drawn: &widget.TextSegment{Text: s, Style: style}}
	t.rich = widget.NewRichText(t.drawn)
	t.ExtendBaseWidget(t)
	return t
}

// set changes the text, and costs nothing when it is the same.
func (t *text) set(s string) {
	if t.seg.Text == s {
		return
	}
	t.seg.Text, t.drawn.Text = s, s
	t.breakLines()
	t.rich.Refresh()
	t.Refresh()
}

// breakLines breaks a text that holds no-break spaces at the others alone: the toolkit takes
// any space for one to break at, and would begin a line with a colon.
func (t *text) breakLines() {
	whole := t.seg.Text
	if t.rich.Wrapping == fyne.TextWrapOff || t.width <= 0 || !strings.Contains(whole, noBreak) {
		t.drawn.Text = whole
		return
	}
	size, style := t.Theme().Size(t.seg.Style.SizeName), t.seg.Style.TextStyle
	var out strings.Builder
	line := ""
	for _, word := range strings.Split(whole, " ") {
		longer := line + " " + word
		switch {
		case line == "":
			longer = word
		case fyne.MeasureText(longer, size, style).Width > t.width:
			out.WriteString(line + "\n")
			longer = word
		}
		line = longer
	}
	t.drawn.Text = out.String() + line
}

// paint changes the colour.
func (t *text) paint(name fyne.ThemeColorName) {
	if t.seg.Style.ColorName == name {
		return
	}
	t.seg.Style.ColorName, t.drawn.Style.ColorName = name, name
	t.rich.Refresh()
}

// AccessibilityLabel implements fyne.Accessible.
func (t *text) AccessibilityLabel() string { return t.seg.Text }

// AccessibilityRole implements fyne.Accessible.
func (t *text) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleText }

// CreateRenderer implements fyne.Widget.
func (t *text) CreateRenderer() fyne.WidgetRenderer { return &textRenderer{t} }

type textRenderer struct{ t *text }

// pad is the toolkit's own margin, which Layout hides outside.
func (r *textRenderer) pad() float32 { return r.t.Theme().Size(theme.SizeNameInnerPadding) }

func (r *textRenderer) Layout(size fyne.Size) {
	p := r.pad()
	r.t.width = size.Width
	before := r.t.drawn.Text
	r.t.breakLines()
	r.t.rich.Move(fyne.NewPos(-p, -p))
	r.t.rich.Resize(size.AddWidthHeight(2*p, 2*p))
	if r.t.drawn.Text != before {
		r.t.rich.Refresh()
	}
}

func (r *textRenderer) MinSize() fyne.Size {
	p := r.pad()
	return r.t.rich.MinSize().SubtractWidthHeight(2*p, 2*p).Max(fyne.Size{})
}

func (r *textRenderer) Refresh()                     { r.t.rich.Refresh() }
func (r *textRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.t.rich} }
func (r *textRenderer) Destroy()                     {}
