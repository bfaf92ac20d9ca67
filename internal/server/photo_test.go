// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assist/internal/journal"
	"assist/internal/photo"
	"assist/internal/wire"
)

// picture is a PNG of one shade.
func picture(t *testing.T, shade uint8) *bytes.Buffer {
	t.Helper()
	m := image.NewUniform(color.Gray{Y: shade})
	var b bytes.Buffer
	must(t, png.Encode(&b, &cut{m, image.Rect(0, 0, 300, 200)}))
	return &b
}

// cut is an image that ends somewhere.
type cut struct {
	image.Image
	size image.Rectangle
}

func (c *cut) Bounds() image.Rectangle { return c.size }

// pictured is claire, enrolled, with a photo that the charter names.
func (r *rig) pictured() (*person, []byte) {
	r.t.Helper()
	p := r.unsigned(Technician{Login: "claire", Name: "Claire Dubois", Role: "IT support"})
	_, err := r.SetPhoto(r.t.Context(), "claire", picture(r.t, 0x40))
	must(r.t, err)
	r.sign()
	return p, r.photoOf("claire")
}

func (r *rig) photoOf(login string) []byte {
	r.t.Helper()
	b, err := r.store.photo(r.t.Context(), photoByLogin, login)
	must(r.t, err)
	return b
}

// rings asks for a machine and returns what its host is brought.
func (r *rig) rings(p *person, host *client, before func()) *wire.Ring {
	r.t.Helper()
	c, cert := r.technician(p)
	before()
	id, env := r.request(p, cert, r.fix.numbers[0])
	c.send(&wire.Ask{TOTP: r.code(p, 0), Request: env})
	ring := expect[*wire.Ring](host)
	c.send(&wire.Bye{Session: id, Reason: wire.EndCancelled})
	expect[*wire.Bye](host)
	r.advance(totpStep * time.Second)
	return ring
}

// The host is brought the photo that the request's certificate names, or none.
func TestARequestBringsItsPhoto(t *testing.T) {
	r := served(t)
	ctx, host := t.Context(), r.host(0)
	p, b := r.pictured()
	if _, err := photo.Open(b); err != nil || len(b) > wire.MaxPhoto {
		t.Fatalf("%d bytes: %v", len(b), err)
	}
	if ring := r.rings(p, host, func() {}); !bytes.Equal(ring.Photo, b) {
		t.Errorf("a photo of %d bytes comes", len(ring.Photo))
	}
	// The one that was replaced is gone, and the new one is nobody's before it is signed.
	ring := r.rings(p, host, func() {
		_, err := r.SetPhoto(ctx, "claire", picture(t, 0xc0))
		must(t, err)
	})
	if len(ring.Photo) != 0 {
		t.Error("a photo comes that the certificate does not name")
	}
	r.sign()
	if ring := r.rings(p, host, func() {}); !bytes.Equal(ring.Photo, r.photoOf("claire")) || bytes.Equal(ring.Photo, b) {
		t.Error("the new photo does not come")
	}
	// Erased, it comes no more, though the charter still names it.
	if ring := r.rings(p, host, func() { must(t, r.RemovePhoto(ctx, "claire")) }); len(ring.Photo) != 0 {
		t.Error("an erased photo comes")
	}
}

// What a charter says of somebody without a photo is what it said before there were any.
func TestAPhotoIsInTheCertificate(t *testing.T) {
	r := unserved(t)
	ctx := t.Context()
	p, b := r.pictured()
	card := func() *wire.Certificate {
		c, err := r.inForce().charter.Technician(p.device.Public(), r.now())
		must(t, err)
		return c
	}
	if c := card(); c.Version != wire.VersionPhoto || c.Photo != sha256.Sum256(b) {
		t.Errorf("%+v", c)
	}
	said := strings.Join(Describe(r.inForce().charter), "\n")
	if sum := sha256.Sum256(b); !strings.Contains(said, ", photo "+hex.EncodeToString(sum[:8])) {
		t.Errorf("%s", said)
	}
	if waits, err := r.Pending(ctx); waits || err != nil {
		t.Errorf("waits: %v, %v", waits, err)
	}
	must(t, r.RemovePhoto(ctx, "claire"))
	if waits, err := r.Pending(ctx); !waits || err != nil {
		t.Errorf("waits: %v, %v", waits, err)
	}
	r.sign()
	if c := card(); c.Version != wire.Version || c.Photo != [32]byte{} {
		t.Errorf("%+v", c)
	}
}

