// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver that the server uses
)

// book is a journal in a database of its own.
type book struct {
	*sql.DB
	t *testing.T
}

func open(t *testing.T) *book {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)")
	must(t, err)
	t.Cleanup(func() { db.Close() })
	b := &book{db, t}
	for _, s := range Statements() {
		b.exec(s)
	}
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *book) exec(query string, args ...any) {
	b.t.Helper()
	_, err := b.ExecContext(b.t.Context(), query, args...)
	must(b.t, err)
}

// moment is when the tests' entries are written; each one a second later.
func moment(n int64) time.Time { return time.Date(2026, 11, 21, 9, 0, int(n), 123456789, time.UTC) }

func (b *book) try(at time.Time, e Event) (Entry, error) {
	tx, err := b.BeginTx(b.t.Context(), nil)
	if err != nil {
		return Entry{}, err
	}
	defer tx.Rollback()
	entry, err := Append(b.t.Context(), tx, at, e)
	if err != nil {
		return entry, err
	}
	return entry, tx.Commit()
}

func (b *book) add(events ...Event) []Entry {
	b.t.Helper()
	var out []Entry
	for i, e := range events {
		entry, err := b.try(moment(int64(i)), e)
		must(b.t, err)
		out = append(out, entry)
	}
	return out
}

// tamper does what the triggers forbid, as somebody with the file could.
func (b *book) tamper(query string, args ...any) {
	b.t.Helper()
	for _, trigger := range []string{"journal_no_update", "journal_no_delete", "journal_head_no_delete", "journal_head_forward"} {
		b.exec("drop trigger if exists " + trigger)
	}
	b.exec(query, args...)
}

// samples is one event of each type, with every field set.
func samples() []Event {
	return []Event{
		&ServerStarted{"1.0"},
		&ServerStopped{},
		&TechnicianAdded{"claire", "Claire Dubois", "IT support"},
		&TechnicianEnrolled{"claire", "192.0.2.1", "d1"},
		&TechnicianCertified{"claire", "5e", 1800000000},
		&TechnicianDisabled{"claire"},
		&LoginSucceeded{"claire", "192.0.2.1"},
		&LoginRefused{"claire", "192.0.2.1", "totp"},
		&MachineRegistered{"482917305566", "ab"},
		&SessionRequested{"51", "claire", "192.0.2.1", "482917305566", 3, "printer <stuck> & more", "0f"},
		&SessionUndelivered{"51", "claire", "482917305566", "offline"},
		&SessionAnswered{"51", "claire", "482917305566", 1, 3, "aa"},
		&SessionEnded{"51", "claire", "482917305566", 2, "host"},
		&SessionReported{"51", "claire", "482917305566"},
	}
}

// golden are the stored bytes of samples. A change here breaks every journal
// that was ever written.
func golden() []string {
	return []string{
		`"type":"server.started","data":{"version":"1.0"}`,
		`"type":"server.stopped","data":{}`,
		`"type":"technician.added","data":{"login":"claire","name":"Claire Dubois","role":"IT support"}`,
		`"type":"technician.enrolled","data":{"login":"claire","address":"192.0.2.1","device":"d1"}`,
		`"type":"technician.certified","data":{"login":"claire","serial":"5e","until":1800000000}`,
		`"type":"technician.disabled","data":{"login":"claire"}`,
		`"type":"login.succeeded","data":{"login":"claire","address":"192.0.2.1"}`,
		`"type":"login.refused","data":{"login":"claire","address":"192.0.2.1","at":"totp"}`,
		`"type":"machine.registered","data":{"machine":"482917305566","key":"ab"}`,
		`"type":"session.requested","data":{"session":"51","login":"claire","address":"192.0.2.1","machine":"482917305566",` +
			`"rights":3,"reason":"printer \u003cstuck\u003e \u0026 more","request":"0f"}`,
		`"type":"session.undelivered","data":{"session":"51","login":"claire","machine":"482917305566","why":"offline"}`,
		`"type":"session.answered","data":{"session":"51","login":"claire","machine":"482917305566","verdict":1,"rights":3,"answer":"aa"}`,
		`"type":"session.ended","data":{"session":"51","login":"claire","machine":"482917305566","reason":2,"by":"host"}`,
		`"type":"session.reported","data":{"session":"51","login":"claire","machine":"482917305566"}`,
	}
}

