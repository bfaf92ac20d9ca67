// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver that the server uses
)

// book is a journal in a database of its own.
type book struct {
	*sql.DB
	t   *testing.T
	key *testKey
}

// testKey signs by writing down: what is tested here is what is signed, not how.
type testKey struct{ broken bool }

func (k *testKey) SignCheckpoint(size int64, root [32]byte, at time.Time) ([]byte, error) {
	if k.broken {
		return nil, errors.New("no key")
	}
	return fmt.Appendf(nil, "checkpoint %d %x %d", size, root, at.Unix()), nil
}

func (k *testKey) OpenCheckpoint(note []byte) (size int64, root [32]byte, at time.Time, err error) {
	var hash []byte
	var seconds int64
	_, err = fmt.Sscanf(string(note), "checkpoint %d %x %d", &size, &hash, &seconds)
	if err == nil && (len(hash) != 32 || fmt.Sprintf("checkpoint %d %x %d", size, hash, seconds) != string(note)) {
		err = errors.New("not a checkpoint")
	}
	if err != nil {
		return 0, root, at, err
	}
	return size, [32]byte(hash), time.Unix(seconds, 0).UTC(), nil
}

func (k *testKey) SignExport(sum [32]byte) ([]byte, error) {
	if k.broken {
		return nil, errors.New("no key")
	}
	return fmt.Appendf(nil, "export %x", sum), nil
}

func (k *testKey) OpenExport(note []byte) (sum [32]byte, err error) {
	var hash []byte
	_, err = fmt.Sscanf(string(note), "export %x", &hash)
	if err == nil && (len(hash) != 32 || fmt.Sprintf("export %x", hash) != string(note)) {
		err = errors.New("not an export")
	}
	if err != nil {
		return sum, err
	}
	return [32]byte(hash), nil
}

var update = flag.Bool("update", false, "write the golden files anew")

func open(t *testing.T) *book {
	t.Helper()
	b := bare(t)
	for _, s := range Statements() {
		b.exec(s)
	}
	b.within(func(tx *sql.Tx) error { return FromChain(t.Context(), tx, moment(0)) })
	return b
}

// bare is a database without any table.
func bare(t *testing.T) *book {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)")
	must(t, err)
	t.Cleanup(func() { db.Close() })
	return &book{db, t, &testKey{}}
}

// within runs f in a transaction that must succeed.
func (b *book) within(f func(*sql.Tx) error) {
	b.t.Helper()
	must(b.t, b.attempt(f))
}

