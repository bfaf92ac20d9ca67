// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"assist/internal/wire"
)

func TestSignals(t *testing.T) {
	for _, s := range []signal{
		{signalOffer, "v=0\r\n"}, {signalAnswer, "v=0\r\n"}, {signalCandidate, "candidate:1"}, {signalCandidate, ""}, {signalAbort, ""},
	} {
		b, err := s.marshal()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parseSignal(b); err != nil || got != s {
			t.Errorf("%v came back as %v, %v", s, got, err)
		}
	}
	for name, b := range map[string][]byte{
		"empty": nil, "zero": {0}, "unknown": {byte(signalEnd)}, "abort with text": {byte(signalAbort), 'x'},
		"long candidate":  append([]byte{byte(signalCandidate)}, bytes.Repeat([]byte("c"), maxCandidate+1)...),
		"two lines":       append([]byte{byte(signalCandidate)}, "a\r\nb"...),
		"too long":        append([]byte{byte(signalOffer)}, bytes.Repeat([]byte("c"), wire.MaxSignal)...),
		"control":         {byte(signalOffer), 7},
		"not plain ASCII": append([]byte{byte(signalOffer)}, "é"...),
	} {
		if _, err := parseSignal(b); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fingerprintLine is a hash as a session description writes it.
func fingerprintLine(sum [32]byte) string {
	return "a=fingerprint:sha-256 " + strings.ToUpper(strings.ReplaceAll(fmt.Sprintf("% x", sum[:]), " ", ":")) + "\r\n"
}

func TestDescriptionMustNameTheFingerprintAndNoOther(t *testing.T) {
	good, evil := sha256.Sum256([]byte("good")), sha256.Sum256([]byte("evil"))
	head := "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
	media := "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\n"
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"in the session":   {head + fingerprintLine(good) + media, nil},
		"in the media":     {head + media + fingerprintLine(good), nil},
		"in both":          {head + fingerprintLine(good) + media + fingerprintLine(good), nil},
		"none":             {head + media, ErrFingerprint},
		"another":          {head + fingerprintLine(evil) + media, ErrFingerprint},
		"one more":         {head + fingerprintLine(good) + fingerprintLine(evil) + media, ErrFingerprint},
		"other in media":   {head + fingerprintLine(good) + media + fingerprintLine(evil), ErrFingerprint},
		"other in second":  {head + fingerprintLine(good) + media + media + fingerprintLine(evil), ErrFingerprint},
		"weaker hash":      {head + "a=fingerprint:sha-1 AA:BB\r\n" + media, ErrFingerprint},
		"weaker as well":   {head + fingerprintLine(good) + "a=fingerprint:sha-1 AA:BB\r\n" + media, ErrFingerprint},
		"cut short":        {head + fingerprintLine(good)[:60] + "\r\n" + media, ErrFingerprint},
		"odd case of name": {head + strings.Replace(fingerprintLine(evil), "fingerprint", "FingerPrint", 1) + fingerprintLine(good) + media, ErrFingerprint},
		"not a session":    {"hello", ErrProtocol},
	} {
		if err := checkDescription(c.text, good); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, not %v", name, err, c.want)
		}
	}
}

// FuzzSignal: no bytes may crash the parser, and what it accepts has one encoding.
func FuzzSignal(f *testing.F) {
	f.Add([]byte{byte(signalOffer), 'v', '=', '0', '\r', '\n'})
	f.Add([]byte{byte(signalCandidate), 'c'})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSignal(b)
		if err != nil {
			return
		}
		back, err := s.marshal()
		if err != nil || !bytes.Equal(back, b) {
			t.Fatalf("%x came back as %x, %v", b, back, err)
		}
		if err := checkDescription(s.text, [32]byte{1}); err == nil {
			t.Fatal("a description named a fingerprint it cannot know")
		}
	})
}

