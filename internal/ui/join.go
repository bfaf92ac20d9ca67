// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"errors"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/storage"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// joinPage joins a unit by its code or by a file from the administrator.
type joinPage struct {
	a      *App
	at     place
	before page
	code   string
	busy   bool
	entry  *widget.Entry
	join   *press
	open   *press
	fault  *notice
}

func newJoinPage(a *App, at place, before page) *joinPage {
	return &joinPage{a: a, at: at, before: before}
}

func (j *joinPage) first() fyne.Focusable { return j.entry }
func (j *joinPage) back()                 { j.a.turn(j.at, j.before) }

func (j *joinPage) build() fyne.CanvasObject {
	a := j.a
	j.fault = a.newNotice()
	j.join = tag(a, newPress(a.say("join.join"), pressPrimary, j.submit), "join")
	j.open = tag(a, newPress(a.say("join.open"), pressPlain, j.chooseFile), "open-file")
	j.entry = tag(a, newEntry(&j.code, j.submit), "code")
	j.entry.SetPlaceHolder("ASSIST1-…")
	j.fault.mends(&j.busy, nil, j.entry)
	keep := j.entry.OnChanged
	j.entry.OnChanged = func(s string) { keep(s); j.update() }
	return newPage(
		a.titled(a.say(j.title()), j.back),
		newCard(
			newField(a.say("join.code"), j.entry, newText(a.say("join.hint"), styleMuted())),
			j.fault.box,
			newActions(nil, j.join),
		),
		newCard(newText(a.say("join.file"), styleStrong()), newText(a.say("join.fileHint"), styleMuted()), newRow(0, -1, j.open)),
	)
}

// title is another once there is a server to change.
func (j *joinPage) title() string {
	if j.at == placeSettings {
		return "settings.change"
	}
	return "first.code"
}

// update keeps the button for a code that is not empty.
func (j *joinPage) update() {
	j.join.enable(!j.busy && strings.TrimSpace(j.code) != "")
	j.open.enable(!j.busy)
	label := "join.join"
	if j.busy {
		label = "busy"
	}
	j.join.setLabel(j.a.say(label))
}

// submit joins by the code.
func (j *joinPage) submit() {
	code := strings.TrimSpace(j.code)
	if code == "" || j.busy {
		return
	}
	j.run(func(ctx context.Context) error { return j.a.cfg.Joiner.Join(ctx, code) })
}

// openFile joins by a file, chosen or dropped.
func (j *joinPage) openFile(path string) {
	if !j.busy {
		j.run(func(ctx context.Context) error { return j.a.cfg.Joiner.JoinFile(ctx, path) })
	}
}

// run makes one call at a time, and ends the first run when it went well.
func (j *joinPage) run(call func(context.Context) error) {
	j.busy = true
	j.fault.fail(nil)
	j.update()
	j.a.background(call, func(err error) {
		var unruled *Unruled
		if errors.As(err, &unruled) {
			err = nil
		}
		j.busy = false
		j.fault.fail(err)
		j.update()
		if err == nil {
			j.a.pages[placeSettings] = newSettingsPage(j.a)
			j.a.pages[placeHelper] = newHelperPage(j.a) // the account was with the server before
			j.a.pages[placeHelped] = &homePage{a: j.a, unruled: unruled}
			j.a.joined(placeHelped)
		}
	})
}

// chooseFile lets the person pick a .toml file.
func (j *joinPage) chooseFile() {
	d := dialog.NewFileOpen(func(f fyne.URIReadCloser, err error) {
		if err != nil || f == nil {
			return
		}
		path := f.URI().Path()
		if err := f.Close(); err != nil {
			j.a.cfg.Log.Warn("close the chosen file", "err", err)
		}
		j.openFile(path)
	}, j.a.win)
	d.SetFilter(storage.NewExtensionFileFilter([]string{".toml"}))
	d.SetTitleText(j.a.say("join.open"))
	d.SetConfirmText(j.a.say("open"))
	d.SetDismissText(j.a.say("cancel"))
	j.a.showFiles(d)
}

// showFiles opens a dialog of files and makes it large. Only in this order: the toolkit
// asks an unopened one for its least size, and dies of that. And only once the press is
// over: its space would land in the name of the file.
func (a *App) showFiles(d *dialog.FileDialog) {
	a.spawn(func() {
		fyne.Do(func() {
			if a.session != nil { // control began meanwhile
				return
			}
			d.Show()
			d.Resize(fyne.NewSize(760, 520).Max(fyne.NewSquareSize(20 * theme.Size(theme.SizeNameText))))
		})
	})
}
