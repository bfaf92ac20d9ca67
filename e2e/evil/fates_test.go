// SPDX-License-Identifier: Apache-2.0

package evil

import (
	"bytes"
	"encoding/hex"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"assist/internal/wire"
)

// fate is what may come of a lie, and why that is right.
type fate struct {
	may []outcome
	why string
}

// never is the fate of nearly everything: nothing moves. See fateOf for the person.
func never(why string) fate { return fate{[]outcome{refused}, why} }

// harmless is the fate of the server's own words, which prove nothing and are shown as
// nothing else: they may be refused for not being text, or else change nothing.
func harmless(why string) fate { return fate{[]outcome{refused, right}, why} }

// open is the fate of what may end the attempt at any point or not at all. Whatever is
// asked, shown or recorded is right all the same: judge sees to that.
func open(why string) fate { return fate{[]outcome{refused, asked, right}, why} }

// parting is the fate of a goodbye while the person is asked.
func parting() fate {
	return fate{[]outcome{asked}, "at most the question stays until the person or the time ends it, and a yes is none"}
}

// fields holds what must come of a lie about each field that there is.
func fields() map[string]fate {
	const (
		greeting  = "a greeting is signed over all that it says"
		signed    = "it is signed by who says it"
		folded    = "the envelope is what is signed, and the signature"
		witnessed = "a history that is not proved stops the next request, or is said so"
		after     = "it tells of what was done; nothing is done by it"
		routed    = "it leads to nobody, or to a session that is not the signed one"
	)
	return map[string]fate{
		"Challenge.version": never("there is one version"),
		"Challenge.nonce":   harmless("the server's own dice; the signature is for this connection"),
		"Challenge.time":    harmless("nobody reads it"),
		"Challenge.unit":    harmless("shown as what the server says; the dialog has the certificate's"),

		"HostHello.version": never("there is one version"), "HostHello.hostKey": never(greeting), "HostHello.signature": never(greeting),
		"HostReady.address": harmless("shown to nobody but its owner"), "HostReady.stun": harmless("a candidate more or less"),

		"TechnicianHello.version": never("there is one version"), "TechnicianHello.login": never("one of the factors"),
		"TechnicianHello.password": never("one of the factors"), "TechnicianHello.deviceKey": never(greeting),
		"TechnicianHello.signature":   never(greeting),
		"TechnicianReady.certificate": never("the host looks at who signed it, for whose key"),
		"TechnicianReady.address":     harmless("shown to nobody but its owner"), "TechnicianReady.stun": harmless("a candidate more or less"),

		"Enrol.version": never("there is one version"), "Enrol.code": never("nobody was invited by it"),
		"Enrol.password":  harmless("an account with another password is one that nobody gets into"),
		"Enrol.deviceKey": never(greeting), "Enrol.signature": never(greeting),
		"EnrolSecret.login": harmless("a name to log in by, no more"), "EnrolSecret.url": never("its codes are wrong"),
		"EnrolConfirm.totp": never("a wrong code"), "Enrolled.certificate": never("not this key's, or not the unit's"),

		"Ask.totp": never("a wrong code"), "Ask.request": never(signed),
		"Ring.session": never(routed), "Ring.request": never(signed),
		"Ring.login":      harmless("the server's word, kept in the record as that; the dialog has the certificate's name"),
		"Ring.address":    harmless("the server's word, kept in the record as that"),
		"Ring.photo":      never("the certificate names its hash; left out, there is none on the card"),
		"Pledged.session": never(routed), "Pledged.pledge": never(signed),
		"Answered.session": never(routed), "Answered.answer": never(signed),
		"Signal.session": never(routed), "Signal.sequence": never("a step is missing"),
		"Signal.body": never("with such a set-up nobody is reached, or not who signed"),
		"Bye.session": parting(), "Bye.reason": parting(),
		"Refused.session": never("the request is over, or never was"), "Refused.why": never("a refusal for another reason"),
		"Refused.wait":   never("a refusal all the same"),
		"Report.session": never(routed), "Report.proof": never(signed), "Reported.session": never(routed),
		"CharterNotice.epoch": harmless("at most the charter is fetched once more"),

		"CheckpointAsk.size": harmless(witnessed), "Checkpoint.key": never(witnessed), "Checkpoint.note": never(witnessed),
		"Checkpoint.proof": harmless(witnessed), "Checkpoint.restart": harmless(witnessed), "Checkpoint.restartProof": harmless(witnessed),
		"Noted.session": harmless(after), "Noted.record": harmless(after),
		"Recorded.session": harmless(after), "Recorded.number": harmless(after),
		"Record.session": harmless(after), "Record.requestHash": harmless(after), "Record.number": harmless(after),
		"Record.at": harmless(after), "Record.by": harmless(after), "Record.deed": harmless(after),
		"Record.rights": harmless(after), "Record.reason": harmless(after),

		"Envelope.body": never(folded), "Envelope.signature": never(folded),
		"Certificate.version": never(signed), "Certificate.serial": never(signed), "Certificate.name": never(signed),
		"Certificate.role": never(signed), "Certificate.unit": never(signed), "Certificate.zones": never(signed),
		"Certificate.zone": never(signed), "Certificate.deviceKey": never(signed), "Certificate.notBefore": never(signed),
		"Certificate.notAfter": never(signed), "Certificate.photo": never(signed),
		"Request.version": never(signed), "Request.session": never(signed), "Request.machine": never(signed),
		"Request.certificate": never(signed), "Request.fingerprint": never(signed), "Request.rights": never(signed),
		"Request.reason": never(signed), "Request.nonce": never(signed), "Request.expires": never(signed),
		"Pledge.session": never(signed), "Pledge.requestHash": never(signed), "Pledge.hostKey": never(signed),
		"Pledge.fingerprint": never(signed),
		"Answer.session":     never(signed), "Answer.requestHash": never(signed), "Answer.hostKey": never(signed),
		"Answer.fingerprint": never(signed), "Answer.verdict": never(signed), "Answer.rights": never(signed),
		"Answer.expires": never(signed),
	}
}

