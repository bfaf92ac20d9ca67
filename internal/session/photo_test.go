// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"image"
	"image/png"
	"testing"
	"time"

	"assist/internal/photo"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/wire"
)

// face is a photo, one for each shade.
func face(t *testing.T, shade uint8) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, photo.Side, photo.Side))
	for i := range m.Pix {
		m.Pix[i] = shade
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	made, err := photo.Make(&b)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// withPhoto is the technician's certificate that names a photo, or none.
func (w *world) withPhoto(b []byte) []byte {
	w.t.Helper()
	c := wire.Certificate{
		Name: "Prénom Nom", Role: "Assistance", Unit: "INCI", DeviceKey: w.who.device.Public(),
		NotBefore: time.Now().Add(-time.Hour).Unix(), NotAfter: time.Now().Add(24 * time.Hour).Unix(),
	}
	if b != nil {
		c.Photo = sha256.Sum256(b)
	}
	env, err := w.who.unit.IssueCertificate(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return env
}

// The dialog shows the photo that the unit signed for the card, or none; whoever brings
// another one gets nobody asked.
func TestPhotoIsTheUnits(t *testing.T) {
	mine, others, unreadable := face(t, 0x40), face(t, 0xc0), []byte("\xff\xd8\xff signed by mistake")
	for name, c := range map[string]struct {
		request, charter, brought []byte // what the request's certificate names, what the card names, what comes
		want                      error
		shown                     bool
	}{
		"the unit's":                  {mine, mine, mine, nil, true},
		"nobody has one":              {nil, nil, nil, nil, false},
		"it is left out":              {mine, mine, nil, nil, false},
		"another person's":            {mine, mine, others, trust.ErrPhoto, false},
		"for somebody without":        {nil, nil, others, trust.ErrPhoto, false},
		"the card's, not the request": {others, mine, mine, trust.ErrPhoto, false},
		"of a card that was replaced": {mine, others, mine, nil, false},
		"it was taken away meanwhile": {mine, nil, mine, nil, false},
		"signed, but no photo":        {unreadable, unreadable, unreadable, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, w *world) {
				w.server.photo = c.brought
				w.unit.learn(w.charter(func(to *trust.Charter) { to.Technicians[0].Envelope = w.withPhoto(c.charter) }), nil)
				config := w.technicianConfig()
				config.Certificate = w.withPhoto(c.request)
				tech, err := session.NewTechnician(config, w.wish(viewPoint))
				if err != nil {
					t.Fatal(err)
				}
				tech.Start(t.Context())
				until(t, tech.Changed(), func() bool { return tech.State().Phase >= session.TechnicianLive })
				if c.want != nil {
					<-tech.Done()
					if s, h := tech.State(), w.host.State(); len(w.asked()) != 0 || s.Verdict != wire.VerdictInvalid || h.RefusedToday != 1 || !errors.Is(h.RefusedWhy, c.want) {
						t.Errorf("%d asked, verdict %v, %d refused for %v", len(w.asked()), s.Verdict, h.RefusedToday, h.RefusedWhy)
					}
					return
				}
				if q := w.asked(); len(q) != 1 || (q[0].Photo != nil) != c.shown {
					t.Errorf("asked %+v", q)
				}
				tech.End()
				w.over(tech)
			})
		})
	}
}

// A photo is for the moment of deciding: no record keeps it.
func TestPhotoIsInNoRecord(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		mine := face(t, 0x40)
		w.server.photo = mine
		w.unit.learn(w.charter(func(to *trust.Charter) { to.Technicians[0].Envelope = w.withPhoto(mine) }), nil)
		config := w.technicianConfig()
		config.Certificate = w.withPhoto(mine)
		tech, err := session.NewTechnician(config, w.wish(viewPoint))
		if err != nil {
			t.Fatal(err)
		}
		tech.Start(t.Context())
		until(t, tech.Changed(), func() bool { return tech.State().Phase >= session.TechnicianLive })
		tech.End()
		w.over(tech)
		p := w.record().Proof
		for name, b := range map[string][]byte{"certificate": p.Certificate, "request": p.Request, "pledge": p.Pledge, "answer": p.Answer} {
			if len(b) == 0 || bytes.Contains(b, mine[:64]) || len(b) > 1024 {
				t.Errorf("%s of %d bytes", name, len(b))
			}
		}
	})
}
