// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"

	"fyne.io/fyne/v2/app"

	"assist/assets"
	"assist/internal/config"
	"assist/internal/ui"
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

// failConfig is fail for a configuration that cannot be used. Whoever opens the app
// from a menu sees no terminal, so a window says the same.
func failConfig(out io.Writer, text assets.Text, err error) int {
	status := fail(out, text("config"), err)
	quiet()
	if hasDisplay() {
		ui.ShowFault(app.NewWithID(appID), text("config"), place(text, err), text("quit"))
	}
	return status
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
