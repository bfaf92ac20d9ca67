// SPDX-License-Identifier: Apache-2.0

package evil

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"assist/internal/wire"
)

// nameOf is a message's type, without its package.
func nameOf(m wire.Message) string {
	if m == nil {
		return "?"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", m), "*wire.")
}

// part is one field of a message as it lies in its bytes. What it holds may be a
// message again: a signed body in its envelope, a certificate in a request.
type part struct {
	name       string // such as Request.rights
	start, end int
	inside     []part // of the message that the field holds, counted from its start
}

// takeApart finds the fields of a message and of what it carries. A message that
// cannot be read has none.
func takeApart(m wire.Message) []part {
	raw, err := wire.Marshal(m)
	spans, err2 := wire.Spans(m)
	if err != nil || err2 != nil {
		return nil
	}
	var all []part
	for _, s := range spans {
		p := part{name: nameOf(m) + "." + s.Name, start: s.Start, end: s.End}
		if held := carried(raw[s.Start:s.End]); held != nil {
			p.inside = takeApart(held)
		}
		all = append(all, p)
	}
	return all
}

// carried is the message that a field holds, nil when it holds none.
func carried(b []byte) wire.Message {
	if e, err := wire.UnmarshalEnvelope(b); err == nil {
		return e
	}
	if s, err := wire.UnmarshalSigned(b); err == nil {
		return s
	}
	return nil
}

// place leads to a field: an index into the fields of the message, then into those of
// what that field carries, and so on.
type place []int

// places lists every field of these, the deepest included.
func places(all []part) []place {
	var list []place
	for i, p := range all {
		list = append(list, place{i})
		for _, deeper := range places(p.inside) {
			list = append(list, append(place{i}, deeper...))
		}
	}
	return list
}

// names are the names of the fields on the way, the last one's last.
func (at place) names(all []part) []string {
	if len(at) == 0 || at[0] >= len(all) {
		return nil
	}
	return append([]string{all[at[0]].name}, at[1:].names(all[at[0]].inside)...)
}

// find is the field's bytes in a message, nil when it has none at that place.
func (at place) find(all []part, raw []byte) []byte {
	if len(at) == 0 || at[0] >= len(all) {
		return nil
	}
	p := all[at[0]]
	held := raw[p.start:p.end]
	if len(at) == 1 {
		return held
	}
	return at[1:].find(p.inside, held)
}

// replace puts other bytes in a field's place, and mends the lengths before it: a lie
// is to be read as well as the truth.
func (at place) replace(all []part, raw, with []byte) []byte {
	if len(at) == 0 || at[0] >= len(all) {
		return raw
	}
	i, p := at[0], all[at[0]]
	if len(at) > 1 {
		with = at[1:].replace(p.inside, raw[p.start:p.end], with)
	}
	out := slices.Concat(raw[:p.start], with, raw[p.end:])
	if i > 0 && all[i-1].name == p.name+".length" {
		binary.BigEndian.PutUint16(out[all[i-1].start:], uint16(len(with)))
	}
	return out
}

// spoiling is one way to spoil a field, given what stands there and what stood there in
// the session of two others and in an earlier one of the same two.
type spoiling struct {
	name    string
	nesting int // how deep inside others it is worth the time: a signature covers all of it alike
	make    func(is, others, past []byte) []byte
}

// fits reports whether a field, named last, is to be spoilt in this way. Of kinds and
// lengths one bit is enough: what cannot be read is all the same.
func (s spoiling) fits(names []string) bool {
	return len(names) <= s.nesting && (!isStructure(names[len(names)-1]) || s.name == "last bit")
}

// isStructure tells what says how to read a message from what it says.
func isStructure(field string) bool {
	return strings.HasSuffix(field, ".kind") || strings.HasSuffix(field, ".length")
}

func spoilings() []spoiling {
	return []spoiling{
		{"first bit", 1, func(is, _, _ []byte) []byte { return flipped(is, 0, 0x80) }},
		{"last bit", 9, func(is, _, _ []byte) []byte { return flipped(is, len(is)-1, 1) }},
		{"zeroed", 1, func(is, _, _ []byte) []byte { return make([]byte, len(is)) }},
		{"filled", 1, func(is, _, _ []byte) []byte {
			if len(is) > 0 {
				return is
			}
			return []byte("[2001:db8::66]:3478")
		}},
		{"of others", 9, func(_, others, _ []byte) []byte { return others }},
		{"of the past", 1, func(_, _, past []byte) []byte { return past }},
	}
}

func flipped(b []byte, at int, bit byte) []byte {
	b = bytes.Clone(b)
	if at >= 0 && at < len(b) {
		b[at] ^= bit
	}
	return b
}
