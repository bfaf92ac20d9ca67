// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"image"
	"testing"

	"assist/internal/x11/x11test"
)

func BenchmarkDraw(b *testing.B) {
	a, err := newArtist(100)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		a.banner(testScene(960))
	}
}

// BenchmarkCheck is what each look at the banners costs, 17 times a second.
func BenchmarkCheck(b *testing.B) {
	x11test.Start(b, "1280x720")
	r := lightUp(b)
	st, err := newStage(r.lamp.options, newLit(seen(), look{french(), 100}), func([]image.Rectangle) {})
	r.check(err)
	r.lit.Douse()
	defer st.close()
	for b.Loop() {
		st.check()
	}
}
