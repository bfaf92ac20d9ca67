// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// psnr compares the luma of two pictures of one size, in decibels.
func psnr(a, b *image.RGBA) float64 {
	if a.Rect.Size() != b.Rect.Size() {
		return 0
	}
	var sum float64
	for i := 0; i < len(a.Pix); i += 4 {
		d := luma(a.Pix[i:]) - luma(b.Pix[i:])
		sum += d * d
	}
	mse := sum / float64(len(a.Pix)/4)
	if mse == 0 {
		return math.Inf(1)
	}
	return 10 * math.Log10(255*255/mse)
}

func luma(p []byte) float64 {
	return 0.2126*float64(p[0]) + 0.7152*float64(p[1]) + 0.0722*float64(p[2])
}

// outDir is where pictures of each step are left.
func outDir() string {
	if d := os.Getenv("ASSIST_E2E_OUT"); d != "" {
		return d
	}
	return filepath.Join("..", "out", "e2e")
}

// savePicture writes a picture where people look for it after a run.
func savePicture(t *testing.T, img image.Image, name string) {
	t.Helper()
	if err := os.MkdirAll(outDir(), 0o755); err != nil {
		t.Logf("picture %s: %v", name, err)
		return
	}
	name = strings.NewReplacer("/", "-", " ", "-").Replace(t.Name() + "-" + name)
	f, err := os.Create(filepath.Join(outDir(), name+".png"))
	if err != nil {
		t.Logf("picture %s: %v", name, err)
		return
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Logf("picture %s: %v", name, err)
	}
}

// keepPicture keeps a picture of the app's whole screen.
func (a *app) keepPicture(t *testing.T, what string) {
	t.Helper()
	r, err := a.screen.place(a.screen.root)
	if err != nil {
		t.Logf("picture: %v", err)
		return
	}
	img, err := a.screen.shot(r)
	if err != nil {
		t.Logf("picture: %v", err)
		return
	}
	savePicture(t, img, what+"-"+a.name)
}
