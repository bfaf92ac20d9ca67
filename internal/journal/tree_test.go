// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// sign makes a checkpoint at a moment.
func (b *book) sign(at int64) Checkpoint {
	b.t.Helper()
	var c Checkpoint
	b.within(func(tx *sql.Tx) (err error) {
		c, err = Sign(b.t.Context(), tx, b.key, moment(at))
		return err
	})
	return c
}

func (b *book) verify() Report {
	b.t.Helper()
	r, err := Verify(b.t.Context(), b, b.key)
	must(b.t, err)
	return r
}

func TestCheckpointSaysWhereTheTreeStands(t *testing.T) {
	b := open(t)
	entries := b.add(samples()[:5]...)
	c := b.sign(30)
	size, root, at, err := b.key.OpenCheckpoint(c.Note)
	must(t, err)
	var leaves [][32]byte
	for _, e := range entries {
		leaves = append(leaves, e.Leaf)
	}
	if size != 5 || c.Size != 5 || root != rootOf(leaves) || at.Unix() != moment(30).Unix() {
		t.Errorf("%+v says %d entries, root %x, %v", c, size, root, at)
	}
	if again := b.sign(99); !bytes.Equal(again.Note, c.Note) {
		t.Error("nothing was recorded, yet there is another checkpoint")
	}
	b.add(samples()[5])
	if later := b.sign(99); later.Size != 6 {
		t.Errorf("the next one is of %d entries", later.Size)
	}
	r := b.verify()
	if r.Checkpoints != 2 || r.Signed != 6 {
		t.Errorf("report is %+v", r)
	}
	newest, err := Newest(t.Context(), b)
	must(t, err)
	if newest.Size != 6 || !newest.At.Equal(at.Add(69e9)) {
		t.Errorf("newest is %+v", newest)
	}
}

func TestNoKeyNoCheckpoint(t *testing.T) {
	b := open(t)
	b.add(samples()[0])
	b.key.broken = true
	err := b.attempt(func(tx *sql.Tx) error {
		_, err := Sign(t.Context(), tx, b.key, moment(1))
		return err
	})
	if err == nil {
		t.Error("signed")
	}
	if c, err := Newest(t.Context(), b); err != nil || c.Note != nil {
		t.Errorf("kept %+v, %v", c, err)
	}
}

// Every tree continues every smaller one, and the proof of another does not pass.
func TestEveryTreeContinuesEverySmallerOne(t *testing.T) {
	b := open(t)
	var roots []tlog.Hash
	for i := range 20 {
		b.add(samples()[i%14])
		h, err := readHead(t.Context(), b)
		must(t, err)
		roots = append(roots, h.root)
	}
	for newer := int64(1); newer <= 20; newer++ {
		for older := int64(1); older < newer; older++ {
			proof, err := Continues(t.Context(), b, newer, older)
			must(t, err)
			if err := tlog.CheckTree(proof, newer, roots[newer-1], older, roots[older-1]); err != nil {
				t.Errorf("%d continues %d: %v", newer, older, err)
			}
			if tlog.CheckTree(proof, newer, roots[newer-1], older, roots[newer-1]) == nil {
				t.Errorf("%d continues a tree of %d that was not", newer, older)
			}
		}
	}
	for _, older := range []int64{-1, 0, 20, 21} {
		if proof, err := Continues(t.Context(), b, 20, older); err != nil || proof != nil {
			t.Errorf("%d: %v, %v", older, proof, err)
		}
	}
}

// chained makes a journal as the first version left it.
func chained(t *testing.T, bodies []string) *book {
	t.Helper()
	b := bare(t)
	for _, s := range Statements() {
		b.exec(s)
	}
	var prev [32]byte
	for i, text := range bodies {
		body := fmt.Appendf(nil, `{"v":1,"n":%d,"t":%d,%s}`, i+1, moment(int64(i)).UnixMilli(), text)
		leaf := sha256.Sum256(append([]byte{0}, body...))
		prev = sha256.Sum256(slices.Concat([]byte{1}, prev[:], leaf[:]))
		s, e, err := decode(body)
		must(t, err)
		k := e.keys()
		b.exec(`insert into journal values (?,?,?,?,?,?,?,?)`, i+1, s.AtMilli, s.Type, k.Session, k.Login, k.Machine, body, prev[:])
		b.exec(`update journal_head set number = ?, hash = ?`, i+1, prev[:])
	}
	return b
}

