// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"fmt"
	"image"
	"net/url"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// secretPage shows the secret of an enrolment as a picture and as text, and confirms it
// with one code. It stands in the first run and in the technician's place.
type secretPage struct {
	a     *App
	enrol Enrolment
	leave func() // the enrolment was given up
	done  func() // it is confirmed
	code  string
	busy  bool
	entry *widget.Entry
	ok    *press
	fault *notice
}

func (s *secretPage) first() fyne.Focusable { return s.entry }

// back gives the enrolment up.
func (s *secretPage) back() {
	s.enrol.Cancel()
	s.leave()
}

// build shows the secret in both forms, since not everybody has a camera at hand.
func (s *secretPage) build() fyne.CanvasObject {
	a, secret := s.a, s.enrol.Secret()
	s.fault = a.newNotice()
	s.ok = tag(a, newPress(a.say("secret.confirm"), pressPrimary, s.submit), "confirm")
	s.entry = tag(a, newTOTPEntry(&s.code, s.submit), "totp")
	s.fault.mends(&s.busy, nil, s.entry)
	keep := s.entry.OnChanged
	s.entry.OnChanged = func(t string) { keep(t); s.update() }
	login := styleTitle()
	words := newStack(theme.Size(sizeGap)*0.75,
		newText(a.say("secret.login"), styleMuted()),
		tag(a, newText(plain(secret.Login, maxShownName), login), "login-name"),
		newText(a.say("secret.scan"), styleBody()),
		newText(a.say("secret.byHand"), styleMuted()),
		tag(a, newText(spaced(secretOf(secret.URL)), styleStrong()), "secret"),
	)
	return newPage(
		a.titled(a.say("secret.title"), s.back),
		newCard(
			newRow(theme.Size(sizeGap)*1.5, 1, a.qrPicture(secret.URL), words),
			newField(a.say("secret.code"), digitField(s.entry, 7, space())),
			s.fault.box,
			newActions(nil, s.ok),
		),
	)
}

// qrPicture is a QR on white, whatever the theme, since cameras want it so.
func (a *App) qrPicture(text string) fyne.CanvasObject {
	img, err := qrImage(text)
	if err != nil {
		a.cfg.Log.Warn("draw the QR", "err", err)
		return newText(a.say("secret.noPicture"), styleMuted())
	}
	view := canvas.NewImageFromImage(img)
	view.FillMode, view.ScaleMode = canvas.ImageFillContain, canvas.ImageScalePixels
	view.SetMinSize(fyne.NewSquareSize(216))
	white := canvas.NewRectangle(rgb(0xffffff))
	white.CornerRadius = 6
	return container.NewStack(white, container.New(&inset{wide: 12, high: 12}, view))
}

// qrImage draws a text as a QR of four pixels a module.
func qrImage(text string) (image.Image, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	side := code.Bounds().Dx() * 4
	img, err := barcode.Scale(code, side, side)
	if err != nil {
		return nil, fmt.Errorf("scale: %w", err)
	}
	return img, nil
}

// secretOf is the secret in an otpauth address.
func secretOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return onlyGraphic(u.Query().Get("secret"))
}

// onlyGraphic is a secret without what cannot be typed.
func onlyGraphic(s string) string { return plain(s, 128) }

// spaced writes a secret by fours, to be typed by hand.
func spaced(s string) string { return strings.TrimSpace(group(s)) }

func (s *secretPage) update() {
	s.ok.enable(!s.busy && len(s.code) == 6)
}

// submit confirms. A code that failed is cleared: the next one is another.
func (s *secretPage) submit() {
	if s.busy || len(s.code) != 6 {
		return
	}
	s.busy = true
	s.fault.fail(nil)
	s.update()
	code := s.code
	s.a.background(func(ctx context.Context) error { return s.enrol.Confirm(ctx, code) }, func(err error) {
		s.busy = false
		s.entry.SetText("")
		s.fault.failAt("refusal.identity.confirm", err)
		s.update()
		if err == nil {
			s.done()
		}
	})
}
