// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package video

import (
	"image"
	"image/color"
	"image/draw"
	"testing"
	"time"

	"assist/internal/screen"
)

// work changes a desk as people's work does and says where.
type work func(d *desk, n int) image.Rectangle

// typing adds one letter.
func typing(d *desk, n int) image.Rectangle {
	x, y := 110+9*(n%100), 200+18*(n/100%40)
	r := image.Rect(x, y-14, x+12, y+6)
	draw.Draw(d, r, image.White, image.Point{}, draw.Src)
	d.text(x, y, string(rune('a'+n%26)), color.Black)
	return r
}

// scrolling moves a page of text up by three lines and writes the new ones.
func scrolling(d *desk, _ int) image.Rectangle {
	r := image.Rect(96, 96, 1296, 960)
	draw.Draw(d, r, d, r.Min.Add(image.Pt(0, 54)), draw.Src)
	fresh := image.Rect(r.Min.X, r.Max.Y-54, r.Max.X, r.Max.Y)
	draw.Draw(d, fresh, image.White, image.Point{}, draw.Src)
	d.page(fresh)
	return r
}

// dragging moves a window over a page.
func dragging(d *desk, n int) image.Rectangle {
	at := func(n int) image.Rectangle {
		return image.Rect(0, 0, 500, 380).Add(image.Pt(200+8*(n%100), 150+3*(n%100)))
	}
	old, now := at(n), at(n+1)
	window := image.NewRGBA(old)
	draw.Draw(window, old, d, old.Min, draw.Src)
	draw.Draw(d, old, image.NewUniform(color.RGBA{40, 90, 140, 255}), image.Point{}, draw.Src)
	draw.Draw(d, now, window, old.Min, draw.Src)
	return old.Union(now)
}

func BenchmarkEncode(b *testing.B) {
	for name, w := range map[string]work{"typing": typing, "scrolling": scrolling, "dragging": dragging} {
		b.Run(name, func(b *testing.B) { benchmarkWork(b, w) })
	}
}

// benchmarkWork measures encoding and decoding of one kind of work at 1080p.
func benchmarkWork(b *testing.B, w work) {
	d := newDesk(b, 1920, 1080)
	d.page(image.Rect(96, 96, 1296, 960))
	e, err := NewEncoder(d.Rect.Size(), Options{Bitrate: 6_000_000})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	dec, err := NewDecoder()
	if err != nil {
		b.Fatal(err)
	}
	defer dec.Close()
	f := d.frame(d.Rect)
	step := func(damage image.Rectangle) Packet {
		f.Damage = []image.Rectangle{damage}
		p, err := e.Encode(f, false)
		if err != nil {
			b.Fatal(err)
		}
		return p
	}
	if _, err := dec.Decode(step(d.Rect).Data); err != nil {
		b.Fatal(err)
	}
	var bytes, decoding int
	b.ResetTimer()
	for n := range b.N {
		b.StopTimer()
		damage := w(d, n)
		d.into(f)
		b.StartTimer()
		p := step(damage)
		b.StopTimer()
		bytes += len(p.Data)
		decoding += timeDecode(b, dec, p.Data)
		b.StartTimer()
	}
	b.ReportMetric(float64(bytes)/float64(b.N), "bytes/frame")
	b.ReportMetric(float64(decoding)/float64(b.N)/1e6, "ms-decode/frame")
}

func timeDecode(b *testing.B, d *Decoder, tu []byte) int {
	var pic screen.Picture
	start := time.Now()
	if err := d.DecodeInto(&pic, tu); err != nil {
		b.Fatal(err)
	}
	return int(time.Since(start))
}
