// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base32"
	"fmt"
	"net"
	"strconv"
	"strings"
	"unicode"
)

// JoinCode is what a client must know to trust a unit: where its server is,
// which TLS key that server has, and the unit key.
type JoinCode struct {
	Server string   // host:port
	Pin    [32]byte // SHA-256 of the TLS key's SubjectPublicKeyInfo
	Unit   []byte   // SubjectPublicKeyInfo of the unit key
}

const (
	joinPrefix  = "ASSIST1"
	joinTag     = "assist/join-code/1"
	joinSumLen  = 5
	joinGroup   = 5  // characters
	pointLen    = 33 // compressed P-256 point
	maxServer   = 255
	maxJoinText = 1024
)

// joinAlphabet is Crockford's: no I, L, O or U to mistake.
const joinAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

func joinEncoding() *base32.Encoding {
	return base32.NewEncoding(joinAlphabet).WithPadding(base32.NoPadding)
}

// Check tells whether the code can be written: a host:port and a P-256 key.
func (j JoinCode) Check() error {
	if err := checkServer(j.Server); err != nil {
		return err
	}
	if err := CheckKey(j.Unit); err != nil {
		return fmt.Errorf("%w: unit key: %w", ErrJoinCode, err)
	}
	return nil
}

// String writes the code in groups of five characters, or nothing when Check
// fails.
func (j JoinCode) String() string {
	point, err := compress(j.Unit)
	if err != nil || checkServer(j.Server) != nil {
		return ""
	}
	b := append([]byte(nil), j.Pin[:]...)
	b = append(b, point...)
	b = append(b, j.Server...)
	text := joinEncoding().EncodeToString(append(b, joinSum(b)...))
	var out strings.Builder
	out.WriteString(joinPrefix)
	for i, c := range text {
		if i%joinGroup == 0 {
			out.WriteByte('-')
		}
		out.WriteRune(c)
	}
	return out.String()
}

// ParseJoinCode reads a code as people paste or type it: case, white space, hyphens
// and what cannot be seen do not count, O is 0, I and L are 1.
func ParseJoinCode(s string) (JoinCode, error) {
	if len(s) > maxJoinText {
		return JoinCode{}, fmt.Errorf("%w: too long", ErrJoinCode)
	}
	text, ok := strings.CutPrefix(squeeze(s), joinPrefix)
	if !ok {
		return JoinCode{}, fmt.Errorf("%w: it begins with %s", ErrJoinCode, joinPrefix)
	}
	text = strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(text)
	b, err := joinEncoding().DecodeString(text)
	if err != nil || joinEncoding().EncodeToString(b) != text {
		return JoinCode{}, fmt.Errorf("%w: mistyped", ErrJoinCode)
	}
	at := len(b) - joinSumLen
	if at < len(JoinCode{}.Pin)+pointLen || subtle.ConstantTimeCompare(joinSum(b[:at]), b[at:]) != 1 {
		return JoinCode{}, fmt.Errorf("%w: mistyped or incomplete", ErrJoinCode)
	}
	return readJoin(b[:at])
}

// readJoin takes the parts of a code whose checksum is good.
func readJoin(b []byte) (JoinCode, error) {
	var j JoinCode
	n := copy(j.Pin[:], b)
	spki, err := expand(b[n : n+pointLen])
	if err != nil {
		return JoinCode{}, fmt.Errorf("%w: %w", ErrJoinCode, err)
	}
	j.Unit, j.Server = spki, string(b[n+pointLen:])
	if err := checkServer(j.Server); err != nil {
		return JoinCode{}, err
	}
	return j, nil
}

// compress is a key as the shorter of its two point encodings.
func compress(spki []byte) ([]byte, error) {
	k, err := parsePublic(spki)
	if err != nil {
		return nil, err
	}
	b, err := k.Bytes()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	odd := b[len(b)-1] & 1
	return append([]byte{2 + odd}, b[1:pointLen]...), nil
}

// expand undoes compress.
func expand(point []byte) ([]byte, error) {
	x, y := elliptic.UnmarshalCompressed(elliptic.P256(), point)
	if x == nil {
		return nil, ErrKey
	}
	b := make([]byte, 65)
	b[0] = 4
	x.FillBytes(b[1:33])
	y.FillBytes(b[33:])
	k, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return x509.MarshalPKIXPublicKey(k)
}

// squeeze drops white space, hyphens of all kinds and what cannot be seen, and raises
// case: mail programs break lines, make hyphens of their own and put marks between.
func squeeze(s string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Cf) {
			return -1
		}
		return r
	}, s))
}

func joinSum(b []byte) []byte {
	sum := sha256.Sum256(append([]byte(joinTag+"\x00"), b...))
	return sum[:joinSumLen]
}

// checkServer wants a host name or address, and a port number.
func checkServer(s string) error {
	host, port, err := net.SplitHostPort(s)
	n, perr := strconv.ParseUint(port, 10, 16)
	if err != nil || perr != nil || n == 0 || host == "" || len(s) > maxServer {
		return fmt.Errorf("%w: server is not host:port", ErrJoinCode)
	}
	for _, c := range []byte(host) {
		if c <= ' ' || c > '~' || strings.IndexByte("/?#@\\\"'<>", c) >= 0 {
			return fmt.Errorf("%w: server is not host:port", ErrJoinCode)
		}
	}
	return nil
}