func TestStoredBytes(t *testing.T) {
	b := open(t)
	for i, e := range b.add(samples()...) {
		want := fmt.Sprintf(`{"v":1,"n":%d,"t":%d,%s}`, i+1, moment(int64(i)).UnixMilli(), golden()[i])
		if string(e.Body) != want {
			t.Errorf("entry %d is\n%s\nwant\n%s", i+1, e.Body, want)
		}
		if e.Number != int64(i+1) || !e.At.Equal(moment(int64(i)).Truncate(time.Millisecond)) {
			t.Errorf("entry %d is numbered %d at %v", i+1, e.Number, e.At)
		}
	}
}

// The list of types is closed: each has a sample, and each sample is known.
func TestEveryTypeHasASampleAndAName(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range samples() {
		if seen[e.Type()] {
			t.Errorf("%s is there twice", e.Type())
		}
		seen[e.Type()] = true
		if fresh := newEvent(e.Type()); fresh == nil || fmt.Sprintf("%T", fresh) != fmt.Sprintf("%T", e) {
			t.Errorf("%s is read back as %T", e.Type(), fresh)
		}
	}
	if len(seen) != len(golden()) || len(seen) != 14 {
		t.Errorf("%d types", len(seen))
	}
}

// No field of any type could take a secret or a picture.
func TestNoTypeHasAFieldForSecrets(t *testing.T) {
	for _, e := range samples() {
		raw, err := json.Marshal(e)
		must(t, err)
		var fields map[string]any
		must(t, json.Unmarshal(raw, &fields))
		for name := range fields {
			for _, secret := range []string{"pass", "totp", "code", "secret", "screen", "image", "clip", "text", "stroke"} {
				if strings.Contains(name, secret) {
					t.Errorf("%s has a field %s", e.Type(), name)
				}
			}
		}
	}
}

// The chain as a reader of the stored bytes would compute it, by hand.
func TestChainIsComputedOverTheStoredBytes(t *testing.T) {
	b := open(t)
	var prev [32]byte
	for _, e := range b.add(samples()...) {
		l := sha256.Sum256(append([]byte{0}, e.Body...))
		prev = sha256.Sum256(append(append([]byte{1}, prev[:]...), l[:]...))
		if e.Hash != prev {
			t.Fatalf("entry %d has hash %x, want %x", e.Number, e.Hash, prev)
		}
	}
	r, err := Verify(t.Context(), b)
	must(t, err)
	if r.Head != prev || r.Entries != 14 || !r.First.Equal(moment(0).Truncate(time.Millisecond)) || !r.Last.Equal(moment(13).Truncate(time.Millisecond)) {
		t.Errorf("report is %+v", r)
	}
}

func TestEmptyJournalVerifies(t *testing.T) {
	r, err := Verify(t.Context(), open(t))
	must(t, err)
	if r != (Report{}) {
		t.Errorf("report is %+v", r)
	}
}

