// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
)

// pressRenderer draws a press: the focus ring outside, the surface, then icon and label
// or the tile's content.
type pressRenderer struct {
	p     *press
	ring  *canvas.Rectangle
	back  *canvas.Rectangle
	shade *canvas.Rectangle // under the pointer
	line  *canvas.Rectangle // below the chosen tab
	icon  *canvas.Image
	label *canvas.Text
}

func newPressRenderer(p *press) *pressRenderer {
	r := &pressRenderer{
		p:     p,
		ring:  canvas.NewRectangle(color.Transparent),
		back:  canvas.NewRectangle(color.Transparent),
		shade: canvas.NewRectangle(color.Transparent),
		line:  canvas.NewRectangle(color.Transparent),
		icon:  canvas.NewImageFromResource(nil),
		label: canvas.NewText("", color.Black),
	}
	r.icon.FillMode = canvas.ImageFillContain
	r.paint()
	return r
}

// ringWidth is how far the ring stands outside the surface, on each side. It lies over
// the gap between two objects, so that surfaces stand flush with the text beside them.
const ringWidth = 4

// margins are the blanks between surface and content.
func (r *pressRenderer) margins() (x, y float32) {
	unit := r.p.Theme().Size(theme.SizeNameText)
	switch r.p.kind {
	case pressTile:
		return unit * 1.2, unit
	case pressQuiet:
		return 0, unit * 0.4
	case pressTab, pressChoice:
		return unit * 0.8, unit * 0.5
	}
	return unit * 1.3, unit * 0.6
}

// iconSide is 0 without an icon.
func (r *pressRenderer) iconSide() float32 {
	if r.p.icon == nil {
		return 0
	}
	return r.p.Theme().Size(theme.SizeNameInlineIcon)
}

// inner is the size of icon and label together.
func (r *pressRenderer) inner() fyne.Size {
	if r.p.content != nil {
		return r.p.content.MinSize()
	}
	m := r.label.MinSize()
	if side := r.iconSide(); side > 0 {
		m = fyne.NewSize(m.Width+side+side*0.4, fyne.Max(m.Height, side))
	}
	return m
}

func (r *pressRenderer) MinSize() fyne.Size {
	x, y := r.margins()
	return r.inner().AddWidthHeight(2*x, 2*y)
}

// Layout lets the ring stand outside of the press.
func (r *pressRenderer) Layout(size fyne.Size) {
	x, y := r.margins()
	outer := float32(ringWidth)
	if r.p.kind == pressQuiet {
		outer += 2
	}
	r.ring.Resize(size.AddWidthHeight(2*outer, 2*ringWidth))
	r.ring.Move(fyne.NewPos(-outer, -ringWidth))
	r.back.Resize(size)
	r.shade.Resize(size)
	if r.p.kind == pressQuiet { // no surface: the shade reaches out to the ring
		r.shade.Resize(size.AddWidthHeight(2*outer, 0))
		r.shade.Move(fyne.NewPos(-outer, 0))
	}
	r.line.Resize(fyne.NewSize(size.Width, 3))
	r.line.Move(fyne.NewPos(0, size.Height-3))
	if r.p.content != nil {
		r.p.content.Resize(size.SubtractWidthHeight(2*x, 2*y))
		r.p.content.Move(fyne.NewPos(x, y))
		return
	}
	r.layoutLabel(size)
}

// layoutLabel centres icon and label; a quiet press stands at the left, so that it is
// flush with text.
func (r *pressRenderer) layoutLabel(size fyne.Size) {
	m, side := r.inner(), r.iconSide()
	at := fyne.NewPos((size.Width-m.Width)/2, size.Height/2)
	if r.p.kind == pressQuiet {
		at.X = 0
	}
	if side > 0 {
		r.icon.Resize(fyne.NewSquareSize(side))
		r.icon.Move(fyne.NewPos(at.X, at.Y-side/2))
		at.X += side * 1.4
	}
	text := r.label.MinSize()
	r.label.Resize(text)
	r.label.Move(fyne.NewPos(at.X, at.Y-text.Height/2))
}

func (r *pressRenderer) Refresh() {
	r.paint()
	r.Layout(r.p.Size())
	for _, o := range r.Objects() {
		o.Refresh()
	}
}

// surface is the colours of a press: its back, its border and what is written on it.
func (r *pressRenderer) surface() (back, border, ink fyne.ThemeColorName) {
	switch {
	case r.p.kind == pressTile:
		return colorCard, colorLine, theme.ColorNameForeground
	case r.p.kind == pressTab && r.p.chosen:
		return "", "", theme.ColorNameForeground
	case r.p.kind == pressTab:
		return "", "", colorMuted
	case r.p.kind == pressChoice && r.p.chosen:
		return theme.ColorNamePrimary, theme.ColorNamePrimary, theme.ColorNameForegroundOnPrimary
	case r.p.kind == pressQuiet && r.p.Disabled():
		return "", "", theme.ColorNameDisabled
	case r.p.kind == pressQuiet:
		return "", "", theme.ColorNameHyperlink
	case r.p.Disabled():
		return theme.ColorNameDisabledButton, colorLine, theme.ColorNameDisabled
	case r.p.kind == pressPrimary:
		return theme.ColorNamePrimary, theme.ColorNamePrimary, theme.ColorNameForegroundOnPrimary
	case r.p.kind == pressDanger:
		return colorDrive, colorDrive, colorOnDrive
	}
	return theme.ColorNameButton, theme.ColorNameInputBorder, theme.ColorNameForeground
}

// paint takes over the label, the state and the colours of now.
func (r *pressRenderer) paint() {
	th, v := r.p.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	paint := func(name fyne.ThemeColorName) color.Color {
		if name == "" {
			return color.Transparent
		}
		return th.Color(name, v)
	}
	back, border, ink := r.surface()
	r.back.FillColor, r.back.StrokeColor, r.back.StrokeWidth = paint(back), paint(border), 1
	r.ring.StrokeColor, r.ring.StrokeWidth = color.Transparent, 2
	r.shade.FillColor, r.line.FillColor = color.Transparent, color.Transparent
	if r.p.focused {
		r.ring.StrokeColor = paint(colorRing)
	}
	if r.p.hovered && !r.p.Disabled() && r.p.tapped != nil {
		r.shade.FillColor = paint(theme.ColorNameHover)
	}
	if r.p.kind == pressTab && r.p.chosen {
		r.line.FillColor = paint(theme.ColorNamePrimary)
	}
	corner := th.Size(theme.SizeNameButtonRadius)
	r.back.CornerRadius, r.shade.CornerRadius, r.ring.CornerRadius = corner, corner, corner+3
	r.label.Text, r.label.Color = r.p.label, paint(ink)
	r.label.TextSize = th.Size(theme.SizeNameText)
	r.label.TextStyle.Bold = r.p.kind == pressPrimary || r.p.kind == pressDanger || r.p.kind == pressTab || r.p.chosen
	if r.p.icon != nil {
		r.icon.Resource = theme.NewColoredResource(r.p.icon, ink)
	}
}

func (r *pressRenderer) Objects() []fyne.CanvasObject {
	objs := []fyne.CanvasObject{r.ring, r.back, r.shade, r.line}
	if r.p.content != nil {
		return append(objs, r.p.content)
	}
	if r.p.icon != nil {
		objs = append(objs, r.icon)
	}
	return append(objs, r.label)
}

func (r *pressRenderer) Destroy() {}
