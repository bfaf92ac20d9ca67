// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// Sizes of our own. The type scale is 34, 20 and 14 at 100 %.
const (
	sizeMachine fyne.ThemeSizeName = "assistMachine" // the machine's number
	sizeTitle                      = theme.SizeNameSubHeadingText
	sizeGap     fyne.ThemeSizeName = "assistGap" // between two blocks
	sizeRing    fyne.ThemeSizeName = "assistRing"
)

// Look is the theme of every window of the app. Variant and text size are fixed when
// it is made; a change of either makes another one.
type Look struct {
	base    fyne.Theme
	light   colors
	dark    colors
	forced  *fyne.ThemeVariant // nil: as the system says
	percent int
}

// NewLook is the theme for these preferences.
func NewLook(p Preferences) *Look {
	l := &Look{base: theme.DefaultTheme(), light: lightColors(), dark: darkColors(), percent: p.size()}
	light, dark := theme.VariantLight, theme.VariantDark
	switch p.Theme {
	case "light":
		l.forced = &light
	case "dark":
		l.forced = &dark
	}
	return l
}

// size is the text size in percent, within limits.
func (p Preferences) size() int {
	if p.TextSize == 0 {
		return 100
	}
	return min(max(p.TextSize, 100), 200)
}

// Color implements fyne.Theme.
func (l *Look) Color(name fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	if l.forced != nil {
		v = *l.forced
	}
	set := l.light
	if v == theme.VariantDark {
		set = l.dark
	}
	if c, ok := set[name]; ok {
		return c
	}
	return l.base.Color(name, v)
}

// Font implements fyne.Theme.
func (l *Look) Font(s fyne.TextStyle) fyne.Resource { return l.base.Font(s) }

// Icon implements fyne.Theme.
func (l *Look) Icon(n fyne.ThemeIconName) fyne.Resource { return l.base.Icon(n) }

// Size implements fyne.Theme. Text and what must keep its proportion to it follow the
// text size; lines and corners do not.
func (l *Look) Size(n fyne.ThemeSizeName) float32 {
	switch n {
	case sizeMachine:
		return l.scaled(34)
	case theme.SizeNameHeadingText, theme.SizeNameSubHeadingText:
		return l.scaled(20)
	case theme.SizeNameText:
		return l.scaled(14)
	case theme.SizeNameCaptionText:
		return l.scaled(13)
	case theme.SizeNameInlineIcon:
		return l.scaled(18)
	case sizeGap:
		return 12 + l.scaled(4)
	case sizeRing, theme.SizeNameInputBorder:
		return 2
	case theme.SizeNamePadding:
		return 4
	case theme.SizeNameInnerPadding:
		return 10
	case theme.SizeNameInputRadius, theme.SizeNameButtonRadius, theme.SizeNameSelectionRadius:
		return 6
	}
	return l.base.Size(n)
}

// scaled is a size at 100 % brought to the person's own.
func (l *Look) scaled(at100 float32) float32 { return at100 * float32(l.percent) / 100 }
