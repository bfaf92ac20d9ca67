// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// Colours of our own, asked from the theme by name like the toolkit's.
const (
	colorMuted     fyne.ThemeColorName = "assistMuted"     // secondary text
	colorCard      fyne.ThemeColorName = "assistCard"      // raised surface
	colorLine      fyne.ThemeColorName = "assistLine"      // border of a card
	colorRing      fyne.ThemeColorName = "assistRing"      // round what has the focus
	colorDrive     fyne.ThemeColorName = "assistDrive"     // somebody drives; Disconnect
	colorOnDrive   fyne.ThemeColorName = "assistOnDrive"   // text on it
	colorOKBack    fyne.ThemeColorName = "assistOKBack"    // tints behind a notice
	colorWarnBack  fyne.ThemeColorName = "assistWarnBack"  //
	colorInfoBack  fyne.ThemeColorName = "assistInfoBack"  //
	colorDriveBack fyne.ThemeColorName = "assistDriveBack" //
)

// colors is one variant of the palette.
type colors map[fyne.ThemeColorName]color.NRGBA

// rgb is an opaque colour from 0xRRGGBB.
func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xff}
}

// tint is a colour that lets through what lies below; a is 0 to 255.
func tint(v uint32, a uint8) color.NRGBA {
	c := rgb(v)
	c.A = a
	return c
}

// lightColors is a cool paper with one deep blue. Red appears in the two drive
// colours alone.
func lightColors() colors {
	return colors{
		theme.ColorNameBackground:          rgb(0xf3f5f8),
		colorCard:                          rgb(0xffffff),
		colorLine:                          rgb(0xd5dbe3),
		theme.ColorNameForeground:          rgb(0x18222e),
		colorMuted:                         rgb(0x4d5a69),
		theme.ColorNamePlaceHolder:         rgb(0x626f7e),
		theme.ColorNameDisabled:            rgb(0x67737f),
		theme.ColorNamePrimary:             rgb(0x1c5d99),
		theme.ColorNameForegroundOnPrimary: rgb(0xffffff),
		theme.ColorNameHyperlink:           rgb(0x1c5d99),
		colorRing:                          rgb(0x0b57d0),
		theme.ColorNameFocus:               tint(0x1c5d99, 0x40),
		theme.ColorNameSelection:           tint(0x1c5d99, 0x40),
		theme.ColorNameSuccess:             rgb(0x1b6e42),
		theme.ColorNameWarning:             rgb(0x855100),
		theme.ColorNameError:               rgb(0x855100),
		colorDrive:                         rgb(0xb3261e),
		colorOnDrive:                       rgb(0xffffff),
		colorOKBack:                        rgb(0xe4f3ea),
		colorWarnBack:                      rgb(0xfdf1d8),
		colorInfoBack:                      rgb(0xe5eef8),
		colorDriveBack:                     rgb(0xfbe7e5),
		theme.ColorNameButton:              rgb(0xffffff),
		theme.ColorNameDisabledButton:      rgb(0xe6eaef),
		theme.ColorNameHover:               tint(0x18222e, 0x12),
		theme.ColorNamePressed:             tint(0x18222e, 0x24),
		theme.ColorNameInputBackground:     rgb(0xffffff),
		theme.ColorNameInputBorder:         rgb(0x7c8794),
		theme.ColorNameSeparator:           rgb(0xd5dbe3),
		theme.ColorNameScrollBar:           tint(0x18222e, 0x80),
		theme.ColorNameScrollBarBackground: tint(0x18222e, 0x10),
		theme.ColorNameShadow:              tint(0x000000, 0x30),
		theme.ColorNameMenuBackground:      rgb(0xffffff),
		theme.ColorNameOverlayBackground:   rgb(0xffffff),
		theme.ColorNameHeaderBackground:    rgb(0xe9edf2),
	}
}

// darkColors is the same by lamplight.
func darkColors() colors {
	return colors{
		theme.ColorNameBackground:          rgb(0x12171d),
		colorCard:                          rgb(0x1b222b),
		colorLine:                          rgb(0x35404c),
		theme.ColorNameForeground:          rgb(0xe9eef4),
		colorMuted:                         rgb(0xaab6c3),
		theme.ColorNamePlaceHolder:         rgb(0x95a1ae),
		theme.ColorNameDisabled:            rgb(0x93a0ad),
		theme.ColorNamePrimary:             rgb(0x86bbf2),
		theme.ColorNameForegroundOnPrimary: rgb(0x0a1b2c),
		theme.ColorNameHyperlink:           rgb(0x86bbf2),
		colorRing:                          rgb(0xa8d0ff),
		theme.ColorNameFocus:               tint(0x86bbf2, 0x50),
		theme.ColorNameSelection:           tint(0x86bbf2, 0x50),
		theme.ColorNameSuccess:             rgb(0x72cf98),
		theme.ColorNameWarning:             rgb(0xf1bd5b),
		theme.ColorNameError:               rgb(0xf1bd5b),
		colorDrive:                         rgb(0xf2948c),
		colorOnDrive:                       rgb(0x2c0704),
		colorOKBack:                        rgb(0x15291f),
		colorWarnBack:                      rgb(0x30260f),
		colorInfoBack:                      rgb(0x17273a),
		colorDriveBack:                     rgb(0x391a18),
		theme.ColorNameButton:              rgb(0x242d38),
		theme.ColorNameDisabledButton:      rgb(0x232b34),
		theme.ColorNameHover:               tint(0xe9eef4, 0x16),
		theme.ColorNamePressed:             tint(0xe9eef4, 0x2c),
		theme.ColorNameInputBackground:     rgb(0x151b22),
		theme.ColorNameInputBorder:         rgb(0x738190),
		theme.ColorNameSeparator:           rgb(0x35404c),
		theme.ColorNameScrollBar:           tint(0xe9eef4, 0x80),
		theme.ColorNameScrollBarBackground: tint(0xe9eef4, 0x10),
		theme.ColorNameShadow:              tint(0x000000, 0x60),
		theme.ColorNameMenuBackground:      rgb(0x242d38),
		theme.ColorNameOverlayBackground:   rgb(0x1b222b),
		theme.ColorNameHeaderBackground:    rgb(0x1f2731),
	}
}
