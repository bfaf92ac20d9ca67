// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"os"
	"testing"
	"time"

	"assist/internal/photo"
	"assist/internal/wire"
)

// withPhoto makes a certificate name a photo.
func withPhoto(b []byte) func(*wire.Certificate) {
	return func(c *wire.Certificate) { c.Photo = sum(b) }
}

// What the unit signed is what counts: another byte, another person's photo, or one for a
// certificate that names none is refused. None at all is no lie that could be told from a
// server that has lost it.
func TestPhotoIsTheCertificates(t *testing.T) {
	f := setUp(t)
	face, other := []byte("the photo of Anne"), []byte("the photo of Ivo")
	read := func(change ...func(*wire.Certificate)) *wire.Certificate {
		return must(VerifyCertificate(f.certificate(t, change...), f.unit.Public(), f.now))(t)
	}
	with, without := read(withPhoto(face)), read()
	if with.Version != wire.VersionPhoto || without.Version != wire.Version {
		t.Errorf("versions %d and %d", with.Version, without.Version)
	}
	for name, c := range map[string]struct {
		card  *wire.Certificate
		photo []byte
		want  error
	}{
		"the unit's": {with, face, nil}, "none": {with, nil, nil}, "nobody has one": {without, nil, nil},
		"another's": {with, other, ErrPhoto}, "of a card that names none": {without, face, ErrPhoto},
		"longer": {with, append(bytes.Clone(face), 0), ErrPhoto}, "cut": {with, face[:len(face)-1], ErrPhoto},
	} {
		if err := CheckPhoto(c.card, c.photo); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	flips(face, func(at int, b []byte) {
		if err := CheckPhoto(with, b); !errors.Is(err, ErrPhoto) {
			t.Errorf("byte %d: %v", at, err)
		}
	})
}

// The hash is under the unit's signature like the name.
func TestNobodyElseNamesAPhoto(t *testing.T) {
	f := setUp(t)
	flips(f.certificate(t, withPhoto([]byte("face"))), func(at int, env []byte) {
		if _, err := VerifyCertificate(env, f.unit.Public(), f.now); !errors.Is(err, ErrCertificate) {
			t.Errorf("byte %d: %v", at, err)
		}
	})
	c := f.card()
	c.Version, c.Photo = wire.VersionPhoto, sum([]byte("face"))
	env := forge(t, must(NewUnitKey())(t).pair, tagCertificate, &c)
	if _, err := VerifyCertificate(env, f.unit.Public(), f.now); !errors.Is(err, ErrSignature) {
		t.Errorf("signed by another key: %v", err)
	}
}

// One technician with a photo and one without stand in one charter.
func TestACharterListsPhotos(t *testing.T) {
	f := setUp(t)
	b := f.signed(t, func(c *Charter) { c.Technicians[0].Envelope = f.certificate(t, withPhoto([]byte("face"))) })
	c := must(VerifyCharter(b, f.unit.Public(), f.now, 7))(t)
	card, err := c.Technician(f.device.Public(), f.now)
	if err != nil || card.Photo != sum([]byte("face")) || c.Cards()[1].Photo != [32]byte{} {
		t.Errorf("%+v, %v", card, err)
	}
}

const photoFile = "testdata/photo.json"

// photoVector is a certificate that names a photo, and that photo. It is written anew by
// go test ./internal/trust -run TestPhotoVector -update
type photoVector struct {
	Now                      int64
	Unit, Certificate, Photo hexBytes
}

func TestPhotoVector(t *testing.T) {
	if *update {
		writePhotoVector(t)
	}
	var v photoVector
	must(0, json.Unmarshal(must(os.ReadFile(photoFile))(t), &v))(t)
	card := must(VerifyCertificate(v.Certificate, UnitPublic(v.Unit), time.Unix(v.Now, 0)))(t)
	if card.Version != wire.VersionPhoto || CheckPhoto(card, v.Photo) != nil {
		t.Errorf("%+v", card)
	}
	if _, err := photo.Open(v.Photo); err != nil {
		t.Error(err)
	}
}

func writePhotoVector(t *testing.T) {
	f := setUp(t)
	var b bytes.Buffer
	must(0, png.Encode(&b, image.NewGray(image.Rect(0, 0, 200, 200))))(t)
	made := must(photo.Make(&b))(t)
	v := photoVector{f.now.Unix(), hexBytes(f.unit.Public()), f.certificate(t, withPhoto(made)), made}
	must(0, os.WriteFile(photoFile, append(must(json.MarshalIndent(v, "", "  "))(t), '\n'), 0o644))(t)
}
