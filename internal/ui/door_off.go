// SPDX-License-Identifier: Apache-2.0

//go:build !testdoor

package ui

import "fyne.io/fyne/v2"

// door is nothing in the product: tests that need to know where a widget is are built
// with a tag.
//
//lint:ignore U1000 the field of App that has it is used under that tag alone
type door struct{}

// openDoor does nothing.
func (a *App) openDoor() {}

// tag names a widget for tests; here it only returns it.
func tag[T fyne.CanvasObject](_ *App, o T, _ string) T { return o }
