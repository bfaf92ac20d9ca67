// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
)

// ShowFault is a small window that says why the app cannot start, and where the fault
// is. It runs until it is closed, on the main goroutine, in place of an App.
func ShowFault(app fyne.App, sentence, where, quit string) {
	newFault(app, sentence, where, quit).ShowAndRun()
}

func newFault(app fyne.App, sentence, where, quit string) fyne.Window {
	app.Settings().SetTheme(NewLook(Preferences{}))
	w := app.NewWindow("Assist")
	w.SetPadded(false)
	w.SetMaster()
	ok := newPress(quit, pressPrimary, w.Close)
	w.Canvas().SetOnTypedKey(func(e *fyne.KeyEvent) {
		if e.Name == fyne.KeyEscape {
			w.Close()
		}
	})
	gap := theme.Size(sizeGap)
	said := newText(plain(sentence, 4*maxShownReason), styleStrong())
	at := newText(plain(where, 4*maxShownReason), styleBody())
	content := container.New(&footed{margin: gap * 1.25, gap: gap},
		container.NewVScroll(newStack(gap, said, at)), newActions(nil, ok))
	w.SetContent(content)
	width := 34 * theme.Size(theme.SizeNameText)
	w.Resize(fyne.NewSize(width, heightAt(content, width)))
	w.CenterOnScreen()
	w.Canvas().Focus(ok)
	return w
}