// first are the stored bytes of the first version, one of each type.
func first() []string {
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

func (b *book) fromChain() error {
	return b.attempt(func(tx *sql.Tx) error { return FromChain(b.t.Context(), tx, moment(50)) })
}

// What the first version wrote stays readable, byte for byte, and becomes a tree.
func TestChainBecomesATree(t *testing.T) {
	for _, n := range []int{1, 14, 3 * batch} {
		bodies := slices.Repeat(first(), n/14+1)[:n]
		b := chained(t, bodies)
		var last []byte
		must(t, b.QueryRow(`select hash from journal_head`).Scan(&last))
		must(t, b.fromChain())
		r := b.verify()
		if r.Entries != int64(n)+1 || r.Purged != 0 {
			t.Errorf("%d entries: report is %+v", n, r)
		}
		list, err := List(t.Context(), b, Filter{Limit: 2})
		must(t, err)
		m, ok := list[0].Event.(*JournalMigrated)
		if !ok || m.Entries != int64(n) || m.Head != hex.EncodeToString(last) {
			t.Errorf("%d entries: the newest is %s", n, list[0].Body)
		}
		want := fmt.Sprintf(`{"v":1,"n":%d,"t":%d,%s}`, n, moment(int64(n-1)).UnixMilli(), bodies[n-1])
		if string(list[1].Body) != want {
			t.Errorf("entry %d is now %s", n, list[1].Body)
		}
	}
}

// A chain that was tampered with must not become a tree that verifies.
func TestBrokenChainIsLeftAlone(t *testing.T) {
	for name, query := range map[string]string{
		"a word":      `update journal set body = cast(replace(cast(body as text), 'Claire', 'Clara') as blob)`,
		"a column":    `update journal set login = 'denis' where number = 5`,
		"a hash":      `update journal set hash = zeroblob(32) where number = 5`,
		"cut out":     `delete from journal where number = 5`,
		"cut off":     `delete from journal where number = 14`,
		"the head":    `update journal_head set hash = zeroblob(32)`,
		"no head":     `delete from journal_head`,
		"head behind": `update journal_head set number = 13`,
	} {
		b := chained(t, first())
		for _, trigger := range []string{"journal_no_update", "journal_no_delete", "journal_head_no_delete", "journal_head_forward"} {
			b.exec("drop trigger " + trigger)
		}
		b.exec(query)
		if err := b.fromChain(); !errors.Is(err, ErrTampered) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := b.Exec(`select hash from journal`); err != nil {
			t.Errorf("%s: the chain is gone: %v", name, err)
		}
	}
}

func TestFromChainNeedsTheChain(t *testing.T) {
	b := bare(t)
	if err := b.fromChain(); err == nil || errors.Is(err, ErrTampered) {
		t.Errorf("error is %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Verify(ctx, open(t), &testKey{}); err == nil {
		t.Error("verified after the end")
	}
}

// Every column of every row of every table, changed in every byte: always an error.
func TestEveryColumnOfEveryRowCounts(t *testing.T) {
	path, total := "", 0
	for _, table := range []string{"journal", "journal_hash", "journal_head", "journal_checkpoint"} {
		for _, column := range columnsOf(t, table) {
			b := filled(t)
			if path == "" {
				b.verify()
				path = "checked"
			}
			for _, trigger := range treeTriggers() {
				b.exec("drop trigger " + strings.Fields(trigger)[2])
			}
			b.exec("pragma ignore_check_constraints = 1")
			total += b.flipEach(table, column)
		}
	}
	if total < 1000 {
		t.Errorf("only %d changes were tried", total)
	}
}

// filled is a small journal with everything in it: purged and held entries too.
func filled(t *testing.T) *book {
	b := open(t)
	b.add(samples()[:10]...)
	b.add(&SessionHeld{"51", "rssi", "contested"})
	b.sign(8)
	b.sign(40)
	b.within(func(tx *sql.Tx) error {
		_, err := Purge(t.Context(), tx, Purging{moment(50), moment(9), "server", b.key})
		return err
	})
	b.add(samples()[3])
	b.sign(60)
	return b
}

func columnsOf(t *testing.T, table string) []string {
	t.Helper()
	b := open(t)
	rows, err := b.Query(`select name from pragma_table_info(?)`, table)
	must(t, err)
	defer rows.Close()
	var out []string
	for rows.Next() {
		var name string
		must(t, rows.Scan(&name))
		out = append(out, name)
	}
	return out
}

// flipEach changes one value after another and puts it back.
func (b *book) flipEach(table, column string) int {
	b.t.Helper()
	rows, err := b.Query(`select rowid, ` + column + ` from ` + table)
	must(b.t, err)
	type cell struct {
		row   int64
		value any
	}
	var cells []cell
	for rows.Next() {
		var c cell
		must(b.t, rows.Scan(&c.row, &c.value))
		cells = append(cells, c)
	}
	must(b.t, rows.Close())
	tried := 0
	for _, c := range cells {
		for _, changed := range variants(c.value) {
			tried++
			b.flip(table, column, c.row, changed)
		}
	}
	return tried
}

// flip looks at one change inside a transaction, so that it leaves no trace.
func (b *book) flip(table, column string, row int64, value any) {
	b.t.Helper()
	tx, err := b.BeginTx(b.t.Context(), nil)
	must(b.t, err)
	defer tx.Rollback()
	if _, err := tx.Exec(`update `+table+` set `+column+` = ? where rowid = ?`, value, row); err != nil {
		return // the database itself refuses
	}
	if _, err := Verify(b.t.Context(), tx, b.key); !errors.Is(err, ErrTampered) {
		b.t.Errorf("%s.%s of row %d as %v: %v", table, column, row, value, err)
	}
}

// variants are a value with one thing changed.
func variants(value any) []any {
	var out []any
	switch v := value.(type) {
	case int64:
		out = append(out, v+1, v-1, v^1<<40)
	case string:
		out = append(out, v+"x")
		for i := range v {
			out = append(out, v[:i]+string(rune(v[i]^1))+v[i+1:])
		}
	case []byte:
		out = append(out, append(bytes.Clone(v), 0), v[:len(v)-1])
		for i := range v {
			c := bytes.Clone(v)
			c[i] ^= 1 << (i % 8)
			out = append(out, c)
		}
	}
	return out
}

// What was signed earlier holds as long as the tree begins with it, and no longer.
func TestTheTreeHoldsWhatWasSigned(t *testing.T) {
	b := open(t)
	type signed struct {
		size int64
		root Hash
	}
	var all []signed
	for range 20 {
		size, root, err := Head(t.Context(), b)
		must(t, err)
		all = append(all, signed{size, root})
		b.add(&ServerStarted{"1"})
	}
	nine := all[9].root
	for _, s := range all {
		must(t, Holds(t.Context(), b, s.size, s.root))
		if s.root[3] ^= 1; s.size > 0 && !errors.Is(Holds(t.Context(), b, s.size, s.root), ErrTampered) {
			t.Errorf("another root of %d is held", s.size)
		}
	}
	size, root, err := Head(t.Context(), b)
	must(t, err)
	must(t, Holds(t.Context(), b, size, root))
	if err := Holds(t.Context(), b, size+1, root); !errors.Is(err, ErrTampered) {
		t.Errorf("more than there is: %v", err)
	}
	root[0] ^= 1
	if err := Holds(t.Context(), b, size, root); !errors.Is(err, ErrTampered) {
		t.Errorf("another root of all: %v", err)
	}
	// Stored hashes alone, without the head, count for nothing: it is the head that is signed.
	b.tamper(`update journal_head set root = x'` + strings.Repeat("00", 32) + `'`)
	if err := Holds(t.Context(), b, all[9].size, nine); !errors.Is(err, ErrTampered) {
		t.Errorf("a head of another tree: %v", err)
	}
}
