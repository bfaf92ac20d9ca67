// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

// tampers does what the triggers forbid, as whoever can write the database does, without
// any key.
func (r *rig) tampers(queries ...string) {
	r.t.Helper()
	triggers, err := texts(r.t.Context(), r.store.reader, `select name from sqlite_master where type = 'trigger' and name like 'journal%'`)
	must(r.t, err)
	for _, name := range triggers {
		queries = append([]string{`drop trigger ` + name}, queries...)
	}
	for _, q := range queries {
		_, err := r.store.writer.ExecContext(r.t.Context(), q)
		must(r.t, err)
	}
}

// rewrites makes another journal: each entry goes through change, and those that it does
// not return never were.
func (r *rig) rewrites(change func(journal.Event) journal.Event) {
	r.t.Helper()
	list, err := journal.After(r.t.Context(), r.store.reader, 0, 1000)
	must(r.t, err)
	r.tampers(`delete from journal`, `delete from journal_hash`, `delete from journal_checkpoint`,
		`update journal_head set number = 0, root = x'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'`)
	for _, e := range list {
		if event := change(e.Event); event != nil {
			must(r.t, r.store.write(r.t.Context(), func(t *transaction) error { return t.record(e.At, event) }))
		}
	}
}

// without leaves every entry of a type out.
func without[E journal.Event](e journal.Event) journal.Event {
	if _, is := e.(E); is {
		return nil
	}
	return e
}

// guarded is a journal with something to hide, signed.
func guarded(t *testing.T) *rig {
	t.Helper()
	r := unserved(t)
	for range 3 {
		must(t, r.record(t.Context(), &journal.LoginRefused{Login: "mallory", Address: "203.0.113.9", At: "login"}))
	}
	r.advance(time.Minute)
	_, err := r.checkpoint(t.Context())
	must(t, err)
	r.verifiesJournal(nil)
	return r
}

// verifiesJournal fails unless every look at the journal says what is wanted.
func (r *rig) verifiesJournal(want error) {
	r.t.Helper()
	_, err := r.VerifyJournal(r.t.Context())
	if !errors.Is(err, want) || (want == nil && err != nil) {
		r.t.Errorf("verify says %v, want %v", err, want)
	}
	if saw := r.lookAtJournal(r.t.Context(), Standing{}); saw.met != (want == nil) {
		r.t.Errorf("compliance says %+v", saw)
	}
	var f Findings
	f.database(r.t.Context(), r.Server)
	if f.Bad() != (want != nil) {
		r.t.Errorf("check says %v", f)
	}
}

// Whoever can write the database, and nothing else, cannot make another journal that
// verifies, nor have the server sign it.
func TestAJournalRewrittenWithoutAnyKeyIsFound(t *testing.T) {
	for name, tamper := range map[string]func(r *rig){
		"rewritten": func(r *rig) { r.rewrites(without[*journal.LoginRefused]) },
		"another entry in its place": func(r *rig) {
			r.rewrites(func(e journal.Event) journal.Event {
				if l, is := e.(*journal.LoginRefused); is {
					l.Login = "claire"
				}
				return e
			})
		},
		"rewritten, and gone on": func(r *rig) {
			r.rewrites(without[*journal.LoginRefused])
			for range 9 {
				must(t, r.record(t.Context(), &journal.LoginRefused{Login: "claire", Address: "203.0.113.9", At: "login"}))
			}
		},
		"emptied":                         func(r *rig) { r.rewrites(func(journal.Event) journal.Event { return nil }) },
		"put back from an older database": func(r *rig) { r.cutBack() },
	} {
		t.Run(name, func(t *testing.T) {
			r := guarded(t)
			tamper(r)
			r.verifiesJournal(ErrHistory)
			if _, err := r.checkpoint(t.Context()); !errors.Is(err, ErrHistory) {
				t.Errorf("signed: %v", err)
			}
			if _, err := r.Purge(t.Context(), "root", true); !errors.Is(err, ErrHistory) {
				t.Errorf("purged: %v", err)
			}
			if _, err := r.ExportJournal(t.Context(), &strings.Builder{}, FormatNDJSON, JournalKeys{}, Who{"rssi", "review"}); !errors.Is(err, ErrHistory) {
				t.Errorf("exported: %v", err)
			}
			if last, err := journal.Newest(t.Context(), r.store.reader); err != nil || last.Size > 20 {
				t.Errorf("newest is %+v, %v", last, err)
			}
			r.verifiesJournal(ErrHistory)
		})
	}
}

