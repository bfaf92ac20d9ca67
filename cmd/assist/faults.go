// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"

	"fyne.io/fyne/v2/app"

	"assist/assets"
	"assist/internal/config"
	"assist/internal/input"
	"assist/internal/ui"
)

// Why the app cannot open: a key that it has and cannot use. A new one is made only where
// there is none, since it makes another machine, or another technician, of this one.
var (
	errHostKey   = errors.New("this computer's key")
	errDeviceKey = errors.New("the technician's key")
)

// fail says on the terminal why the app does not start, and returns its exit status.
func fail(out io.Writer, sentence string, err error) int {
	if sentence != "" {
		fmt.Fprintln(out, sentence)
	}
	if err != nil {
		fmt.Fprintln(out, err)
	}
	return 1
}

// failConfig is fail for a configuration that cannot be used.
func failConfig(out io.Writer, text assets.Text, err error) int {
	status := fail(out, text("config"), err)
	quiet()
	showFault(text("config"), place(text, err), text("quit"))
	return status
}

// failStart is fail for an app that could not open its main window.
func failStart(out io.Writer, text assets.Text, err error, show func(sentence, where, quit string)) int {
	sentence := text(startKey(err))
	if errors.Is(err, errNoDisplay) {
		return fail(out, sentence, nil)
	}
	status := fail(out, sentence, err)
	show(sentence, err.Error(), text("quit"))
	return status
}

// startKey is the key of the sentence for why the app could not start.
func startKey(err error) string {
	switch {
	case errors.Is(err, errNoDisplay):
		return "display"
	case errors.Is(err, input.ErrOccupied):
		return "start.occupied"
	case errors.Is(err, errHostKey):
		return "start.hostKey"
	case errors.Is(err, errDeviceKey):
		return "start.deviceKey"
	}
	return "start"
}

// showFault says a fault in a window, since whoever opens the app from a menu sees no
// terminal. It returns when the window is closed, at once where there is no display.
func showFault(sentence, where, quit string) {
	if hasDisplay() {
		ui.ShowFault(app.NewWithID(appID), sentence, where, quit)
	}
}

// chosen are the texts in the language that the person chose, if they did.
func chosen(file config.File, text assets.Text) assets.Text {
	if own, err := assets.Texts("program", file.App.Language); err == nil && file.App.Language != "" {
		return own
	}
	return text
}

// place names file, line and key, whichever are known.
func place(text assets.Text, err error) string {
	var bad *config.Error
	switch {
	case !errors.As(err, &bad):
		return err.Error()
	case bad.Line > 0 && bad.Key != "":
		return text("config.lineKey", "file", bad.File, "line", fmt.Sprint(bad.Line), "key", bad.Key)
	case bad.Line > 0:
		return text("config.line", "file", bad.File, "line", fmt.Sprint(bad.Line))
	case bad.Key != "":
		return text("config.key", "file", bad.File, "key", bad.Key)
	}
	return bad.File
}