func TestAppendRefusesWhatIsNotPlain(t *testing.T) {
	b := open(t)
	b.add(&ServerStarted{"1"})
	for name, e := range map[string]Event{
		"nothing":     nil,
		"line break":  &TechnicianDisabled{"a\nb"},
		"escape":      &LoginSucceeded{"a", "\x1b[2J"},
		"c1 control":  &ServerStarted{"\u0085"},
		"delete":      &ServerStarted{"\x7f"},
		"not utf-8":   &MachineRegistered{"\xff", ""},
		"too long":    &TechnicianAdded{Name: strings.Repeat("x", 513)},
		"a free type": &stranger{},
	} {
		if _, err := b.try(moment(9), e); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i, e := range samples() {
		for j := range e.fields() {
			if _, err := b.try(moment(9), spoil(t, e, j)); !errors.Is(err, ErrInvalid) {
				t.Errorf("sample %d, text field %d is not checked: %v", i, j, err)
			}
		}
	}
	r, err := Verify(t.Context(), b)
	must(t, err)
	if r.Entries != 1 {
		t.Errorf("%d entries", r.Entries)
	}
}

// spoil puts a control character into the text field number n of an event.
func spoil(t *testing.T, e Event, n int) Event {
	t.Helper()
	raw, err := json.Marshal(e)
	must(t, err)
	d := json.NewDecoder(strings.NewReader(string(raw)))
	var names []string
	for d.More() || len(names) == 0 {
		token, err := d.Token()
		must(t, err)
		name, ok := token.(string)
		if !ok {
			continue
		}
		value, err := d.Token()
		must(t, err)
		if _, text := value.(string); text {
			names = append(names, name)
		}
	}
	if len(names) != len(e.fields()) {
		t.Fatalf("%s has text fields %v, but checks %d", e.Type(), names, len(e.fields()))
	}
	var fields map[string]any
	must(t, json.Unmarshal(raw, &fields))
	fields[names[n]] = "a\x00b"
	raw, err = json.Marshal(fields)
	must(t, err)
	out := newEvent(e.Type())
	must(t, json.Unmarshal(raw, out))
	return out
}

// stranger is an event of no known type.
type stranger struct{}

func (*stranger) Type() string     { return "stranger" }
func (*stranger) keys() Keys       { return Keys{} }
func (*stranger) fields() []string { return nil }

func TestFieldsAtTheLimitFit(t *testing.T) {
	b := open(t)
	long := strings.Repeat("x", maxField)
	b.add(&SessionRequested{long, long, long, long, 1, long, long})
	// Characters that JSON must escape can still be too many for one entry.
	awkward := strings.Repeat("<", maxField)
	if _, err := b.try(moment(1), &SessionRequested{awkward, awkward, awkward, awkward, 1, awkward, awkward}); !errors.Is(err, ErrInvalid) {
		t.Errorf("error is %v", err)
	}
}

func TestRolledBackEntriesLeaveNoTrace(t *testing.T) {
	b := open(t)
	b.add(&ServerStarted{"1"})
	tx, err := b.BeginTx(t.Context(), nil)
	must(t, err)
	_, err = Append(t.Context(), tx, moment(1), &ServerStopped{})
	must(t, err)
	must(t, tx.Rollback())
	if e := b.add(&ServerStarted{"2"}); e[0].Number != 2 {
		t.Errorf("number is %d", e[0].Number)
	}
	_, err = Verify(t.Context(), b)
	must(t, err)
}

func TestSeveralEntriesInOneTransaction(t *testing.T) {
	b := open(t)
	tx, err := b.BeginTx(t.Context(), nil)
	must(t, err)
	for _, e := range samples() {
		_, err := Append(t.Context(), tx, moment(0), e)
		must(t, err)
	}
	must(t, tx.Commit())
	r, err := Verify(t.Context(), b)
	must(t, err)
	if r.Entries != 14 {
		t.Errorf("%d entries", r.Entries)
	}
}

func TestWritersTakeTurns(t *testing.T) {
	b := open(t)
	var all sync.WaitGroup
	failed := make(chan error, 40)
	for range 4 {
		all.Go(func() {
			for range 10 {
				if _, err := b.try(moment(0), &TechnicianDisabled{"x"}); err != nil {
					failed <- err
				}
			}
		})
	}
	all.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	r, err := Verify(t.Context(), b)
	must(t, err)
	if r.Entries != 40 {
		t.Errorf("%d entries", r.Entries)
	}
}

func TestAppendFailsWithoutItsTables(t *testing.T) {
	for name, spoil := range map[string]string{
		"no journal":   `drop table journal`,
		"no head":      `drop table journal_head`,
		"head emptied": `delete from journal_head`,
		"head cut":     `update journal_head set hash = x'00'`,
	} {
		b := open(t)
		b.tamper(spoil)
		if _, err := b.try(moment(0), &ServerStopped{}); err == nil {
			t.Errorf("%s: appended", name)
		}
	}
}

func TestEndedContextAppendsNothing(t *testing.T) {
	b := open(t)
	tx, err := b.BeginTx(t.Context(), nil)
	must(t, err)
	defer tx.Rollback()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Append(ctx, tx, moment(0), &ServerStopped{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func BenchmarkAppend(b *testing.B) {
	path := filepath.Join(b.TempDir(), "journal.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for _, s := range Statements() {
		if _, err := db.ExecContext(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		tx, err := db.BeginTx(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Append(b.Context(), tx, moment(0), samples()[9]); err != nil {
			b.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
}
