// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

// told is everything that the journal holds of one session from the request to a report.
func told(t *testing.T) (*rig, *meeting, []journal.Entry) {
	t.Helper()
	r := served(t)
	m := granted(r)
	m.host.send(m.record(1, wire.DeedTakenBack, 0))
	m.host.send(m.record(2, wire.DeedEnded, wire.EndUserCut))
	expect[*wire.Bye](m.technician)
	hash, err := trust.RequestHash(m.request)
	must(t, err)
	env, err := m.person.device.SignRecord(wire.Record{Session: m.id, RequestHash: hash, Number: 1, At: r.now().Unix(), Deed: wire.DeedEnded, Reason: wire.EndUserCut})
	must(t, err)
	m.technician.send(&wire.Noted{Session: m.id, Record: env})
	m.host.send(m.report())
	expect[*wire.Reported](m.host)
	waitFor(t, func() bool { return len(entries[*journal.SessionEnded](r)) == 2 })
	list, err := journal.After(t.Context(), r.store.reader, 0, 1000)
	must(t, err)
	list = slices.DeleteFunc(list, func(e journal.Entry) bool { return e.Keys().Session == "" })
	if len(list) != 6 { // request, answer, change, two ends, report
		t.Fatalf("%d entries of the session", len(list))
	}
	return r, m, list
}

// altered copies a session's entries, with alter at work on each event of a type.
func altered[T any, E interface {
	*T
	journal.Event
}](alter func(E)) func([]journal.Entry) []journal.Entry {
	return func(list []journal.Entry) []journal.Entry {
		list = slices.Clone(list)
		for i, e := range list {
			if event, is := e.Event.(E); is {
				fresh := *event
				alter(&fresh)
				list[i].Event = E(&fresh)
			}
		}
		return list
	}
}

// another is a session that there is not.
const another = "00112233445566778899aabbccddeeff"

