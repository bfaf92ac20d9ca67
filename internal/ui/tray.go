// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"

	"assist/internal/wire"
)

// tray is the icon beside the clock, where the system has such a place. Everything in
// it is in the window too.
type tray struct {
	app  desktop.App // nil: no tray
	live bool        // the menu shows Disconnect
	lang string
}

// newTray does nothing on a system without trays.
func (a *App) newTray() {
	d, ok := a.cfg.App.(desktop.App)
	if !ok {
		return
	}
	a.tray.app = d
	a.tray.lang = a.tongue.code
	d.SetSystemTrayIcon(a.icon("assist"))
	d.SetSystemTrayMenu(a.trayMenu())
}

// trayMenu has Disconnect, alone and with a report, while somebody is connected.
func (a *App) trayMenu() *fyne.Menu {
	items := []*fyne.MenuItem{fyne.NewMenuItem(a.say("tray.open"), a.Raise)}
	if a.tray.live {
		items = append(items, fyne.NewMenuItem(a.say("live.cut"), func() { a.cfg.Reins.Cut(wire.EndUserCut) }),
			fyne.NewMenuItem(a.say("live.report"), func() { a.cfg.Reins.Cut(wire.EndReported) }))
	}
	quit := fyne.NewMenuItem(a.say("tray.quit"), a.Close)
	quit.IsQuit = true
	return fyne.NewMenu("Assist", append(items, fyne.NewMenuItemSeparator(), quit)...)
}

// refreshTray brings the menu up to date when somebody came or went.
func (a *App) refreshTray() {
	live := a.cfg.Helped.State().Live != nil
	if a.tray.app == nil || live == a.tray.live && a.tray.lang == a.tongue.code {
		return
	}
	a.tray.live, a.tray.lang = live, a.tongue.code
	a.tray.app.SetSystemTrayMenu(a.trayMenu())
}
