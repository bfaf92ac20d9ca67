// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// A signed text is a note (golang.org/x/mod/sumdb/note): the text, an empty
// line, one signature line. The name on that line is the domain tag.

// noteKind begins what a key hash is made of. Notes set 0xff aside for kinds of
// signature that have no number, named by the bytes after it.
const noteKind = 0xff

// textKey signs and checks texts of one type with one unit key. It is both
// note.Signer and note.Verifier, each half used where it has what it needs.
type textKey struct {
	tag  string
	pair keyPair // without its private half when it only checks
}

func (k textKey) Name() string { return k.tag }

func (k textKey) KeyHash() uint32 {
	h := sha256.New()
	h.Write([]byte(k.tag + "\n"))
	h.Write([]byte{noteKind})
	h.Write([]byte(k.tag))
	h.Write(k.pair.public)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

func (k textKey) Sign(text []byte) ([]byte, error) { return k.pair.sign(k.tag, text) }

func (k textKey) Verify(text, sig []byte) bool {
	return verify(k.pair.public, k.tag, text, sig) == nil
}

// signText returns a text with the unit's signature under it.
func (k *UnitKey) signText(tag, text string) ([]byte, error) { return signWith(k.pair, tag, text) }

// signWith returns a text with a key's signature under it.
func signWith(pair keyPair, tag, text string) ([]byte, error) {
	b, err := note.Sign(&note.Note{Text: text}, textKey{tag, pair})
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return b, nil
}

// openText returns the text of b, if this unit key signed it as the type of tag.
// Notes may bear other signatures, repeated ones, and base64 with loose last
// bits: here there is one signature and one encoding, and no other byte.
func openText(b []byte, unit UnitPublic, tag string) (string, error) {
	if err := CheckKey(unit); err != nil {
		return "", err
	}
	n, err := note.Open(b, note.VerifierList(textKey{tag, keyPair{public: unit}}))
	var unsigned *note.UnverifiedNoteError
	var wrong *note.InvalidSignatureError
	switch {
	case errors.As(err, &unsigned), errors.As(err, &wrong):
		return "", ErrSignature
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrMalformed, err)
	case string(b) != n.Text+"\n"+signatureLine(n.Sigs[0]):
		return "", fmt.Errorf("%w: not one plain signature", ErrMalformed)
	}
	return n.Text, nil
}

// signatureLine is the one way to write a signature.
func signatureLine(s note.Signature) string {
	raw, err := base64.StdEncoding.DecodeString(s.Base64)
	if err != nil {
		return ""
	}
	return "— " + s.Name + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
}