// whole holds what must come of a lie about a message as a whole: a star is every
// message that has no line of its own.
func whole() map[string]fate {
	const (
		cut     = "nothing goes on without it"
		twice   = "the second is passed over, or breaks the connection"
		late    = "out of turn it is refused, or was not waited for"
		foreign = "it names another session, machine or key"
		stale   = "it was good once"
	)
	own := harmless("a word of the server's own")
	afterwards := harmless("it tells of what was done; nothing is done by it")
	return map[string]fate{
		"* dropped":             never(cut),
		"CharterNotice dropped": own,
		"* doubled":             open(twice), "Ring doubled": {[]outcome{right}, "one dialog"}, "Answered doubled": open(twice),
		"Signal doubled":   {[]outcome{right}, "a step is taken once"},
		"* late":           open(late),
		"Ask late":         {[]outcome{asked}, "good for five minutes, wanted or not; nobody is there to see anything"},
		"* that of others": never(foreign), "Challenge that of others": own, "HostReady that of others": own,
		"CharterNotice that of others": own,
		"* that of the past":           never(stale), "Challenge that of the past": own, "HostReady that of the past": own,
		"TechnicianReady that of the past": own, "CharterNotice that of the past": own,
		"Checkpoint that of others": own, "Checkpoint that of the past": own, "CheckpointAsk that of others": own,
		"CheckpointAsk that of the past": own,
		"Noted dropped":                  afterwards, "Noted that of others": afterwards, "Noted that of the past": afterwards,
		"Recorded dropped": afterwards, "Recorded that of others": afterwards, "Recorded that of the past": afterwards,
		"* after that of the past": open("a replay is refused, or breaks the connection, and the truth may come too late"),
	}
}

