// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"
)

// field is a text of several lines that Tab leaves, as it leaves every other field:
// without a mouse there would be no way on.
type field struct {
	widget.Entry
	escape func() // may be nil
}

func newField(hint string, rows int) *field {
	f := &field{}
	f.MultiLine = true
	f.ExtendBaseWidget(f)
	f.SetPlaceHolder(hint)
	f.SetMinRowsVisible(rows)
	return f
}

// AcceptsTab implements fyne.Tabbable.
func (f *field) AcceptsTab() bool { return false }

// TypedKey implements fyne.Focusable.
func (f *field) TypedKey(e *fyne.KeyEvent) {
	if e.Name == fyne.KeyEscape && f.escape != nil {
		f.escape()
		return
	}
	f.Entry.TypedKey(e)
}
