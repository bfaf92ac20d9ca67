// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"assist/assets"
	"assist/internal/consent"
	"assist/internal/receipt"
	"assist/internal/rendezvous"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/ui"
	"assist/internal/wire"
)

func newReceipts(t *testing.T) *receipts {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	return &receipts{book: receipt.Open(t.TempDir(), log), text: func() assets.Text { return func(key string, _ ...string) string { return key } }, log: log}
}

func TestWhatIsKeptIsShown(t *testing.T) {
	r := newReceipts(t)
	began := time.Now().Truncate(time.Second).UTC()
	rec := session.Record{
		Session: wire.SessionID{1, 2}, Who: consent.Card{Name: "Camille", Role: "r", Unit: "u", Until: began}, Reason: "why",
		Began: began, Length: time.Minute, Allowed: consent.RightView, Dropped: 4, End: wire.EndUserCut,
		Words: [3]string{"a", "b", "c"}, Done: []session.Deed{{At: began, Act: session.ActPaused}},
	}
	key, err := trust.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	keepOne(t, r, issuer{machine: "482917305566", key: key}, rec)
	got, err := r.List()
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	one := got[0]
	if one.ID != "01020000000000000000000000000000" || one.Machine != "482917305566" || one.Omitted != 4 || one.Who != rec.Who ||
		one.End != wire.EndUserCut || one.Words != rec.Words || len(one.Done) != 1 || one.Done[0].What != "deed.paused" {
		t.Errorf("%+v", one)
	}
}