// cutBack takes the journal back to its first checkpoint.
func (r *rig) cutBack() {
	r.t.Helper()
	var size int64
	var note []byte
	must(r.t, r.store.reader.QueryRowContext(r.t.Context(), `select size, note from journal_checkpoint order by size limit 1`).Scan(&size, &note))
	a, err := r.openAnchor(note)
	must(r.t, err)
	hashes := 2*size - int64(ones(size))
	r.tampers()
	for _, q := range []struct {
		text string
		arg  any
	}{
		{`delete from journal where number > ?`, size}, {`delete from journal_hash where position >= ?`, hashes},
		{`delete from journal_checkpoint where size > ?`, size}, {`update journal_head set number = ?`, size}, {`update journal_head set root = ?`, a.root[:]},
	} {
		_, err := r.store.writer.ExecContext(r.t.Context(), q.text, q.arg)
		must(r.t, err)
	}
	_, err = journal.Verify(r.t.Context(), r.store.reader, r.journal.Public())
	must(r.t, err) // by itself it is right
}

// ones counts the bits that are set.
func ones(n int64) (count int) {
	for ; n > 0; n &= n - 1 {
		count++
	}
	return count
}

// Checkpoints that were taken out of the database are missed, and entries that nobody
// signed count for nothing, also in a data directory without the file.
func TestEntriesWithoutACheckpointDoNotVerify(t *testing.T) {
	r := guarded(t)
	r.tampers(`delete from journal_checkpoint`)
	r.verifiesJournal(ErrHistory)
	must(t, os.Remove(r.path(fileCheckpoint)))
	r.verifiesJournal(ErrHistory)
	if _, err := r.checkpoint(t.Context()); !errors.Is(err, ErrHistory) {
		t.Errorf("signed: %v", err)
	}
	r = guarded(t)
	b, err := os.ReadFile(r.path(fileCheckpoint))
	must(t, err)
	b[len(b)-5] ^= 1
	must(t, os.WriteFile(r.path(fileCheckpoint), b, 0o600))
	r.verifiesJournal(ErrHistory)
}

// A data directory of an earlier version has its checkpoints in the database alone.
func TestADirectoryWithoutTheFileGetsIt(t *testing.T) {
	r := guarded(t)
	must(t, os.Remove(r.path(fileCheckpoint)))
	r.verifiesJournal(nil)
	r.run()
	waitFor(t, func() bool { a, err := r.anchored(); return err == nil && a != nil })
}

// The file follows the database, and is in the backup.
func TestTheNewestCheckpointIsKeptInAFile(t *testing.T) {
	r := guarded(t)
	for range 2 {
		must(t, r.record(t.Context(), &journal.TechnicianDisabled{Login: "claire"}))
		c, err := r.checkpoint(t.Context())
		must(t, err)
		a, err := r.anchored()
		must(t, err)
		if a.size != c.Size || string(a.note) != string(c.Note) {
			t.Errorf("kept %d, signed %d", a.size, c.Size)
		}
	}
	older, err := journal.Newest(t.Context(), r.store.reader)
	must(t, err)
	must(t, r.record(t.Context(), &journal.TechnicianDisabled{Login: "claire"}))
	_, err = r.checkpoint(t.Context())
	must(t, err)
	must(t, r.keep(t.Context(), older, false)) // another process was slower
	if a, err := r.anchored(); err != nil || a.size != older.Size+1 {
		t.Errorf("it went back to %+v, %v", a, err)
	}
	r.rewritten.Store(true) // and the unit vouched for what there is meanwhile
	if must(t, r.markSoon(t.Context())); r.rewritten.Load() {
		t.Error("a running server does not notice that all is well again")
	}
	to := t.TempDir() + "/copy"
	must(t, r.Backup(t.Context(), to))
	is, err := os.ReadFile(r.path(fileCheckpoint))
	must(t, err)
	copied, err := os.ReadFile(to + "/" + fileCheckpoint)
	must(t, err)
	if string(is) != string(copied) {
		t.Error("the backup has another")
	}
}

