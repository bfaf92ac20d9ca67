// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrMalformed says that bytes are not a message of the family asked for:
// unknown kind, short, too long, out of limits, or with bytes left over.
var ErrMalformed = errors.New("wire: malformed message")

// Span is where one field lies in an encoded message. Tests that mutate every
// field are generated from spans, so a new field cannot be forgotten.
type Span struct {
	Name       string
	Start, End int
}

// walker visits the fields of a message in their one fixed order. The same walk
// writes and reads, so the two cannot disagree; while writing it only reads the
// message, which may be marshalled by several goroutines. The first error sticks.
type walker struct {
	buf     []byte
	at      int // next byte to read
	reading bool
	spans   []Span
	err     error
}

// fail keeps the first error, naming the field.
func (w *walker) fail(name, why string) {
	if w.err == nil {
		w.err = fmt.Errorf("%w: %s %s", ErrMalformed, name, why)
	}
}

// raw writes src, or reads exactly len(src) bytes into it.
func (w *walker) raw(name string, src []byte) {
	if w.err != nil {
		return
	}
	if !w.reading {
		w.spans = append(w.spans, Span{name, len(w.buf), len(w.buf) + len(src)})
		w.buf = append(w.buf, src...)
		return
	}
	if len(w.buf)-w.at < len(src) {
		w.fail(name, "is cut short")
		return
	}
	w.at += copy(src, w.buf[w.at:])
}

func (w *walker) u8(name string, v *uint8) {
	b := [1]byte{*v}
	if w.raw(name, b[:]); w.reading {
		*v = b[0]
	}
}

func (w *walker) u16(name string, v *uint16) {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], *v)
	if w.raw(name, b[:]); w.reading {
		*v = binary.BigEndian.Uint16(b[:])
	}
}

func (w *walker) u32(name string, v *uint32) {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], *v)
	if w.raw(name, b[:]); w.reading {
		*v = binary.BigEndian.Uint32(b[:])
	}
}

func (w *walker) i32(name string, v *int32) {
	u := uint32(*v)
	if w.u32(name, &u); w.reading {
		*v = int32(u)
	}
}

func (w *walker) i16(name string, v *int16) {
	u := uint16(*v)
	if w.u16(name, &u); w.reading {
		*v = int16(u)
	}
}

func (w *walker) u64(name string, v *uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], *v)
	if w.raw(name, b[:]); w.reading {
		*v = binary.BigEndian.Uint64(b[:])
	}
}

func (w *walker) i64(name string, v *int64) {
	u := uint64(*v)
	if w.u64(name, &u); w.reading {
		*v = int64(u)
	}
}

// flag is a byte that must be 0 or 1, so that one value has one encoding.
func (w *walker) flag(name string, v *bool) {
	var b uint8
	if *v {
		b = 1
	}
	w.u8(name, &b)
	if b > 1 {
		w.fail(name, "is neither 0 nor 1")
	}
	if w.reading {
		*v = b == 1
	}
}

// enum is a byte from first up to but not including end.
func enum[E ~uint8](w *walker, name string, v *E, first, end E) {
	b := uint8(*v)
	w.u8(name, &b)
	if E(b) < first || E(b) >= end {
		w.fail(name, "is unknown")
	}
	if w.reading {
		*v = E(b)
	}
}

// bytes is a 16-bit length and that many bytes, at most max.
func (w *walker) bytes(name string, v *[]byte, max int) {
	if w.err != nil {
		return
	}
	if len(*v) > max || len(*v) > 0xffff {
		w.fail(name, fmt.Sprintf("is longer than %d bytes", max))
		return
	}
	n := uint16(len(*v))
	w.u16(name+".length", &n)
	if int(n) > max {
		w.fail(name, fmt.Sprintf("is longer than %d bytes", max))
		return
	}
	if w.reading && w.err == nil {
		*v = make([]byte, n)
	}
	w.raw(name, *v)
}

// text is bytes that must be valid UTF-8 without control characters.
func (w *walker) text(name string, v *string, max int) {
	b := []byte(*v)
	w.bytes(name, &b, max)
	if w.err != nil {
		return
	}
	if !utf8.Valid(b) {
		w.fail(name, "is not UTF-8")
		return
	}
	for _, r := range string(b) {
		if r < 0x20 || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			w.fail(name, "holds a control character")
			return
		}
	}
	if w.reading {
		*v = string(b)
	}
}

// label is text that a person reads before deciding something: it may not hold
// the characters that turn the direction of writing, which can make one name
// look like another.
func (w *walker) label(name string, v *string, max int) {
	w.text(name, v, max)
	if strings.ContainsAny(*v, "\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff") {
		w.fail(name, "turns the direction of writing")
	}
}

// count is the length of a list, at most max.
func (w *walker) count(name string, have, max int) int {
	n := uint8(min(have, 0xff))
	if have > max {
		w.fail(name, fmt.Sprintf("has more than %d entries", max))
		return 0
	}
	w.u8(name, &n)
	if int(n) > max {
		w.fail(name, fmt.Sprintf("has more than %d entries", max))
	}
	if w.err != nil {
		return 0
	}
	return int(n)
}

// list walks a counted list of small records, at most max of them.
func list[T any](w *walker, name string, v *[]T, max int, each func(*T)) {
	n := w.count(name, len(*v), max)
	if w.reading {
		*v = make([]T, n)
	}
	for i := range *v {
		if w.err != nil {
			return
		}
		each(&(*v)[i])
	}
}
