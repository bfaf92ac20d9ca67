// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// samples is one valid message of each kind, every field set. A kind without a
// sample fails TestEveryKindHasASample, so a new message cannot go untested.
func samples() []Message {
	return append(append(signedSamples(), signallingSamples()...), sessionSamples()...)
}

func signedSamples() []Message {
	key := bytes.Repeat([]byte{0x30}, 91)
	return []Message{
		&Certificate{Version, [16]byte{1, 2}, "Zoé Ünal", "support", "UMR 0000", []string{"ZRR-1", ""}, key, -5, 1 << 40, [32]byte{}},
		&Certificate{VersionPhoto, [16]byte{1, 2}, "Zoé Ünal", "support", "UMR 0000", []string{"ZRR-1", ""}, key, -5, 1 << 40, [32]byte{6}},
		&Request{Version, SessionID{3}, "482917305566", []byte("certificate"), [32]byte{4}, 7, "imprimante muette", [32]byte{5}, 1},
		&Pledge{SessionID{6}, [32]byte{7}, key, [32]byte{8}},
		&Answer{SessionID{9}, [32]byte{10}, key, [32]byte{11}, VerdictGranted, 3, 12},
		&Envelope{[]byte("body"), []byte("signature")},
		&Record{SessionID{12}, [32]byte{13}, 14, 1 << 33, PartyHost, DeedEnded, 5, EndLocked},
	}
}

func signallingSamples() []Message {
	key, sig := bytes.Repeat([]byte{0x30}, 91), bytes.Repeat([]byte{0x31}, 71)
	return []Message{
		&Challenge{Version, [32]byte{1}, 1_800_000_000, "UMR 0000"},
		&HostHello{Version, key, sig},
		&HostReady{"[2001:db8::1]:5", "assist.example:3478"},
		&TechnicianHello{Version, "anne", "mot de passe", key, sig},
		&TechnicianReady{[]byte("certificate"), "192.0.2.1:5", ""},
		&Enrol{Version, "code", "mot de passe", key, sig},
		&EnrolSecret{"anne", "otpauth://totp/x"},
		&EnrolConfirm{"123456"},
		&Enrolled{[]byte("certificate")},
		&Ask{"654321", []byte("request")},
		&Ring{SessionID{1}, "anne", "192.0.2.1:5", []byte("request"), []byte("photo")},
		&Pledged{SessionID{2}, []byte("pledge")},
		&Answered{SessionID{3}, []byte("answer")},
		&Signal{SessionID{4}, 77, []byte("sdp")},
		&Bye{SessionID{5}, EndUserCut},
		&Refused{SessionID{6}, RefusedTooMany, 30},
		&Report{SessionID{7}, []byte("proof")},
		&Reported{SessionID{8}},
		&CharterNotice{1<<53 - 1},
		&CheckpointAsk{1 << 40},
		&Checkpoint{key, []byte("note"), []byte("proof"), []byte("restart"), []byte("more proof")},
		&Noted{SessionID{10}, []byte("record")},
		&Recorded{SessionID{11}, 12},
	}
}

func sessionSamples() []Message {
	return []Message{
		&Scene{[]MonitorInfo{{0, "DP-1", 0, 0, 1920, 1080, true}, {1, "HDMI-é", -1281, -7, 1281, 1023, false}}},
		&Grant{3, PauseUser, PauseLocalInput},
		&Denied{4},
		&Shape{9, 2, 3, 1, 2, bytes.Repeat([]byte{0xab}, 24)},
		&Place{1 << 31, 1, -3, 500, true},
		&Pong{-1},
		&SessionBye{EndTechnician},
		&Want{7},
		&Release{2},
		&Watch{[]uint8{0, 3, 7}},
		&Point{2, 10, 20, true},
		&Ping{1 << 60},
		&Move{1, 1919, 1079},
		&Button{0, 5, 6, 3, true},
		&Scroll{-120, 1200},
		&Key{0x04, true},
		&Text{"àéîçù ñ ß € @_&1;"},
		&ReleaseAll{},
	}
}

// name is the type of a message, without its package.
func name(m Message) string { return strings.TrimPrefix(fmt.Sprintf("%T", m), "*wire.") }

func encode(t testing.TB, m Message) []byte {
	t.Helper()
	b, err := Marshal(m)
	if err != nil {
		t.Fatalf("%s: %v", name(m), err)
	}
	return b
}

// family is one of the decoders, and the names of all that it takes.
type family struct {
	decode func([]byte) (Message, error)
	takes  string
}

// families is written out by hand: which end may say what is a promise, and a
// message that strays into another family has to be seen here.
func families() map[string]family {
	return map[string]family{
		"Signed":       {as(UnmarshalSigned), "Certificate Request Pledge Answer Record"},
		"Envelope":     {as(UnmarshalEnvelope), "Envelope"},
		"FromClient":   {as(UnmarshalFromClient), "HostHello TechnicianHello Enrol EnrolConfirm Ask Pledged Answered Signal Bye Report CheckpointAsk Noted"},
		"FromServer":   {as(UnmarshalFromServer), "Challenge HostReady TechnicianReady EnrolSecret Enrolled Ring Pledged Answered Signal Bye Refused Reported CharterNotice Checkpoint Recorded"},
		"ToTechnician": {as(UnmarshalToTechnician), "Scene Grant Denied Shape Place Pong SessionBye"},
		"ToHost":       {as(UnmarshalToHost), "Want Release Watch Point Ping SessionBye Move Button Scroll Key Text ReleaseAll"},
	}
}

// as gives every decoder one type.
func as[M Message](f func([]byte) (M, error)) func([]byte) (Message, error) {
	return func(b []byte) (Message, error) {
		m, err := f(b)
		if err != nil {
			return nil, err
		}
		return m, nil
	}
}

// decoderOf is the decoder of a family that takes m.
func decoderOf(t testing.TB, m Message) func([]byte) (Message, error) {
	t.Helper()
	for _, f := range families() {
		if takes(f, m) {
			return f.decode
		}
	}
	t.Fatalf("no family takes %s", name(m))
	return nil
}

func takes(f family, m Message) bool {
	for _, n := range strings.Fields(f.takes) {
		if n == name(m) {
			return true
		}
	}
	return false
}