func TestSaveReplacesOrFailsPlainly(t *testing.T) {
	r := newReceipts(t)
	key, err := trust.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	keepOne(t, r, issuer{machine: "482917305566", key: key}, session.Record{Session: wire.SessionID{1}, Began: time.Now()})
	id := "01000000000000000000000000000000"
	path := filepath.Join(t.TempDir(), "receipt.html")
	for _, page := range []string{"one", "two"} {
		beside, err := r.Save(id, path, []byte(page))
		if err != nil || filepath.Base(beside) != "receipt.json" {
			t.Fatal(beside, err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != page {
			t.Fatalf("%q, %v", b, err)
		}
		proof, err := os.ReadFile(filepath.Join(filepath.Dir(path), "receipt.json"))
		if kept, err2 := r.book.File(id); err != nil || err2 != nil || string(proof) != string(kept) {
			t.Fatalf("the signed receipt is not beside it: %v, %v", err, err2)
		}
	}
	if _, err := r.Save(id, filepath.Join(path, "below a file"), nil); !errors.Is(err, ui.ErrDisk) {
		t.Error(err)
	}
}

// What lies beside the page and is not this receipt stays as it is.
func TestSaveReplacesNothingElse(t *testing.T) {
	r := newReceipts(t)
	keepOne(t, r, issuer{machine: "482917305566", key: must(trust.NewHostKey())(t)}, session.Record{Session: wire.SessionID{1}, Began: time.Now(), End: wire.EndUserCut})
	dir := t.TempDir()
	for _, name := range []string{"budget.json", "budget-2.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		beside, err := r.Save("01000000000000000000000000000000", filepath.Join(dir, "budget.html"), []byte("page"))
		if err != nil || filepath.Base(beside) != "budget-3.json" {
			t.Errorf("saved at %q, %v", beside, err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "budget.json")); err != nil || string(b) != "mine" {
		t.Errorf("budget.json now holds %d bytes, %v", len(b), err)
	}
}

// A receipt that a full disk would not take is missed until one is written again.
func TestAReceiptThatIsLostIsSaid(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "receipts")
	r := &receipts{book: receipt.Open(dir, slog.New(slog.DiscardHandler)), log: slog.New(slog.DiscardHandler)}
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // nothing can be written below a file
		t.Fatal(err)
	}
	at, rec := issuer{machine: "482917305566", key: must(trust.NewHostKey())(t)}, session.Record{Session: wire.SessionID{1}, Began: time.Now(), End: wire.EndUserCut}
	const id = "01000000000000000000000000000000"
	if err := r.keep(at, rec); err == nil || !r.missing(id) {
		t.Error("the lost receipt is not missed", err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := r.keep(at, rec); err != nil || r.missing(id) {
		t.Error("a receipt that is there is missed", err)
	}
}

// The receipt of an app that was killed is there, unfinished, for the next app; while the
// session goes on nobody calls it that.
func TestAKilledAppsReceiptIsShown(t *testing.T) {
	r := newReceipts(t)
	key := must(trust.NewHostKey())(t)
	began := time.Now().Truncate(time.Second).UTC()
	rec := session.Record{Session: wire.SessionID{1, 2}, Began: began, Length: 3 * time.Minute}
	at := issuer{machine: "482917305566", key: key}
	keepOne(t, r, at, rec)
	if list, err := r.List(); err != nil || len(list) != 0 || r.broken() != nil {
		t.Errorf("while it goes on: %+v, %v", list, err)
	}
	next := &receipts{book: r.book, text: r.text, log: r.log}
	next.look()
	list, err := next.List()
	if err != nil || len(list) != 1 || list[0].End != 0 {
		t.Errorf("after it was killed: %+v, %v", list, err)
	}
	if b := next.broken(); b == nil || b.Why != 0 || !b.At.Equal(began.Add(3*time.Minute)) || b.Receipt != list[0].ID {
		t.Errorf("the next app says %+v", b)
	}
	rec.End = wire.EndUserCut
	keepOne(t, r, at, rec)
	if list, err := r.List(); err != nil || len(list) != 1 || list[0].End != wire.EndUserCut {
		t.Errorf("after its end: %+v, %v", list, err)
	}
	last := &receipts{book: r.book, text: r.text, log: r.log}
	if last.look(); last.broken() != nil {
		t.Error("a whole receipt is called unfinished")
	}
}

// keptReceipt is a receipt of session 1, 2 with the request that it came of.
func (r *receipts) keptReceipt(t *testing.T) (hash [32]byte) {
	t.Helper()
	key, err := trust.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	device, err := trust.NewDeviceKey()
	if err != nil {
		t.Fatal(err)
	}
	request, err := device.SignRequest(&wire.Request{Version: wire.Version, Session: wire.SessionID{1, 2}, Machine: "482917305566",
		Rights: 1, Reason: "why", Expires: time.Now().Add(time.Minute).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	keepOne(t, r, issuer{machine: "482917305566", key: key}, session.Record{Session: wire.SessionID{1, 2}, Began: time.Now(), Proof: session.Proof{Request: request}})
	if hash, err = trust.RequestHash(request); err != nil {
		t.Fatal(err)
	}
	return hash
}

func TestReportSaysOnlyWhatIsTrue(t *testing.T) {
	const id = "01020000000000000000000000000000"
	for name, c := range map[string]struct {
		id   string
		said error // by the server
		want error
	}{
		"confirmed":  {id, nil, nil},
		"offline":    {id, rendezvous.ErrOffline, ui.ErrNotReported},
		"lost":       {id, rendezvous.ErrLost, ui.ErrNotReported},
		"too late":   {id, context.DeadlineExceeded, ui.ErrNotReported},
		"no unit":    {id, errNotMember, ui.ErrNotReported},
		"unknown":    {id, &rendezvous.RefusedError{Why: wire.RefusedUnknown}, ui.ErrNotKnown},
		"not an id":  {"../x", nil, ui.ErrNotKnown},
		"no receipt": {"ff020000000000000000000000000000", nil, ui.ErrNotKnown},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceipts(t)
			hash := r.keptReceipt(t)
			r.tell = func(_ context.Context, got wire.Record) error {
				if got.Session != (wire.SessionID{1, 2}) || got.RequestHash != hash || got.Deed != wire.DeedReported || got.At == 0 {
					t.Errorf("reported %+v", got)
				}
				return c.said
			}
			if err := r.Report(t.Context(), c.id); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
	r := newReceipts(t)
	r.keptReceipt(t)
	r.tell = func(context.Context, wire.Record) error { return &rendezvous.RefusedError{Why: wire.RefusedJournal} }
	var no *ui.Refused
	if err := r.Report(t.Context(), id); !errors.As(err, &no) || no.Why != wire.RefusedJournal {
		t.Error(err)
	}
}

func keepOne(t *testing.T, r *receipts, at issuer, rec session.Record) {
	t.Helper()
	if err := r.keep(at, rec); err != nil {
		t.Fatal(err)
	}
}

// A report is known by the number that its receipt has.
func TestReportNamesItsReceipt(t *testing.T) {
	if got := shownReport(rendezvous.Told{}, false); got != nil {
		t.Errorf("of none: %+v", got)
	}
	r := newReceipts(t)
	r.keptReceipt(t)
	kept, err := r.book.List()
	if err != nil || len(kept) != 1 {
		t.Fatalf("%d receipts, %v", len(kept), err)
	}
	made := time.Unix(5, 0)
	got := shownReport(rendezvous.Told{Session: wire.SessionID{1, 2}, Made: made, Confirmed: made.Add(time.Second)}, true)
	if want := (ui.Report{Receipt: kept[0].Session, Made: made, Confirmed: made.Add(time.Second)}); *got != want {
		t.Errorf("%+v, want %+v", *got, want)
	}
}
