// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"image"
	"slices"
	"testing"
	"time"
)

// BenchmarkLatency is the time from Show to Picture on loopback, at 1080p, when a
// letter's worth of the screen changes.
func BenchmarkLatency(b *testing.B) {
	p := newPair(b, setup{})
	f := picture(0, image.Pt(1920, 1080), 1)
	p.show(b, f)
	p.awaitPicture(b, f, 25)
	p.refineAll(b, 0)
	<-time.After(200 * time.Millisecond)
	for { // what the refinements left unread
		select {
		case <-p.technician.boxes[0].fresh:
			continue
		default:
		}
		break
	}
	took := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for n := range b.N {
		f.Damage = []image.Rectangle{mark(f, n, byte(n*37))}
		start := time.Now()
		if err := p.host.Show(b.Context(), f, always); err != nil {
			b.Fatal(err)
		}
		if _, err := p.technician.Picture(b.Context(), 0); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1e6, "ms-p50")
	b.ReportMetric(float64(took[len(took)*9/10])/1e6, "ms-p90")
	b.ReportMetric(float64(took[len(took)*99/100])/1e6, "ms-p99")
}