// A server that starts on such a journal says so, shows it to nobody and takes no request,
// until the unit vouches for what there is; beside a running server, too.
func TestAServerDoesNotGoOnFromARewrittenJournal(t *testing.T) {
	log := &lockedBuffer{}
	r := guarded(t)
	r.log = textLog(log)
	r.limits.kick = 20 * time.Millisecond
	p := r.enrolled("claire")
	_, err := r.checkpoint(t.Context())
	must(t, err)
	r.rewrites(without[*journal.LoginRefused])
	r.run()
	waitFor(t, func() bool { return strings.Contains(log.String(), "journal restart") })
	r.host(0)
	c, cert := r.technician(p)
	_, env := r.request(p, cert, r.fix.numbers[0])
	c.send(&wire.Ask{TOTP: r.code(p, 0), Request: env})
	c.refused(wire.RefusedJournal)
	if _, err := r.Server.witness(t.Context(), &wire.CheckpointAsk{}); !errors.Is(err, ErrHistory) {
		t.Errorf("shown: %v", err)
	}
	other, err := Open(r.dir, Options{})
	must(t, err)
	defer other.Close()
	other.now = r.now
	must(t, other.RestartJournal(context.Background(), testPassphrase, Who{"root", "it is what there is"}))
	waitFor(t, func() bool { return !r.rewritten.Load() })
	w := r.witness()
	must(t, r.host(1).watches(w))
	r.verifiesJournal(nil)
}

// The unit vouches for a journal, not for a database that contradicts itself.
func TestADamagedJournalIsNotVouchedFor(t *testing.T) {
	r := guarded(t)
	r.tampers(`update journal set at = at + 1 where number = 2`)
	if err := r.RestartJournal(t.Context(), testPassphrase, Who{"root", "never mind"}); !errors.Is(err, journal.ErrTampered) {
		t.Errorf("error is %v", err)
	}
	if _, err := os.Stat(r.path(fileRestart)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a restart was made: %v", err)
	}
	r = guarded(t)
	other, err := r.fix.unit.SignRestart(trust.Restart{Issued: r.now().Unix(), Key: r.journal.Public(), Size: 2, Root: [32]byte{1}})
	must(t, err)
	if err := r.PublishRestart(t.Context(), other); !errors.Is(err, trust.ErrRestart) {
		t.Errorf("of another tree: %v", err)
	}
}

// Whoever can write the database, and has no key, can drop its triggers, take out the older
// checkpoints and call single entries purged: nothing that is signed goes unnoticed, and the
// server goes on from none of it, also while a checkpoint that they made up stands beside it.
func TestAPurgeThatNobodyMadeIsNoHistory(t *testing.T) {
	for name, beside := range map[string]string{
		"alone":                       `select 1`,
		"with a checkpoint of theirs": `insert into journal_checkpoint select size - 1, at - 40000000, x'00' from journal_checkpoint`,
	} {
		t.Run(name, func(t *testing.T) { purgeNobodyMade(t, beside) })
	}
}

func purgeNobodyMade(t *testing.T, beside string) {
	r := guarded(t)
	_, err := r.checkpoint(t.Context())
	must(t, err)
	size, err := journal.Size(t.Context(), r.store.reader)
	must(t, err)
	size-- // of the two checkpoints one is taken out, and one may stand in its place
	sum := sha256.New()
	for n := int64(2); n <= size; n++ {
		sum.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
	}
	r.tampers(`delete from journal_checkpoint where size < (select max(size) from journal_checkpoint)`)
	r.tampers(beside)
	must(t, r.store.write(t.Context(), func(t *transaction) error {
		err := t.record(r.now(), &journal.JournalPurged{By: "server", Before: r.now().AddDate(-1, 0, 0).Unix(), Through: size,
			Entries: 1, Kept: size - 1, List: hex.EncodeToString(sum.Sum(nil))})
		for _, change := range []string{`update journal_head set purged = number - 2`, `delete from journal where number = 1`} {
			if err == nil {
				_, err = t.exec(change)
			}
		}
		return err
	}))
	if _, err := r.VerifyJournal(t.Context()); !errors.Is(err, journal.ErrTampered) {
		t.Errorf("verify says %v", err)
	}
	if _, err := r.checkpoint(t.Context()); !errors.Is(err, ErrHistory) {
		t.Errorf("signed: %v", err)
	}
	if _, err := r.Server.witness(t.Context(), &wire.CheckpointAsk{}); !errors.Is(err, ErrHistory) {
		t.Errorf("shown to an app: %v", err)
	}
}
