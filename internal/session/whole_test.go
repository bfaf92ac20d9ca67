// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"image"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/wire"
)

// The main job, whole.
func TestInterventionFromRequestToGoodbye(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		began := time.Now()
		q := w.asked()[0]
		if q.Who.Name != "Prénom Nom" || q.Who.Unit != "INCI" || q.Reason != "Imprimante introuvable" || q.Monitors != 2 {
			t.Errorf("the person was asked %+v", q)
		}
		s, h := tech.State(), w.host.State()
		if s.Words != q.Words || h.Words != q.Words || q.Words[0] == "" {
			t.Errorf("words: technician %q, host %q, dialog %q", s.Words, h.Words, q.Words)
		}
		for i, word := range q.Words { // the lists of the test translate each other
			if s.OtherWords[i] != otherWords()[slices.Index(words(), word)] {
				t.Errorf("in the other language: %q for %q", s.OtherWords, q.Words)
			}
		}
		if s.Rights != consent.AllRights || h.Rights != consent.AllRights || h.Card != q.Who || h.Reason != q.Reason {
			t.Errorf("technician %+v, host %+v", s, h)
		}
		if !s.Layout.Equal(w.machine.layout) || s.Cursor == nil || s.Cursor.Hot != image.Pt(1, 1) || !s.Place.Visible {
			t.Errorf("layout %+v, cursor %+v, place %+v", s.Layout, s.Cursor, s.Place)
		}
		if w.shows(0)+w.shows(1) != 0 {
			t.Error("pictures that nobody watches")
		}
		if err := tech.Watch([]screen.MonitorID{0, 1}); err != nil {
			t.Fatal(err)
		}
		for id := range screen.MonitorID(2) {
			p, err := tech.Picture(t.Context(), id)
			if err != nil || p.Monitor != id || p.Size != w.machine.layout[id].Bounds.Size() {
				t.Fatalf("picture %+v, %v", p, err)
			}
		}
		for _, in := range []wire.Input{&wire.Move{X: 5, Y: 6}, &wire.Key{Usage: 4, Down: true}, &wire.Text{Text: "é"}} {
			if err := tech.Input(in); err != nil {
				t.Fatal(err)
			}
		}
		if err := tech.Point(wire.Point{Monitor: 1, X: 7, Y: 8, Visible: true}); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if n := w.machine.typed(); n != 3 || w.machine.held != 1 {
			t.Errorf("%d inputs done, %d keys held", n, w.machine.held)
		}
		if p := w.machine.pointer(); p.Monitor != 1 || p.At != image.Pt(7, 8) || !p.Visible {
			t.Errorf("pointer %+v", p)
		}
		tech.End()
		end := w.over(tech)
		if end.Phase != session.TechnicianEnded || end.End != wire.EndTechnician || end.Err != nil || end.Rights != 0 {
			t.Errorf("technician ended as %+v", end)
		}
		checkRecord(t, w.record(), q, began)
		w.checkProof(t, w.record())
		checkLeftNothing(t, w)
	})
}

// checkProof holds what the record keeps of the signed messages against the record.
func (w *world) checkProof(t *testing.T, r session.Record) {
	t.Helper()
	p, err := trust.Evidence{
		Unit: w.who.unit.Public(), Host: w.who.host.Public(), Machine: w.who.machine, Heard: r.Proof.Heard,
		Certificate: r.Proof.Certificate, Request: r.Proof.Request, Pledge: r.Proof.Pledge, Answer: r.Proof.Answer,
	}.Prove()
	if err != nil {
		t.Fatalf("the record proves nothing: %v", err)
	}
	if p.Certificate.Name != r.Who.Name || p.Request.Reason != r.Reason || p.Request.Session != r.Session ||
		consent.Rights(p.Answer.Rights) != r.Allowed {
		t.Errorf("proven %+v", p)
	}
	if r.Driven != 1 || r.Pointed != 1 {
		t.Errorf("driven %d times, pointed %d times", r.Driven, r.Pointed)
	}
}

