// SPDX-License-Identifier: Apache-2.0

package assets

import "embed"

// I18n holds one JSON file a language for the main window, fr.json the reference and
// en.json beside it, and <part>.<language>.json for the other parts.
//
//go:embed i18n/*.json
var I18n embed.FS

// Icons holds our own drawings in one colour, which the theme replaces.
//
//go:embed icons/*.svg
var Icons embed.FS
