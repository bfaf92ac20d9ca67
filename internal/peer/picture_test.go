// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"encoding/binary"
	"image"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"assist/internal/screen"
)

func TestPicturesArriveAndMatch(t *testing.T) {
	p := newPair(t, setup{})
	for n := range 5 {
		f := picture(0, image.Pt(640, 480), n)
		p.show(t, f)
		p.awaitPicture(t, f, 30)
	}
	f := picture(0, image.Pt(640, 480), 9)
	p.show(t, f)
	if n := p.refineAll(t, 0); n > 2 {
		t.Errorf("a still picture took %d refinements", n)
	}
	p.awaitPicture(t, f, 35)
	if s := p.host.Stats(); s.FramesSent < 6 || s.PacketsSent < s.FramesSent {
		t.Errorf("host counts %+v", s)
	}
}

func TestOddSizesAndResizing(t *testing.T) {
	p := newPair(t, setup{})
	for n, size := range []image.Point{{641, 479}, {33, 17}, {1, 1}, {799, 601}, {640, 480}} {
		f := picture(3, size, n)
		p.show(t, f)
		p.awaitPicture(t, f, 25)
	}
}

func TestThreeMonitorsAtOnce(t *testing.T) {
	p := newPair(t, setup{})
	var all sync.WaitGroup
	for _, id := range []screen.MonitorID{0, 4, 7} {
		all.Go(func() {
			for n := range 10 {
				f := picture(id, image.Pt(320, 240), n+int(id))
				if err := p.host.Show(within(t, 8*time.Second), f, always); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() { p.awaitPicture(t, picture(id, image.Pt(320, 240), 9+int(id)), 30) })
	}
	all.Wait()
}

func TestWrongMonitorIsRefused(t *testing.T) {
	p := newPair(t, setup{})
	if err := p.host.Show(t.Context(), picture(8, image.Pt(16, 16), 0), always); err == nil {
		t.Error("a ninth monitor was shown")
	}
	if _, err := p.host.Refine(t.Context(), 2, always); err == nil {
		t.Error("a monitor that was never shown was refined")
	}
	if _, err := p.technician.Picture(t.Context(), 8); err == nil {
		t.Error("a ninth monitor was asked for")
	}
}

// A technician who lost the picture while nothing moves gets it without a Show.
func TestKeyFrameOnRequest(t *testing.T) {
	p := newPair(t, setup{})
	f := picture(0, image.Pt(320, 240), 1)
	p.show(t, f)
	p.awaitPicture(t, f, 30)
	p.refineAll(t, 0)
	before := p.host.Stats().FramesSent
	ssrc := uint32(p.host.tracks[0].sender.GetParameters().Encodings[0].SSRC)
	if err := p.technician.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}}); err != nil {
		t.Fatal(err)
	}
	p.awaitPicture(t, f, 30)
	until(t, "a frame is counted", func() bool { return p.host.Stats().FramesSent > before })
	if s := p.host.Stats(); s.KeysRequested != 1 {
		t.Errorf("host counts %+v after a request", s)
	}
}

func TestKeyFrameRequestsAreRateLimited(t *testing.T) {
	p := newPair(t, setup{})
	f := picture(0, image.Pt(320, 240), 1)
	p.show(t, f)
	p.awaitPicture(t, f, 30)
	p.refineAll(t, 0)
	before := p.host.Stats().FramesSent
	ssrc := uint32(p.host.tracks[0].sender.GetParameters().Encodings[0].SSRC)
	began := time.Now()
	for time.Since(began) < time.Second || p.host.Stats().FramesSent == before && time.Since(began) < soon {
		if err := p.technician.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}}); err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Millisecond)
	}
	sent, took := p.host.Stats().FramesSent-before, time.Since(began)
	if most := 3 * (1 + uint64(took/keyEvery) + 1); sent < 1 || sent > most { // each may be followed by two refinements
		t.Errorf("%d frames left for requests during %v, may be %d", sent, took, most)
	}
}