// Beside a true signature each plain field of an entry must be what was signed, or what
// the request is filed under: it is these that people read.
func TestAPlainFieldThatIsNotWhatWasSignedIsFound(t *testing.T) {
	r, m, list := told(t)
	first, err := r.newSessionsVerifier(t.Context())
	must(t, err)
	foreign, hash := m.answeredBy(r.fix.hosts[1])
	for _, c := range []struct {
		name, want string
		alter      func([]journal.Entry) []journal.Entry
	}{
		{"nothing", "", slices.Clone[[]journal.Entry]},

		{"requested session", "another request", altered(func(e *journal.SessionRequested) { e.Session = another })},
		{"requested machine", "another request", altered(func(e *journal.SessionRequested) { e.Machine = r.fix.numbers[1] })},
		{"requested rights", "another request", altered(func(e *journal.SessionRequested) { e.Rights ^= 4 })},
		{"reason", "another request", altered(func(e *journal.SessionRequested) { e.Reason += "." })},
		{"request's hash", "another request", altered(func(e *journal.SessionRequested) { e.Request = strings.Repeat("0", 64) })},
		{"request's signature", "nobody signed it", altered(func(e *journal.SessionRequested) { e.Signed = "" })},

		{"answered session", "nobody asked", altered(func(e *journal.SessionAnswered) { e.Session = another })},
		{"verdict", "another answer", altered(func(e *journal.SessionAnswered) { e.Verdict = uint8(wire.VerdictRefused) })},
		{"granted rights", "another answer", altered(func(e *journal.SessionAnswered) { e.Rights = 7 })},
		{"answer's hash", "another answer", altered(func(e *journal.SessionAnswered) { e.Answer = strings.Repeat("0", 64) })},
		{"answer's signature", "nobody signed it", altered(func(e *journal.SessionAnswered) { e.Signed = "" })},
		{"answering machine", "another machine signed the answer", altered(func(e *journal.SessionAnswered) { e.Machine = r.fix.numbers[1] })},
		{"an answer of another machine's", "another machine signed the answer", altered(func(e *journal.SessionAnswered) { e.Signed, e.Answer = foreign, hash })},
		{"answer's login", "filed under", altered(func(e *journal.SessionAnswered) { e.Login = "paul" })},

		{"changed session", "nobody asked", altered(func(e *journal.SessionChanged) { e.Session = another })},
		{"deed", "another change", altered(func(e *journal.SessionChanged) { e.Deed = uint8(wire.DeedPaused) })},
		{"changed rights", "another change", altered(func(e *journal.SessionChanged) { e.Rights = 7 })},
		{"number", "another change", altered(func(e *journal.SessionChanged) { e.Number++ })},
		{"time", "another change", altered(func(e *journal.SessionChanged) { e.At++ })},
		{"change's signature", "nobody signed it", altered(func(e *journal.SessionChanged) { e.Signed = "" })},
		{"changed machine", "filed under", altered(func(e *journal.SessionChanged) { e.Machine = r.fix.numbers[1] })},
		{"change's login", "filed under", altered(func(e *journal.SessionChanged) { e.Login = "paul" })},

		{"ended session", "nobody asked", altered(func(e *journal.SessionEnded) { e.Session = another })},
		{"reason of the host's end", "another end", altered(endOf(byHost, func(e *journal.SessionEnded) { e.Reason = uint8(wire.EndTechnician) }))},
		{"reason of the technician's", "another end", altered(endOf(byTechnician, func(e *journal.SessionEnded) { e.Reason = uint8(wire.EndTechnician) }))},
		{"whose end, the host's", "signature does not match", altered(endOf(byHost, func(e *journal.SessionEnded) { e.By = byTechnician }))},
		{"whose end, the technician's", "signature does not match", altered(endOf(byTechnician, func(e *journal.SessionEnded) { e.By = byHost }))},
		{"ended machine", "filed under", altered(func(e *journal.SessionEnded) { e.Machine = r.fix.numbers[1] })},
		{"end's login", "filed under", altered(func(e *journal.SessionEnded) { e.Login = "paul" })},

		{"reported session", "nobody asked", altered(func(e *journal.SessionReported) { e.Session = another })},
		{"reporting machine", "another machine signed the report", altered(func(e *journal.SessionReported) { e.Machine = r.fix.numbers[1] })},
		{"report's signature", "nobody signed it", altered(func(e *journal.SessionReported) { e.Signed = "" })},
		{"report's login", "filed under", altered(func(e *journal.SessionReported) { e.Login = "paul" })},
	} {
		v := &sessionsVerifier{units: first.units, machines: first.machines, open: map[string]*witnessed{}}
		for _, e := range c.alter(list) {
			if err := v.next(e); err != nil {
				v.fault(err)
			}
		}
		found := slices.ContainsFunc(v.report.Faults, func(f string) bool { return strings.Contains(f, c.want) })
		if found != (c.want != "") || (c.want == "") != (v.report.Faulty == 0) {
			t.Errorf("%s: found %q, want %q", c.name, v.report.Faults, c.want)
		}
	}
}

// endOf alters the end that one side told.
func endOf(by string, alter func(*journal.SessionEnded)) func(*journal.SessionEnded) {
	return func(e *journal.SessionEnded) {
		if e.By == by {
			alter(e)
		}
	}
}

// answeredBy is a yes that another host signed, with its hash, as the journal has them.
func (m *meeting) answeredBy(host *trust.HostKey) (signed, answer string) {
	m.r.t.Helper()
	hash, err := trust.RequestHash(m.request)
	must(m.r.t, err)
	env, err := host.SignAnswer(&wire.Answer{Session: m.id, RequestHash: hash, Verdict: wire.VerdictGranted, Rights: 1, Expires: m.r.now().Unix()})
	must(m.r.t, err)
	_, sum, err := readAnswer(env)
	must(m.r.t, err)
	return base64.StdEncoding.EncodeToString(env), hex.EncodeToString(sum[:])
}