// afterTheQuestion are the messages that pass when the person has been asked, or is
// being asked, by a request that was good.
func afterTheQuestion() []string { return []string{"Pledged", "Answered", "Signal", "Bye"} }

// fate is what must come of a lie. What stands in a signed body has its fate whoever
// carries it, but the person was rightly asked before some of them pass.
func (j job) fate() (fate, bool) {
	f, ok := fields()[j.field]
	switch {
	case j.track.kind == "Bye":
		f, ok = parting(), ok || j.field == "" || isStructure(j.field)
	case isStructure(j.field):
		f, ok = open("a message that cannot be read, or another one"), true
		if !slices.Contains(afterTheQuestion(), j.track.kind) {
			f = harmless("a message that cannot be read, or another one")
		}
	case j.track.kind == "Noted" && strings.HasPrefix(j.field, "Envelope."):
		f, ok = harmless("told when all is over: no record is kept that its end did not sign, and the gap is found"), true
	case j.field == "":
		if f, ok = whole()[j.track.kind+" "+j.how]; !ok {
			f, ok = whole()["* "+j.how]
		}
	}
	if len(f.may) == 1 && f.may[0] == refused && slices.Contains(afterTheQuestion(), j.track.kind) {
		f.may = []outcome{refused, asked}
	}
	return f, ok
}

// wholeLie is a lie about a message as a whole; without a way to make it, the message
// is kept back until another has passed.
type wholeLie struct {
	name string
	make func(is, others, past []byte) [][]byte
}

func wholeLies() []wholeLie {
	return []wholeLie{
		{"dropped", func(_, _, _ []byte) [][]byte { return nil }},
		{"doubled", func(is, _, _ []byte) [][]byte { return [][]byte{is, bytes.Clone(is)} }},
		{"late", nil},
		{"that of others", func(_, others, _ []byte) [][]byte { return [][]byte{others} }},
		{"that of the past", func(_, _, past []byte) [][]byte { return [][]byte{past} }},
		{"after that of the past", func(is, _, past []byte) [][]byte { return [][]byte{past, is} }},
	}
}

// signalling is one message of each kind of the dialogue with the server and of what is
// signed, read from the golden bytes of package wire.
func signalling(t *testing.T) map[string]wire.Message {
	t.Helper()
	text, err := os.ReadFile("../../internal/wire/testdata/golden.txt")
	must(t, err)
	all := map[string]wire.Message{}
	for line := range strings.Lines(string(text)) {
		name, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
		b, err := hex.DecodeString(digits)
		must(t, err)
		for _, up := range []bool{true, false} {
			if m := (passing{up: up, raw: b}).message(); m != nil {
				all[name] = m
			}
		}
		if m := carried(b); m != nil {
			all[name] = m
		}
	}
	if len(all) < 20 {
		t.Fatalf("only %d messages found", len(all))
	}
	return all
}

// TestEveryFieldHasAFate: a field that is added to a message must be given its line,
// and one that is gone takes its line along.
func TestEveryFieldHasAFate(t *testing.T) {
	table := fields()
	left := maps.Clone(table)
	for name, m := range signalling(t) {
		for _, p := range takeApart(m) {
			delete(left, p.name)
			if _, ok := table[p.name]; !ok && !strings.HasSuffix(p.name, ".kind") && !strings.HasSuffix(p.name, ".length") {
				t.Errorf("%s has a field without a line: %s", name, p.name)
			}
		}
	}
	for name := range left {
		t.Errorf("there is no field %s", name)
	}
}

// TestEveryFateIsJustified: the harmless ones are few, and each says why.
func TestEveryFateIsJustified(t *testing.T) {
	mild := 0
	for name, f := range fields() {
		if f.why == "" {
			t.Errorf("%s: no reason", name)
		}
		if len(f.may) > 1 {
			mild++
		}
	}
	if mild > 34 {
		t.Errorf("%d fields may be lied about: what is not signed has grown", mild)
	}
}
