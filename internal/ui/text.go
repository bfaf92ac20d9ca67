// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// text is a wrapped paragraph without the toolkit's own margin, so that it stands
// flush with the fields and buttons beside it.
type text struct {
	widget.BaseWidget
	seg  *widget.TextSegment
	rich *widget.RichText
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
	t := &text{seg: &widget.TextSegment{Text: s, Style: style}}
	t.rich = widget.NewRichText(t.seg)
	t.ExtendBaseWidget(t)
	return t
}

// set changes the text, and costs nothing when it is the same.
func (t *text) set(s string) {
	if t.seg.Text == s {
		return
	}
	t.seg.Text = s
	t.rich.Refresh()
	t.Refresh()
}

// paint changes the colour.
func (t *text) paint(name fyne.ThemeColorName) {
	if t.seg.Style.ColorName == name {
		return
	}
	t.seg.Style.ColorName = name
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
	r.t.rich.Move(fyne.NewPos(-p, -p))
	r.t.rich.Resize(size.AddWidthHeight(2*p, 2*p))
}

func (r *textRenderer) MinSize() fyne.Size {
	p := r.pad()
	return r.t.rich.MinSize().SubtractWidthHeight(2*p, 2*p).Max(fyne.Size{})
}

func (r *textRenderer) Refresh()                     { r.t.rich.Refresh() }
func (r *textRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.t.rich} }
func (r *textRenderer) Destroy()                     {}
