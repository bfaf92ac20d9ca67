// SPDX-License-Identifier: Apache-2.0

package receipt

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func sample(n int, began time.Time) Receipt {
	return Receipt{Session: fmt.Sprintf("%032x", n), Machine: "482917305566", Name: "Prénom Nom", Role: "Assistance",
		Unit: "INCI", Reason: "Imprimante", Began: began, Length: time.Minute, Allowed: 3,
		Deeds: []Deed{{began, "control.granted"}}, End: 1, Words: [3]string{"citron", "valise", "orage"}}
}

func book(t *testing.T) *Book { return Open(t.TempDir(), slog.New(slog.DiscardHandler)) }

func TestNewestFirst(t *testing.T) {
	b := book(t)
	now := time.Now().UTC().Truncate(time.Second)
	for i := range 3 {
		if err := b.Add(sample(i, now.Add(time.Duration(i)*time.Hour)), key(t)); err != nil {
			t.Fatal(err)
		}
	}
	list, err := b.List()
	if err != nil {
		t.Fatal(err)
	}
	want := sample(2, now.Add(2*time.Hour))
	want.Version = version
	if len(list) != 3 || fmt.Sprint(list[0]) != fmt.Sprint(want) {
		t.Fatalf("got %v", list)
	}
}

func TestEmptyBook(t *testing.T) {
	b := Open(filepath.Join(t.TempDir(), "none"), slog.New(slog.DiscardHandler))
	if list, err := b.List(); err != nil || len(list) != 0 {
		t.Fatal(list, err)
	}
	if _, err := b.Get(sample(1, time.Now()).Session); !errors.Is(err, ErrUnknown) {
		t.Fatal(err)
	}
}

func TestOldOnesGo(t *testing.T) {
	b := book(t)
	now := time.Now()
	for i, at := range []time.Time{now.Add(-Keep - time.Hour), now.Add(-Keep + time.Hour), now.Add(-2 * steadyFrom), now} {
		if err := b.Add(sample(i, at), key(t)); err != nil {
			t.Fatal(err)
		}
	}
	if list, _ := b.List(); len(list) != 3 {
		t.Fatalf("%d kept, want 3", len(list))
	}
}

// What is too old goes also when more are kept than are listed.
func TestOldOnesGoBehindManyOthers(t *testing.T) {
	b, now := book(t), time.Now()
	old := sample(0, now.Add(-Keep-time.Hour))
	if err := b.Add(old, key(t)); err != nil {
		t.Fatal(err)
	}
	for i := range MaxListed {
		r := sample(i+1, now.Add(-2*steadyFrom))
		r.Version = version
		text, err := sign(r, key(t))
		if err == nil {
			err = os.WriteFile(b.path(r.Session), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Add(sample(MaxListed+1, now), key(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Get(old.Session); !errors.Is(err, ErrUnknown) {
		t.Errorf("the old one is still there: %v", err)
	}
	if list, _ := b.List(); len(list) != MaxListed {
		t.Errorf("%d are listed", len(list))
	}
}

// Interventions under a clock that is wrong erase nothing, however many there are in a day.
func TestWrongClockErasesNoReceipt(t *testing.T) {
	b, now := book(t), time.Now()
	wrong := now.AddDate(2, 0, 0)
	for i, at := range []time.Time{now.Add(-3 * steadyFrom), now.Add(-time.Hour), now, wrong, wrong.Add(time.Hour), wrong.Add(steadyFrom - time.Hour)} {
		if err := b.Add(sample(i, at), key(t)); err != nil {
			t.Fatal(err)
		}
		if list, _ := b.List(); len(list) != i+1 {
			t.Fatalf("%d of %d receipts are left", len(list), i+1)
		}
	}
	if err := b.Add(sample(9, now.Add(steadyFrom)), key(t)); err != nil {
		t.Fatal(err)
	}
	if list, _ := b.List(); len(list) != 7 {
		t.Errorf("%d of 7 receipts are left when the clock is right again", len(list))
	}
}

func TestNamesAreNotPaths(t *testing.T) {
	b := book(t)
	for _, id := range []string{"", "..", "../x", "zz", fmt.Sprintf("%030x", 1), fmt.Sprintf("%034x", 1)} {
		if _, err := b.Get(id); !errors.Is(err, ErrUnknown) {
			t.Errorf("Get(%q): %v", id, err)
		}
		if err := b.Add(Receipt{Session: id}, key(t)); err == nil {
			t.Errorf("Add(%q) was taken", id)
		}
	}
}

func TestDamagedFileHidesNoOther(t *testing.T) {
	b := book(t)
	for i := range 3 {
		if err := b.Add(sample(i, time.Now()), key(t)); err != nil {
			t.Fatal(err)
		}
	}
	for i, text := range []string{"{", `{"version":1,"unknown":1}`} {
		if err := os.WriteFile(b.path(sample(i, time.Now()).Session), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := b.List(); err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
}

func TestAReceiptOfAnotherSessionIsRefused(t *testing.T) {
	b := book(t)
	if err := b.Add(sample(1, time.Now()), key(t)); err != nil {
		t.Fatal(err)
	}
	other := sample(2, time.Now()).Session
	if err := os.Rename(b.path(sample(1, time.Now()).Session), b.path(other)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Get(other); err == nil {
		t.Fatal("taken")
	}
}

func TestManyDeedsAreCounted(t *testing.T) {
	b := book(t)
	r := sample(1, time.Now())
	r.Deeds = make([]Deed, maxDeeds+7)
	if err := b.Add(r, key(t)); err != nil {
		t.Fatal(err)
	}
	got, err := b.Get(r.Session)
	if err != nil || len(got.Deeds) != maxDeeds || got.Omitted != 7 {
		t.Fatal(len(got.Deeds), got.Omitted, err)
	}
}

func FuzzDecode(f *testing.F) {
	good := kept(f)
	whole, _, err := open(good)
	if err != nil {
		f.Fatal(err)
	}
	id := whole.Session
	f.Add(good)
	f.Add([]byte(`{"version":1,"session":"` + id + `"}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := decode(b, id); (err == nil) != bytes.Equal(b, good) {
			t.Fatalf("%v: %+v", err, r)
		}
	})
}
