// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"assist/internal/screen"
)

func long(n int) string         { return strings.Repeat("x", n) }
func bytesOf(n int) []byte      { return make([]byte, n) }
func watch(n int) *Watch        { return &Watch{Monitors: make([]uint8, n)} }
func zones(n int) *Certificate  { return &Certificate{Zones: make([]string, n)} }
func side(n uint16) MonitorInfo { return MonitorInfo{Width: n, Height: 1} }

func at(x, y int32) MonitorInfo { return MonitorInfo{X: x, Y: y, Width: 1, Height: 1} }

// scene is n monitors of a size.
func scene(n int, width, height uint16) *Scene {
	s := &Scene{}
	for id := range n {
		s.Monitors = append(s.Monitors, MonitorInfo{ID: uint8(id), Width: width, Height: height})
	}
	return s
}

// pair is the largest value that is taken, and the smallest that is not.
type pair struct{ good, bad Message }

func limits() map[string]pair {
	return map[string]pair{
		"name":        {&Certificate{Name: long(MaxName)}, &Certificate{Name: long(MaxName + 1)}},
		"zones":       {zones(MaxZones), zones(MaxZones + 1)},
		"many zones":  {zones(0), zones(300)},
		"device key":  {&Certificate{DeviceKey: bytesOf(MaxKey)}, &Certificate{DeviceKey: bytesOf(MaxKey + 1)}},
		"machine":     {&Request{Machine: long(MachineDigits)}, &Request{Machine: long(MachineDigits + 1)}},
		"certificate": {&Request{Certificate: bytesOf(MaxCertificate)}, &Request{Certificate: bytesOf(MaxCertificate + 1)}},
		"reason":      {&Request{Reason: long(MaxReason)}, &Request{Reason: long(MaxReason + 1)}},
		"verdict":     {&Answer{Verdict: verdictEnd - 1}, &Answer{Verdict: verdictEnd}},
		"no verdict":  {&Answer{Verdict: 1}, &Answer{}},
		"envelope":    {&Envelope{Body: bytesOf(MaxEnvelope)}, &Envelope{Body: bytesOf(MaxEnvelope + 1)}},
		"signature":   {&Envelope{Signature: bytesOf(MaxSignature)}, &Envelope{Signature: bytesOf(MaxSignature + 1)}},
		"login":       {&TechnicianHello{Login: long(MaxLogin)}, &TechnicianHello{Login: long(MaxLogin + 1)}},
		"password":    {&Enrol{Password: long(MaxPassword)}, &Enrol{Password: long(MaxPassword + 1)}},
		"url":         {&EnrolSecret{URL: long(MaxURL)}, &EnrolSecret{URL: long(MaxURL + 1)}},
		"totp":        {&Ask{TOTP: "12345678"}, &Ask{TOTP: "123456789"}},
		"address":     {&Ring{Address: long(MaxAddress)}, &Ring{Address: long(MaxAddress + 1)}},
		"photo":       {&Ring{Photo: bytesOf(MaxPhoto)}, &Ring{Photo: bytesOf(MaxPhoto + 1)}},
		"request":     {&Ask{Request: bytesOf(MaxEnvelope)}, &Ask{Request: bytesOf(MaxEnvelope + 1)}},
		"signal":      {&Signal{Body: bytesOf(MaxSignal)}, &Signal{Body: bytesOf(MaxSignal + 1)}},
		"huge signal": {&Signal{}, &Signal{Body: bytesOf(1 << 17)}},
		"end reason":  {&Bye{Reason: endReasonEnd - 1}, &Bye{Reason: endReasonEnd}},
		"no reason":   {&SessionBye{Reason: 1}, &SessionBye{}},
		"refusal":     {&Refused{Why: refusalEnd - 1}, &Refused{Why: refusalEnd}},
		"note":        {&Checkpoint{Note: bytesOf(MaxNote)}, &Checkpoint{Note: bytesOf(MaxNote + 1)}},
		"proof":       {&Checkpoint{Proof: bytesOf(MaxProof)}, &Checkpoint{Proof: bytesOf(MaxProof + 1)}},
		"restart":     {&Checkpoint{Restart: bytesOf(MaxNote)}, &Checkpoint{Restart: bytesOf(MaxNote + 1)}},
		"more proof":  {&Checkpoint{RestartProof: bytesOf(MaxProof)}, &Checkpoint{RestartProof: bytesOf(MaxProof + 1)}},
		"record":      {&Noted{Record: bytesOf(MaxEnvelope)}, &Noted{Record: bytesOf(MaxEnvelope + 1)}},
		"deed":        {&Record{By: PartyHost, Deed: deedEnd - 1}, &Record{By: PartyHost, Deed: deedEnd}},
		"no deed":     {&Record{By: PartyHost, Deed: 1}, &Record{By: PartyHost}},
		"party":       {&Record{By: partyEnd - 1, Deed: 1}, &Record{By: partyEnd, Deed: 1}},
		"end of it":   {&Record{By: 1, Deed: 1, Reason: endReasonEnd - 1}, &Record{By: 1, Deed: 1, Reason: endReasonEnd}},
		"no refusal":  {&Refused{Why: 1}, &Refused{}},
		"pause":       {&Grant{Pictures: pauseCauseEnd - 1}, &Grant{Input: pauseCauseEnd}},
		"monitors":    {watch(screen.MaxMonitors), watch(screen.MaxMonitors + 1)},
		"watched":     {&Watch{[]uint8{screen.MaxMonitors - 1}}, &Watch{[]uint8{screen.MaxMonitors}}},
		"side":        {&Scene{[]MonitorInfo{side(screen.MaxSide)}}, &Scene{[]MonitorInfo{side(screen.MaxSide + 1)}}},
		"no side":     {&Scene{[]MonitorInfo{side(1)}}, &Scene{[]MonitorInfo{side(0)}}},
		"monitor": {&Scene{[]MonitorInfo{{ID: screen.MaxMonitors - 1, Width: 1, Height: 1}}},
			&Scene{[]MonitorInfo{{ID: screen.MaxMonitors, Width: 1, Height: 1}}}},
		"shape": {&Shape{Width: screen.MaxCursorSide, Height: 1, Pix: bytesOf(4 * screen.MaxCursorSide)},
			&Shape{Width: screen.MaxCursorSide + 1, Height: 1, Pix: bytesOf(4 * (screen.MaxCursorSide + 1))}},
		"largest shape": {&Shape{Width: screen.MaxCursorSide, Height: screen.MaxCursorSide, Pix: bytesOf(4 * screen.MaxCursorSide * screen.MaxCursorSide)},
			&Shape{Width: 2, Height: 2, Pix: bytesOf(15)}},
		"monitors twice": {&Scene{[]MonitorInfo{side(1), {ID: 1, Width: 1, Height: 1}}}, &Scene{[]MonitorInfo{side(1), side(1)}}},
		"far monitor":    {&Scene{[]MonitorInfo{at(screen.MaxPlace, -screen.MaxPlace)}}, &Scene{[]MonitorInfo{at(screen.MaxPlace+1, 0)}}},
		"farther":        {&Scene{[]MonitorInfo{at(0, 0)}}, &Scene{[]MonitorInfo{at(0, math.MinInt32)}}},
		"pixels":         {scene(screen.MaxMonitors, 3840, 2160), scene(screen.MaxMonitors, 3840, 2161)},
		"giants":         {scene(1, screen.MaxSide, 8100), scene(1, screen.MaxSide, screen.MaxSide)},
		"hot":            {&Shape{Width: 2, Height: 1, HotX: 1, Pix: bytesOf(8)}, &Shape{Width: 2, Height: 1, HotX: 2, Pix: bytesOf(8)}},
		"hot of nothing": {&Shape{}, &Shape{HotY: 1}},
		"where":          {&Place{Monitor: screen.MaxMonitors - 1}, &Place{Monitor: screen.MaxMonitors}},
		"move":           {&Move{7, screen.MaxSide - 1, 0}, &Move{7, screen.MaxSide, 0}},
		"move down":      {&Move{0, 0, screen.MaxSide - 1}, &Move{0, 0, screen.MaxSide}},
		"move where":     {&Move{}, &Move{Monitor: screen.MaxMonitors}},
		"button":         {&Button{Button: 5}, &Button{Button: 6}},
		"no button":      {&Button{Button: 1}, &Button{}},
		"scroll":         {&Scroll{1200, -1200}, &Scroll{1201, 0}},
		"scroll up":      {&Scroll{}, &Scroll{0, math.MinInt16}},
		"first key":      {&Key{Usage: 4}, &Key{Usage: 3}},
		"last key":       {&Key{Usage: 0xe7}, &Key{Usage: 0xe8}},
		"typed":          {&Text{long(MaxText)}, &Text{long(MaxText + 1)}},
	}
}

