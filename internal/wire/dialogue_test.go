// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"slices"
	"strings"
	"testing"
)

// The dialogue at the top of this package, arrow by arrow: what each end sends
// is what the other end's decoder takes.

// arrow is one message on its way: from a client to the server, on to the other
// client under the same or another kind.
type arrow struct {
	up   FromClient
	down FromServer
}

func dialogue(t *testing.T) []arrow {
	t.Helper()
	return []arrow{
		{nil, sampleOf(t, "Challenge").(FromServer)},
		{sampleOf(t, "HostHello").(FromClient), sampleOf(t, "HostReady").(FromServer)},
		{sampleOf(t, "TechnicianHello").(FromClient), sampleOf(t, "TechnicianReady").(FromServer)},
		{sampleOf(t, "Enrol").(FromClient), sampleOf(t, "EnrolSecret").(FromServer)},
		{sampleOf(t, "EnrolConfirm").(FromClient), sampleOf(t, "Enrolled").(FromServer)},
		{sampleOf(t, "Ask").(FromClient), sampleOf(t, "Ring").(FromServer)},
		{sampleOf(t, "Ask").(FromClient), sampleOf(t, "Refused").(FromServer)},
		{&Pledged{}, &Pledged{}},
		{&Answered{}, &Answered{}},
		{&Signal{}, &Signal{}},
		{&Bye{Reason: EndUserCut}, &Bye{Reason: EndUserCut}},
		{sampleOf(t, "Report").(FromClient), sampleOf(t, "Reported").(FromServer)},
		{nil, sampleOf(t, "CharterNotice").(FromServer)},
		{sampleOf(t, "CheckpointAsk").(FromClient), sampleOf(t, "Checkpoint").(FromServer)},
		{sampleOf(t, "Noted").(FromClient), sampleOf(t, "Recorded").(FromServer)},
	}
}

func TestDialogue(t *testing.T) {
	heard := map[string]bool{}
	for _, a := range dialogue(t) {
		if a.up != nil {
			m, err := UnmarshalFromClient(encode(t, a.up))
			if err != nil || name(m) != name(a.up) {
				t.Errorf("server hears %v of %s: %v", m, name(a.up), err)
			}
			heard[name(a.up)] = true
		}
		m, err := UnmarshalFromServer(encode(t, a.down))
		if err != nil || name(m) != name(a.down) {
			t.Errorf("client hears %v of %s: %v", m, name(a.down), err)
		}
		heard[name(a.down)] = true
	}
	for _, m := range signallingSamples() {
		if !heard[name(m)] {
			t.Errorf("%s has no place in the dialogue", name(m))
		}
	}
}

// What the server forwards reaches the other end byte for byte: it need not,
// and cannot, write it anew differently.
func TestForwardedMessagesKeepTheirBytes(t *testing.T) {
	for _, m := range []FromClient{&Pledged{SessionID{1}, []byte("p")}, &Answered{SessionID{2}, []byte("a")},
		&Signal{SessionID{3}, 9, []byte("s")}, &Bye{SessionID{4}, EndTechnician}} {
		b := encode(t, m)
		up, err := UnmarshalFromClient(b)
		if err != nil {
			t.Fatal(err)
		}
		if again := encode(t, up); string(again) != string(b) {
			t.Errorf("%s: %x became %x", name(m), b, again)
		}
		if _, err := UnmarshalFromServer(b); err != nil {
			t.Errorf("%s: %v", name(m), err)
		}
	}
}

// Inside the encrypted connection only the goodbye goes both ways.
func TestTheTwoDirectionsOfASession(t *testing.T) {
	var both []string
	for _, m := range sessionSamples() {
		b := encode(t, m)
		_, host := UnmarshalToHost(b)
		_, technician := UnmarshalToTechnician(b)
		if host == nil && technician == nil {
			both = append(both, name(m))
		}
		if host != nil && technician != nil {
			t.Errorf("%s goes nowhere", name(m))
		}
		if _, err := UnmarshalFromClient(b); err == nil {
			t.Errorf("the server would take %s", name(m))
		}
		if _, err := UnmarshalFromServer(b); err == nil {
			t.Errorf("a client would take %s from the server", name(m))
		}
	}
	if !slices.Equal(both, []string{"SessionBye"}) {
		t.Errorf("both ways: %s", strings.Join(both, " "))
	}
}

// Every input is a ToHost, and nothing else drives the desktop.
func TestInputs(t *testing.T) {
	var inputs []string
	for _, m := range samples() {
		if _, ok := m.(Input); ok {
			inputs = append(inputs, name(m))
		}
	}
	if got := strings.Join(inputs, " "); got != "Move Button Scroll Key Text ReleaseAll" {
		t.Errorf("inputs: %s", got)
	}
}

// Numbers that other programs keep (journals, receipts, older apps) stay.
func TestCodesKeepTheirNumbers(t *testing.T) {
	for what, pair := range map[string][2]int{
		"granted": {int(VerdictGranted), 1}, "refused": {int(VerdictRefused), 2}, "reported": {int(VerdictReported), 3},
		"no answer": {int(VerdictNoAnswer), 4}, "busy": {int(VerdictBusy), 5}, "invalid": {int(VerdictInvalid), 6},
		"unable": {int(VerdictUnable), 7}, "too often": {int(VerdictTooOften), 8}, "user cut": {int(EndUserCut), 1}, "technician": {int(EndTechnician), 3},
		"network": {int(EndNetworkLost), 6}, "protocol": {int(EndProtocol), 10}, "technician lost": {int(EndTechnicianLost), 15},
		"revoked": {int(EndRevoked), 16}, "input off": {int(EndInputOff), 17}, "cut and reported": {int(EndReported), 14},
		"ended": {int(DeedEnded), 7}, "renewed": {int(DeedRenewed), 8}, "reported later": {int(DeedReported), 9},
		"limited": {int(DeedLimited), 10}, "frozen": {int(DeedFrozen), 11}, "thawed": {int(DeedThawed), 12},
		"idle": {int(DeedIdle), 13}, "present": {int(DeedPresent), 14},
		"identity": {int(RefusedIdentity), 1}, "offline": {int(RefusedOffline), 4}, "password": {int(RefusedPassword), 10},
		"pause lamp": {int(PauseLamp), 2}, "pause dialog": {int(PauseDialog), 4}, "pause presence": {int(PausePresence), 5},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %d, was %d", what, pair[0], pair[1])
		}
	}
}
