// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"reflect"
	"testing"
)

// others is a second message of each kind, of the same shape as its sample and
// different in every field.
func others() []Message {
	key, sig := bytes.Repeat([]byte{0x41}, 91), bytes.Repeat([]byte{0x42}, 71)
	return []Message{
		&Certificate{Version - 1, [16]byte{0xff, 3: 1}, "Éva Durnd", "SUPPORT", "umr 9999", []string{"zrr-9", ""}, key, 1, -1, [32]byte{}},
		&Certificate{VersionPhoto + 1, [16]byte{0xff, 3: 1}, "Éva Durnd", "SUPPORT", "umr 9999", []string{"zrr-9", ""}, key, 1, -1, [32]byte{31: 6}},
		&Request{Version + 1, SessionID{9, 9}, "000000000000", []byte("CERTIFICATE"), [32]byte{31: 4}, 0xfff0, "ecran noir      .", [32]byte{30: 5}, -2},
		&Pledge{SessionID{15: 6}, [32]byte{31: 7}, key, [32]byte{31: 8}},
		&Answer{SessionID{15: 9}, [32]byte{31: 10}, key, [32]byte{31: 11}, VerdictBusy, 0xfffc, -12},
		&Envelope{[]byte("BODY"), []byte("SIGNATURE")},
		&Record{SessionID{15: 12}, [32]byte{31: 13}, 1 << 20, -1, PartyTechnician, DeedGranted, 0xfff0, 0},
		&Challenge{Version + 1, [32]byte{31: 1}, -1, "umr 9999"},
		&HostHello{Version + 1, key, sig},
		&HostReady{"[2001:db8::2]:6", "ASSIST.example:3479"},
		&TechnicianHello{Version + 1, "paul", "MOT DE PASSE", key, sig},
		&TechnicianReady{[]byte("CERTIFICATE"), "192.0.2.2:6", ""},
		&Enrol{Version + 1, "CODE", "MOT DE PASSE", key, sig},
		&EnrolSecret{"paul", "otpauth://hotp/y"},
		&EnrolConfirm{"999999"},
		&Enrolled{[]byte("CERTIFICATE")},
		&Ask{"000000", []byte("REQUEST")},
		&Ring{SessionID{15: 1}, "paul", "192.0.2.2:6", []byte("REQUEST"), []byte("PHOTO")},
		&Pledged{SessionID{15: 2}, []byte("PLEDGE")},
		&Answered{SessionID{15: 3}, []byte("ANSWER")},
		&Signal{SessionID{15: 4}, 1 << 30, []byte("SDP")},
		&Bye{SessionID{15: 5}, EndLocked},
		&Refused{SessionID{15: 6}, RefusedJournal, 1 << 12},
		&Report{SessionID{15: 7}, []byte("PROOF")},
		&Reported{SessionID{15: 8}},
		&CharterNotice{7},
		&CheckpointAsk{1 << 20},
		&Checkpoint{key, []byte("NOTE"), []byte("PROOF"), []byte("RESTART"), []byte("MORE PROOF")},
		&Noted{SessionID{15: 10}, []byte("RECORD")},
		&Recorded{SessionID{15: 11}, 1 << 20},
		&Scene{[]MonitorInfo{{2, "dp-2", 5, 6, 800, 600, false}, {3, "hdmi-è", 7, 8, 640, 480, true}}},
		&Grant{0xfffc, PauseLamp, PauseDialog},
		&Denied{0xfff0},
		&Shape{1 << 20, 3, 2, 0, 1, bytes.Repeat([]byte{0xcd}, 24)},
		&Place{7, 2, 300, -500, false},
		&Pong{1 << 50},
		&SessionBye{EndLocked},
		&Want{0xfff0},
		&Release{0xff00},
		&Watch{[]uint8{1, 2, 6}},
		&Point{3, 11, 21, false},
		&Ping{-1},
		&Move{2, 5, 6},
		&Button{3, 7, 8, 4, false},
		&Scroll{240, -360},
		&Key{0x50, false},
		&Text{"AEIOUaeiouyzwxvutsrqponmlkj"},
		&ReleaseAll{},
	}
}

// Mixing two good messages is what a lying relay can do without a key. Each
// field taken over from the other message changes the message that is read, or
// makes it unreadable; no field is read from where another one stands.
func TestEveryFieldSwappedBetweenTwoMessages(t *testing.T) {
	second := others()
	if len(second) != len(samples()) {
		t.Fatalf("%d messages, %d second ones", len(samples()), len(second))
	}
	for i, m := range samples() {
		swapEach(t, m, second[i])
	}
}

func swapEach(t *testing.T, m, o Message) {
	t.Helper()
	decode := decoderOf(t, m)
	mine, theirs := encode(t, m), encode(t, o)
	my, err := Spans(m)
	if err != nil {
		t.Fatal(err)
	}
	their, err := Spans(o)
	if err != nil || len(my) != len(their) {
		t.Fatalf("%s: %d and %d fields, %v", name(m), len(my), len(their), err)
	}
	for i, s := range my {
		field := theirs[their[i].Start:their[i].End]
		c := bytes.Join([][]byte{mine[:s.Start], field, mine[s.End:]}, nil)
		if bytes.Equal(c, mine) {
			continue // a kind or a length, which the two share
		}
		refusedOrExact(t, name(m)+" with another "+s.Name, decode, c)
		if got, err := decode(c); err == nil && reflect.DeepEqual(got, m) {
			t.Errorf("%s: another %s is not noticed", name(m), s.Name)
		}
	}
}

// The second messages must differ in every field, or the test above is blind.
func TestSecondMessagesDifferEverywhere(t *testing.T) {
	for i, o := range others() {
		m := samples()[i]
		if name(m) != name(o) {
			t.Fatalf("%s stands where %s should", name(o), name(m))
		}
		a, b := reflect.ValueOf(m).Elem(), reflect.ValueOf(o).Elem()
		for f := range a.NumField() {
			x, y := a.Field(f).Interface(), b.Field(f).Interface()
			if reflect.DeepEqual(x, y) && !a.Field(f).IsZero() {
				t.Errorf("%s: both have the same %s", name(m), a.Type().Field(f).Name)
			}
		}
		if _, err := decoderOf(t, o)(encode(t, o)); err != nil {
			t.Errorf("%s: %v", name(o), err)
		}
	}
}

// A field of one session put into a message of another kind: families and kinds
// keep them apart whatever the bytes.
func TestKindByteAlone(t *testing.T) {
	for _, m := range samples() {
		b := encode(t, m)
		for k := range 256 {
			c := bytes.Clone(b)
			c[0] = byte(k)
			for fname, f := range families() {
				got, err := f.decode(c)
				if err != nil {
					continue
				}
				if got.kind() != byte(k) || !takes(f, got) {
					t.Errorf("%s as kind %#x reads as %s in %s", name(m), k, name(got), fname)
				}
			}
		}
	}
}