func TestLimits(t *testing.T) {
	for what, l := range limits() {
		if _, err := decoderOf(t, l.good)(encode(t, l.good)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if b, err := Marshal(l.bad); !errors.Is(err, ErrMalformed) || b != nil {
			t.Errorf("%s: written beyond the limit: %v", what, err)
		}
	}
}

func TestTextIsPlain(t *testing.T) {
	for _, bad := range []string{"a\nb", "a\x00", "\x7f", "a\u0085b", "\xff", "caf\xe9", "\xed\xa0\x80"} {
		if _, err := Marshal(&Text{bad}); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// turning are the characters that a label may not hold, as docs/protocol.md has them. It
// repeats the code on purpose.
func turning() []rune {
	set := []rune{0x061c, 0x200e, 0x200f, 0xfeff}
	for r := rune(0x2028); r <= 0x202e; r++ {
		set = append(set, r)
	}
	for r := rune(0x2066); r <= 0x2069; r++ {
		set = append(set, r)
	}
	return set
}

// What a person reads before deciding may not be shown turned round; what a
// technician types may hold any script's marks.
func TestLabelsDoNotTurnTheWriting(t *testing.T) {
	for _, mark := range turning() {
		s := "Anne" + string(mark) + "titeP"
		for _, m := range []Message{&Certificate{Name: s}, &Certificate{Role: s}, &Certificate{Unit: s}, &Certificate{Zones: []string{s}},
			&Request{Reason: s}, &Challenge{Unit: s}, &Ring{Login: s}, &Scene{[]MonitorInfo{{Name: s, Width: 1, Height: 1}}}} {
			if _, err := Marshal(m); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s with %U: %v", name(m), mark, err)
			}
		}
		if _, err := Marshal(&Text{s}); err != nil {
			t.Errorf("typed %U: %v", mark, err)
		}
	}
}

// Every other character of a name is some name's: neither end takes one more or one less.
func TestLabelsHoldEveryOtherCharacter(t *testing.T) {
	bad := turning()
	head := encode(t, &Challenge{Unit: ""}) // which ends with the count of the label's bytes
	head = head[:len(head)-1]
	for r := rune(0x20); r <= 0x1ffff; r++ {
		if !utf8.ValidRune(r) || (r >= 0x7f && r < 0xa0) {
			continue
		}
		_, reads := UnmarshalFromServer(append(append(head, byte(utf8.RuneLen(r))), string(r)...))
		_, writes := Marshal(&Challenge{Unit: string(r)})
		if want := !slices.Contains(bad, r); (reads == nil) != want || (writes == nil) != want {
			t.Errorf("%U: read %v, written %v", r, reads, writes)
		}
	}
}

func TestErrorsNameTheField(t *testing.T) {
	_, err := Marshal(&Request{Reason: long(MaxReason + 1)})
	if err == nil || !strings.Contains(err.Error(), "reason is longer than 200 bytes") {
		t.Errorf("got %v", err)
	}
}
