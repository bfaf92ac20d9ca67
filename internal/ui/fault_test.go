// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
)

func TestFaultSaysWhereAndQuits(t *testing.T) {
	for _, name := range []fyne.KeyName{fyne.KeyReturn, fyne.KeySpace, fyne.KeyEscape} {
		w := newFault(test.NewTempApp(t), "Le fichier ne va pas.", "assist.toml, ligne 2\u202e, clé app.colour", "Quitter")
		closed := false
		w.SetOnClosed(func() { closed = true })
		var said []string
		for _, o := range descend(w.Content()) {
			if s, ok := o.(*text); ok {
				said = append(said, s.AccessibilityLabel())
			}
		}
		if len(said) != 2 || said[0] != "Le fichier ne va pas." || said[1] != "assist.toml, ligne 2, clé app.colour" {
			t.Errorf("said %q", said)
		}
		w.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: name})
		if !closed {
			t.Errorf("%s does not quit", name)
		}
	}
}
