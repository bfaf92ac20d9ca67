// SPDX-License-Identifier: Apache-2.0

//go:build cgo && !ci

package view

import (
	"log/slog"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver"
	"github.com/go-gl/gl/v2.1/gl"
)

// newDirect returns the short way to the screen of a shown window, nil when there is
// none. Where a graphics processor paints, the toolkit's own way is as good, and the
// two would not mix; the processor alone takes some 50 ms for a large window.
func newDirect(w fyne.Window, log *slog.Logger) presenter {
	ctx, ok := w.(interface{ RunWithContext(func()) })
	native, ok2 := w.(driver.NativeWindow)
	if !ok || !ok2 {
		return nil
	}
	soft := false
	ctx.RunWithContext(func() { soft = software(gl.GoStr(gl.GetString(gl.RENDERER))) })
	var win uintptr
	native.RunNative(func(c any) {
		if x, ok := c.(driver.X11WindowContext); ok {
			win = x.WindowHandle
		}
	})
	if !soft || win == 0 {
		return nil
	}
	s, err := openSurface("", uint32(win))
	if err != nil {
		log.Info("pictures go the toolkit's way", "error", err)
		return nil
	}
	return s
}

// software reports whether a renderer of that name is this machine's processor.
func software(renderer string) bool {
	for _, name := range []string{"llvmpipe", "softpipe", "swrast", "SWR"} {
		if strings.Contains(renderer, name) {
			return true
		}
	}
	return false
}
