// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"
)

// No line of any text begins with what belongs to the word before it, or ends with what
// belongs to the one after, however narrow the window is; and no word is lost.
func TestLinesBreakAtSpacesAlone(t *testing.T) {
	newTestApp(t)
	for key, p := range tongues(t)["fr"].phrases {
		for width := float32(150); width < 700; width += 61 {
			one := newText(p.Other, styleBody())
			one.Resize(fyne.NewSize(width, 20))
			lines := drawnLines(one)
			for _, line := range lines {
				if strings.ContainsAny(first(line), ";:!?»%\u00a0") || strings.HasSuffix(strings.TrimRight(line, "\u00a0"), "«") {
					t.Errorf("%s at %v: a line is %q", key, width, line)
				}
			}
			if got := strings.Join(lines, " "); strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(p.Other, " ", "") {
				t.Errorf("%s at %v: %q became %q", key, width, p.Other, got)
			}
		}
	}
}

func first(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

// drawnLines are what the toolkit draws, from the top.
func drawnLines(t *text) []string {
	var out []string
	for _, o := range test.WidgetRenderer(t.rich).Objects() {
		if line, ok := o.(*canvas.Text); ok && line.Text != "" {
			out = append(out, line.Text)
		}
	}
	return out
}