func (b *book) attempt(f func(*sql.Tx) error) error {
	tx, err := b.BeginTx(b.t.Context(), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
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
	for _, trigger := range treeTriggers() {
		b.exec("drop trigger if exists " + strings.Fields(trigger)[2])
	}
	b.exec(query, args...)
}

// Each type has a file of its stored bytes. A change there breaks every journal that
// was ever written, and whatever reads exports.
func TestEveryEventHasSchema(t *testing.T) {
	b := open(t)
	known := map[string]bool{}
	for i, e := range b.add(samples()...) {
		path := filepath.Join("testdata", "events", e.Event.Type()+".json")
		known[path] = true
		if *update {
			must(t, os.WriteFile(path, append(e.Body, '\n'), 0o644))
		}
		want, err := os.ReadFile(path)
		if err != nil || string(want) != string(e.Body)+"\n" {
			t.Errorf("%s: %v, entry is\n%s", path, err, e.Body)
		}
		if e.Number != int64(i+1) || !e.At.Equal(moment(int64(i)).Truncate(time.Millisecond)) {
			t.Errorf("entry %d is numbered %d at %v", i+1, e.Number, e.At)
		}
	}
	files, err := filepath.Glob(filepath.Join("testdata", "events", "*"))
	must(t, err)
	for _, f := range files {
		if !known[f] {
			t.Errorf("%s is of no event", f)
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
	if n := len(Names()); n != len(seen) {
		t.Errorf("%d types have samples, %d are in the list", len(seen), n)
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

// The tree as a reader of the stored bytes would compute it, by hand (RFC 6962).
func TestTreeIsComputedOverTheStoredBytes(t *testing.T) {
	b := open(t)
	var leaves [][32]byte
	for _, e := range b.add(samples()[:14]...) {
		leaf := sha256.Sum256(slices.Concat([]byte{0}, e.Salt, e.Body))
		if e.Leaf != leaf || len(e.Salt) != 16 {
			t.Fatalf("entry %d has leaf %x, want %x", e.Number, e.Leaf, leaf)
		}
		leaves = append(leaves, leaf)
	}
	r, err := Verify(t.Context(), b, b.key)
	must(t, err)
	if r.Root != rootOf(leaves) || r.Entries != int64(len(leaves)) || !r.First.Equal(moment(0).Truncate(time.Millisecond)) {
		t.Errorf("report is %+v", r)
	}
}

// rootOf is section 2.1 of RFC 6962, word for word.
func rootOf(leaves [][32]byte) [32]byte {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	left, right := rootOf(leaves[:k]), rootOf(leaves[k:])
	return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
}

func TestEmptyJournalVerifies(t *testing.T) {
	r, err := Verify(t.Context(), open(t), &testKey{})
	must(t, err)
	if r.Entries+r.Purged+r.Signed != 0 || r.Doubts.All != 0 || !r.First.IsZero() || r.Root != sha256.Sum256(nil) {
		t.Errorf("report is %+v", r)
	}
}

// Entries of before it was recorded who did something are read as they are.
func TestEntriesWithoutAnAccountAreRead(t *testing.T) {
	for _, name := range []string{"technician.added", "technician.certified", "technician.disabled", "technician.opened", "policy.changed",
		"charter.published", "unit.rekeyed", "server.key-announced", "server.key-changed", "machine.released"} {
		b, err := os.ReadFile(filepath.Join("testdata", "events", name+".json"))
		must(t, err)
		text, by, found := strings.Cut(string(b), `,"by":`)
		if !found {
			t.Fatalf("%s names nobody: %s", name, b)
		}
		if _, _, err := decode([]byte(text + by[strings.Index(by, "}"):])); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAppendRefusesWhatIsNotPlain(t *testing.T) {
	b := open(t)
	b.add(&ServerStarted{"1"})
	for name, e := range map[string]Event{
		"nothing":     nil,
		"line break":  &TechnicianDisabled{Login: "a\nb"},
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
	r, err := Verify(t.Context(), b, b.key)
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
	b.add(&SessionRequested{long, long, long, long, 1, long, long, strings.Repeat("x", maxSigned)})
	// Characters that JSON must escape can still be too many for one entry.
	awkward := strings.Repeat("<", maxField)
	if _, err := b.try(moment(1), &SessionRequested{awkward, awkward, awkward, awkward, 1, awkward, awkward, ""}); !errors.Is(err, ErrInvalid) {
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
	_, err = Verify(t.Context(), b, b.key)
	must(t, err)
}

func TestSeveralEntriesInOneTransaction(t *testing.T) {
	b := open(t)
	tx, err := b.BeginTx(t.Context(), nil)
	must(t, err)
	for _, e := range samples()[:14] {
		_, err := Append(t.Context(), tx, moment(0), e)
		must(t, err)
	}
	must(t, tx.Commit())
	r, err := Verify(t.Context(), b, b.key)
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
				if _, err := b.try(moment(0), &TechnicianDisabled{Login: "x"}); err != nil {
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
	r, err := Verify(t.Context(), b, b.key)
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
		"head cut":     `update journal_head set root = x'00'`,
		"no tree":      `drop table journal_hash`,
		"tree cut":     `delete from journal_hash`,
		"hash cut":     `update journal_hash set hash = x'00'`,
	} {
		b := open(t)
		b.add(&ServerStarted{"1"})
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
	tx, err := db.BeginTx(b.Context(), nil)
	if err == nil {
		err = errors.Join(FromChain(b.Context(), tx, moment(0)), tx.Commit())
	}
	if err != nil {
		b.Fatal(err)
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