// The hash travels to the unit key with the draft; a draft without photos has no such line,
// and signers of before read it.
func TestADraftNamesPhotos(t *testing.T) {
	r := unserved(t)
	r.unsigned(Technician{Login: "denis", Name: "Denis", Role: "supplier"})
	path := filepath.Join(t.TempDir(), "without")
	must(t, r.WriteDraft(t.Context(), path, 0))
	text, err := os.ReadFile(path)
	must(t, err)
	if strings.Contains(string(text), "photo") {
		t.Errorf("%s", text)
	}
	_, b := r.pictured()
	path = filepath.Join(t.TempDir(), "with")
	must(t, r.WriteDraft(t.Context(), path, 0))
	d, err := ReadDraft(path)
	must(t, err)
	if sum := sha256.Sum256(b); d.Technicians[0].Photo != hex.EncodeToString(sum[:]) || d.Technicians[1].Photo != "" {
		t.Errorf("%+v", d.Technicians)
	}
	d.Technicians[0].Photo, d.Technicians[0].Certificate = "ab", ""
	if _, err := d.Sign(r.fix.unit, SignOptions{Now: r.now()}); err == nil || !strings.Contains(err.Error(), "photo") {
		t.Errorf("signed: %v", err)
	}
}

// A photo goes with its account, and stands in no entry of the journal.
func TestAPhotoGoesWithItsAccount(t *testing.T) {
	r := unserved(t)
	ctx := t.Context()
	_, b := r.pictured()
	must(t, r.DisableTechnician(ctx, "claire"))
	if r.photoOf("claire") != nil {
		t.Error("a closed account has a photo")
	}
	if _, err := r.SetPhoto(ctx, "claire", picture(t, 1)); !errors.Is(err, ErrUnknown) {
		t.Errorf("a closed account is given one: %v", err)
	}
	if err := r.RemovePhoto(ctx, "claire"); !errors.Is(err, ErrUnknown) {
		t.Errorf("what is not there is erased: %v", err)
	}
	if _, err := r.SetPhoto(ctx, "claire", strings.NewReader("no picture")); !errors.Is(err, photo.ErrPhoto) {
		t.Errorf("text is a photo: %v", err)
	}
	if e := entries[*journal.PhotoChanged](r); len(e) != 1 || e[0].Login != "claire" || e[0].Removed {
		t.Errorf("journal: %+v", e)
	}
	list, err := r.Journal(ctx, JournalFilter{Limit: 1000}, Who{By: "rssi", Reason: "a test"})
	must(t, err)
	sum := sha256.Sum256(b)
	for _, e := range list {
		if bytes.Contains(e.Body, []byte(encode(b)[:40])) || bytes.Contains(e.Body, []byte(hex.EncodeToString(sum[:]))) {
			t.Errorf("a photo in %s", e.Body)
		}
	}
}

// Whoever signs can look at what they sign.
func TestAPhotoIsWrittenToBeLookedAt(t *testing.T) {
	r := unserved(t)
	_, b := r.pictured()
	path := filepath.Join(t.TempDir(), "claire.jpg")
	must(t, r.WritePhoto(t.Context(), "claire", path))
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, b) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := r.WritePhoto(t.Context(), "nobody", path+"2"); !errors.Is(err, ErrUnknown) {
		t.Errorf("%v", err)
	}
}
