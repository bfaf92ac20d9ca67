// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// colorDrive and colorOnDrive are the red of the app's theme, which keeps it for
// somebody driving and for Disconnect, and the colour of text on it; colorRing goes
// round what has the focus.
const (
	colorDrive   fyne.ThemeColorName = "assistDrive"
	colorOnDrive fyne.ThemeColorName = "assistOnDrive"
	colorRing    fyne.ThemeColorName = "assistRing"
)

// redButton ends things. The toolkit's own button could be red only under a theme of
// its own, for which the toolkit loads all fonts once more, at each session.
type redButton struct {
	widget.BaseWidget
	label  string
	tapped func()
	back   *canvas.Rectangle
	text   *canvas.Text
	body   *fyne.Container
}

var (
	_ fyne.Tappable     = (*redButton)(nil)
	_ fyne.Focusable    = (*redButton)(nil)
	_ desktop.Hoverable = (*redButton)(nil)
)

func newRedButton(label string, tapped func()) *redButton {
	b := &redButton{label: label, tapped: tapped, back: canvas.NewRectangle(nil), text: canvas.NewText(label, nil)}
	b.text.TextStyle.Bold = true
	b.text.Alignment = fyne.TextAlignCenter
	pad := theme.Size(theme.SizeNameInnerPadding)
	b.body = container.NewStack(b.back, container.New(layout.NewCustomPaddedLayout(pad, pad, 1.5*pad, 1.5*pad), b.text))
	b.ExtendBaseWidget(b)
	b.Refresh()
	return b
}

// CreateRenderer implements fyne.Widget.
func (b *redButton) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(b.body) }

// Refresh implements fyne.CanvasObject: it follows the theme.
func (b *redButton) Refresh() {
	b.back.FillColor, b.text.Color = theme.Color(colorDrive), theme.Color(colorOnDrive)
	b.back.CornerRadius = theme.Size(theme.SizeNameButtonRadius)
	b.text.TextSize = theme.Size(theme.SizeNameText)
	b.body.Refresh()
}

// AccessibilityLabel implements fyne.Accessible.
func (b *redButton) AccessibilityLabel() string { return b.label }

// AccessibilityRole implements fyne.Accessible.
func (b *redButton) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleButton }

// Tapped implements fyne.Tappable.
func (b *redButton) Tapped(*fyne.PointEvent) { b.tapped() }

// FocusGained implements fyne.Focusable.
func (b *redButton) FocusGained() {
	b.back.StrokeWidth, b.back.StrokeColor = 2, theme.Color(colorRing)
	b.back.Refresh()
}

// FocusLost implements fyne.Focusable.
func (b *redButton) FocusLost() {
	b.back.StrokeWidth = 0
	b.back.Refresh()
}

// TypedRune implements fyne.Focusable.
func (b *redButton) TypedRune(rune) {}

// TypedKey implements fyne.Focusable: the space bar presses, as on every button.
func (b *redButton) TypedKey(e *fyne.KeyEvent) {
	if e.Name == fyne.KeySpace {
		b.tapped()
	}
}

// MouseIn implements desktop.Hoverable: the button stands out a little.
func (b *redButton) MouseIn(*desktop.MouseEvent) {
	b.text.TextStyle.Underline = true
	b.text.Refresh()
}

// MouseMoved implements desktop.Hoverable.
func (b *redButton) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (b *redButton) MouseOut() {
	b.text.TextStyle.Underline = false
	b.text.Refresh()
}
