// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/pion/sdp/v3"

	"assist/internal/wire"
)

// signalKind is the first byte of a set-up message; the text follows.
type signalKind uint8

const (
	signalOffer     signalKind = iota + 1 // a session description
	signalAnswer                          // a session description
	signalCandidate                       // one ICE candidate attribute
	signalAbort                           // nothing: the sender gave up
	signalEnd
)

const (
	maxCandidate  = 512 // bytes of one candidate
	maxCandidates = 64  // of one end
)

// signal is one message of the set-up. It comes over a path the server can
// write to, so nothing in it is believed: the fingerprint was signed elsewhere.
type signal struct {
	kind signalKind
	text string
}

func (s signal) marshal() ([]byte, error) {
	b := append([]byte{byte(s.kind)}, s.text...)
	if _, err := parseSignal(b); err != nil {
		return nil, err
	}
	return b, nil
}

func parseSignal(b []byte) (signal, error) {
	if len(b) == 0 || len(b) > wire.MaxSignal {
		return signal{}, fmt.Errorf("%w: signal of %d bytes", ErrProtocol, len(b))
	}
	s := signal{signalKind(b[0]), string(b[1:])}
	if s.kind == 0 || s.kind >= signalEnd {
		return signal{}, fmt.Errorf("%w: signal kind %d", ErrProtocol, s.kind)
	}
	if s.kind == signalCandidate && (len(s.text) > maxCandidate || strings.ContainsAny(s.text, "\r\n")) {
		return signal{}, fmt.Errorf("%w: candidate", ErrProtocol)
	}
	if s.kind == signalAbort && s.text != "" {
		return signal{}, fmt.Errorf("%w: abort with a text", ErrProtocol)
	}
	for i := range len(s.text) {
		if c := s.text[i]; c >= 0x7f || (c < 0x20 && c != '\r' && c != '\n') {
			return signal{}, fmt.Errorf("%w: signal is not plain text", ErrProtocol)
		}
	}
	return s, nil
}

// checkDescription makes sure that a session description names the signed
// fingerprint, at least once, and no other.
func checkDescription(text string, want [32]byte) error {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(text); err != nil {
		return fmt.Errorf("%w: session description: %w", ErrProtocol, err)
	}
	found := 0
	check := func(all []sdp.Attribute) error {
		for _, a := range all {
			if !strings.EqualFold(a.Key, "fingerprint") {
				continue
			}
			if !fingerprintIs(a.Value, want) {
				return ErrFingerprint
			}
			found++
		}
		return nil
	}
	if err := check(d.Attributes); err != nil {
		return err
	}
	for _, m := range d.MediaDescriptions {
		if err := check(m.Attributes); err != nil {
			return err
		}
	}
	if found == 0 {
		return ErrFingerprint
	}
	return nil
}

// fingerprintIs compares "sha-256 AB:CD:…" with a hash.
func fingerprintIs(value string, want [32]byte) bool {
	algorithm, digits, ok := strings.Cut(strings.TrimSpace(value), " ")
	if !ok || !strings.EqualFold(algorithm, "sha-256") {
		return false
	}
	got, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
	return err == nil && subtle.ConstantTimeCompare(got, want[:]) == 1
}