func TestLossIsRepaired(t *testing.T) {
	n := newBadNet(t)
	rnd := rand.New(rand.NewPCG(7, 7))
	n.losing(func([]byte) bool { return rnd.Float64() < 0.02 })
	p := newPair(t, setup{hostNet: n})
	size := image.Pt(640, 480)
	var last *screen.Frame
	for i := range 120 {
		last = picture(0, size, i)
		p.show(t, last)
	}
	p.awaitPicture(t, last, 30)
	s := p.host.Stats()
	if s.PacketsRepeated == 0 {
		t.Error("nothing was repeated")
	}
	got := p.technician.Stats()
	t.Logf("host %+v", s)
	t.Logf("technician %+v", got)
	if got.FramesReceived < 60 { // a busy machine gives up some
		t.Errorf("only %d of 120 frames came through 2 %% loss", got.FramesReceived)
	}
}

// The last packet of a frame is lost and nothing follows.
func TestLostTailIsRepaired(t *testing.T) {
	n := newBadNet(t)
	p := newPair(t, setup{hostNet: n})
	f := picture(0, image.Pt(320, 240), 1)
	p.show(t, f)
	p.awaitPicture(t, f, 30)
	lost := 0
	n.losing(func([]byte) bool { lost++; return lost == 1 })
	r := mark(f, 40, 10)
	f.Damage = []image.Rectangle{r}
	p.show(t, f)
	p.awaitPicture(t, f, 30)
}

// One packet never comes, however often it is repeated.
func TestLossBeyondRepairEndsWithAKeyFrame(t *testing.T) {
	n := newBadNet(t)
	p := newPair(t, setup{hostNet: n})
	f := picture(0, image.Pt(320, 240), 1)
	p.show(t, f)
	p.awaitPicture(t, f, 30)
	doomed := p.host.tracks[0].sequence
	n.losing(func(b []byte) bool { return binary.BigEndian.Uint16(b[2:]) == doomed })
	p.show(t, picture(0, image.Pt(320, 240), 20))
	last := picture(0, image.Pt(320, 240), 50)
	p.show(t, last)
	p.awaitPicture(t, last, 30)
	if p.technician.Stats().KeysRequested == 0 {
		t.Error("no key frame was asked for")
	}
	p.show(t, picture(0, image.Pt(320, 240), 60))
}

// Half a second of silence from the network is made good by repeats.
func TestOutageIsRepaired(t *testing.T) {
	n := newBadNet(t)
	p := newPair(t, setup{hostNet: n})
	f := picture(0, image.Pt(320, 240), 1)
	p.show(t, f)
	p.awaitPicture(t, f, 30)
	n.losing(func([]byte) bool { return true })
	for i := range 10 {
		p.show(t, picture(0, image.Pt(320, 240), 20+i))
		<-time.After(40 * time.Millisecond)
	}
	n.losing(nil)
	last := picture(0, image.Pt(320, 240), 50)
	p.show(t, last)
	p.awaitPicture(t, last, 30)
}

// A screen that stands still must not make the link look bad.
func TestIdlenessKeepsTheRate(t *testing.T) {
	p := newPair(t, setup{})
	f := picture(0, image.Pt(320, 240), 1)
	p.show(t, f)
	p.awaitPicture(t, f, 30)
	p.refineAll(t, 0)
	<-time.After(2 * feedbackLimit) // a busy machine makes a link look bad by itself
	before := p.host.Stats().Bitrate
	<-time.After(2 * feedbackLimit)
	if s := p.host.Stats(); s.Bitrate < before {
		t.Errorf("after two idle seconds the rate is %d, and was %d", s.Bitrate, before)
	}
}

func TestForgottenMonitorStartsAfresh(t *testing.T) {
	p := newPair(t, setup{})
	f := picture(1, image.Pt(320, 240), 1)
	p.show(t, f)
	p.awaitPicture(t, f, 30)
	p.host.Forget(1)
	if _, err := p.host.Refine(t.Context(), 1, always); err == nil {
		t.Error("a forgotten monitor was refined")
	}
	f = picture(1, image.Pt(320, 240), 30)
	f.Damage = f.Damage[:0] // a new encoder reads everything whatever the damage
	f.Damage = append(f.Damage, image.Rect(0, 0, 2, 2))
	p.show(t, f)
	p.awaitPicture(t, f, 30)
}