func TestIdentitiesAreFresh(t *testing.T) {
	a, b := identity(t), identity(t)
	if a.Fingerprint() == b.Fingerprint() || a.Fingerprint() == [32]byte{} {
		t.Error("two identities are the same")
	}
	printed, err := a.certificate.GetFingerprints()
	if err != nil {
		t.Fatal(err)
	}
	if !fingerprintIs(printed[0].Algorithm+" "+printed[0].Value, a.Fingerprint()) {
		t.Error("the fingerprint is not that of the certificate")
	}
}

// reportOf writes a report as the technician's end does: received packets with
// their deltas in microseconds, lost ones as a negative delta.
func reportOf(base uint16, reference uint32, deltas ...int64) *rtcp.TransportLayerCC {
	r := &rtcp.TransportLayerCC{BaseSequenceNumber: base, ReferenceTime: reference, PacketStatusCount: uint16(len(deltas))}
	v := &rtcp.StatusVectorChunk{SymbolSize: rtcp.TypeTCCSymbolSizeTwoBit}
	for _, d := range deltas {
		if d < 0 {
			v.SymbolList = append(v.SymbolList, rtcp.TypeTCCPacketNotReceived)
			continue
		}
		v.SymbolList = append(v.SymbolList, rtcp.TypeTCCPacketReceivedSmallDelta)
		r.RecvDeltas = append(r.RecvDeltas, &rtcp.RecvDelta{Type: rtcp.TypeTCCPacketReceivedSmallDelta, Delta: d})
	}
	r.PacketChunks = append(r.PacketChunks, v)
	return r
}

func TestReportsAreMatchedWithDepartures(t *testing.T) {
	d := &departed{next: 65534} // the numbers wrap
	for n := range 4 {
		p := &rtp.Packet{Header: rtp.Header{Version: 2}, Payload: make([]byte, 100+n)}
		if err := d.stamp(p, 1, epoch.Add(time.Duration(n)*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	acks := d.acks(reportOf(65534, 5, 1000, -1, 2000))
	if len(acks) != 3 || acks[0].arrived.IsZero() || !acks[1].arrived.IsZero() {
		t.Fatalf("acks %+v", acks)
	}
	if got := acks[2].arrived.Sub(acks[0].arrived); got != 2*time.Millisecond {
		t.Errorf("arrivals are %v apart", got)
	}
	if acks[0].size < 100 || acks[2].sent != epoch.Add(2*time.Millisecond) {
		t.Errorf("ack %+v", acks[2])
	}
	if again := d.acks(reportOf(65534, 5, 1000, -1, 2000)); len(again) != 0 {
		t.Errorf("a report counts twice: %+v", again)
	}
	later := d.acks(reportOf(1, 6, 0))
	if len(later) != 1 || later[0].arrived.Sub(acks[0].arrived) != 63*time.Millisecond {
		t.Errorf("the next report's ack is %+v", later)
	}
}

func TestReportClockWraps(t *testing.T) {
	d := &departed{}
	a := d.reference(1<<24 - 1)
	if got := d.reference(1) - a; got != 128*time.Millisecond {
		t.Errorf("over the wrap %v passed", got)
	}
	if got := d.reference(0) - a; got != 64*time.Millisecond {
		t.Errorf("an older report is %v later", got)
	}
}

// FuzzReport: whatever report comes, nothing crashes.
func FuzzReport(f *testing.F) {
	good, err := reportOf(0, 1, 250, -1, 500, 0, 0, 0, 0).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		var r rtcp.TransportLayerCC
		if r.Unmarshal(b) != nil {
			return
		}
		d := &departed{}
		for range 50 {
			if err := d.stamp(&rtp.Packet{Header: rtp.Header{Version: 2}}, 1, epoch); err != nil {
				t.Fatal(err)
			}
		}
		if acks := d.acks(&r); len(acks) > 50 {
			t.Fatalf("%d acks for 50 packets", len(acks))
		}
	})
}
