// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assist/internal/photo"
)

// What is set is what is written to be looked at, and its hash is what was printed.
func TestAPhotoIsSetShownAndErased(t *testing.T) {
	dir, _ := setUp(t)
	plays(t, "technician", "add", "--dir", dir, "--login", "claire", "--name", "Claire Dubois", "--role", "IT")
	from, to := filepath.Join(t.TempDir(), "face.png"), filepath.Join(t.TempDir(), "face.jpg")
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 640, 480))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(from, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	said := plays(t, "technician", "photo", "--dir", dir, "--login", "claire", "--from", from)
	plays(t, "technician", "photo", "--dir", dir, "--login", "claire", "--out", to)
	written, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := photo.Open(written); err != nil {
		t.Error(err)
	}
	if sum := sha256.Sum256(written); !strings.Contains(said, hex.EncodeToString(sum[:])) {
		t.Errorf("said %q", said)
	}
	if _, _, err := play(t, "technician", "photo", "--dir", dir, "--login", "claire", "--out", to); err == nil {
		t.Error("a file was overwritten")
	}
	plays(t, "technician", "photo", "--dir", dir, "--login", "claire", "--remove")
	for _, wrong := range [][]string{{"--out", to + "2"}, {"--remove"}, {"--from", dir}, {"--from", to + "3"}} {
		if _, _, err := play(t, append([]string{"technician", "photo", "--dir", dir, "--login", "claire"}, wrong...)...); err == nil {
			t.Errorf("%v works", wrong)
		}
	}
}