func checkRecord(t *testing.T, r session.Record, q consent.Question, began time.Time) {
	t.Helper()
	if r.Who != q.Who || r.Reason != q.Reason || r.Words != q.Words || r.Login != "prenom.nom" || r.Address != "192.0.2.7" {
		t.Errorf("record %+v", r)
	}
	if !r.Began.Equal(began) || r.Length != time.Minute || r.Allowed != consent.AllRights || r.End != wire.EndTechnician {
		t.Errorf("record %+v", r)
	}
	acts := []session.Act{session.ActBegan, session.ActDrove, session.ActPointed, session.ActEnded}
	if len(r.Done) != len(acts) {
		t.Fatalf("done %+v", r.Done)
	}
	for i, d := range r.Done {
		if d.Act != acts[i] || d.At.IsZero() {
			t.Errorf("done %+v", d)
		}
	}
}

// checkLeftNothing looks at what an intervention might leave behind.
func checkLeftNothing(t *testing.T, w *world) {
	t.Helper()
	synctest.Wait()
	m := w.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.held != 0 || m.desks != 0 || m.captures != 0 || w.lamp.Lit() {
		t.Errorf("keys held %d, desks %d, captures %d, lit %v", m.held, m.desks, m.captures, w.lamp.Lit())
	}
	if n := len(m.points); n > 0 && m.points[n-1].Visible {
		t.Error("the technician's pointer is still shown")
	}
	if s := w.host.State(); s.Phase != session.HostIdle || s.Rights != 0 || s.Card != (consent.Card{}) || s.Words != [3]string{} {
		t.Errorf("host %+v", s)
	}
}

// Before the person has said yes, nothing moves.
func TestNothingBeforeTheAnswer(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.now(silent)
		tech := w.ask(consent.AllRights)
		pass(30 * time.Second)
		s, h := tech.State(), w.host.State()
		if s.Phase != session.TechnicianWaiting || h.Phase != session.HostAsking {
			t.Fatalf("technician %+v, host %+v", s, h)
		}
		if s.Words != w.asked()[0].Words || h.Words != s.Words || s.Words[0] == "" {
			t.Errorf("words %q, %q, %q", s.Words, h.Words, w.asked()[0].Words)
		}
		if left := time.Until(s.Deadline); left < 25*time.Second || left > 31*time.Second {
			t.Errorf("%v left", left)
		}
		for name, err := range map[string]error{
			"input": tech.Input(&wire.Move{}), "point": tech.Point(wire.Point{}), "watch": tech.Watch(nil),
			"want": tech.Want(consent.RightControl), "release": tech.Release(consent.RightPoint),
		} {
			if err == nil {
				t.Errorf("%s before the answer", name)
			}
		}
		if _, err := tech.Picture(t.Context(), 0); err != session.ErrNotLive {
			t.Errorf("picture: %v", err)
		}
		if w.machine.reads != 0 || w.machine.captures != 0 || w.machine.typed() != 0 || len(w.net.links) != 0 || w.lamp.Lights() != 0 {
			t.Error("something moved")
		}
		pass(31 * time.Second)
		if s := w.over(tech); s.Verdict != wire.VerdictNoAnswer || s.End != wire.EndRefused {
			t.Errorf("ended as %+v", s)
		}
	})
}

// Ten in a row, one process, one host.
func TestTenInARow(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		for i := range 10 {
			tech := w.meet(viewPoint)
			if err := tech.Watch([]screen.MonitorID{0}); err != nil {
				t.Fatal(err)
			}
			w.machine.draw(0)
			if _, err := tech.Picture(t.Context(), 0); err != nil {
				t.Fatalf("session %d: %v", i, err)
			}
			if i%2 == 0 {
				w.host.Cut(wire.EndUserCut)
			} else {
				tech.End()
			}
			w.over(tech)
			checkLeftNothing(t, w)
		}
		if n := w.lamp.Lights(); n != 10 {
			t.Errorf("lit %d times", n)
		}
	})
}

// Another technician finds a busy machine, and disturbs nobody.
func TestBusy(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		first := w.meet(viewPoint)
		second := w.ask(viewPoint)
		<-second.Done()
		if s := second.State(); s.Verdict != wire.VerdictBusy || s.End != wire.EndRefused {
			t.Errorf("the second ended as %+v", s)
		}
		if first.State().Phase != session.TechnicianLive || len(w.asked()) != 1 {
			t.Error("the first was disturbed")
		}
		if n := w.host.State().RefusedToday; n != 1 {
			t.Errorf("%d refused", n)
		}
	})
}
