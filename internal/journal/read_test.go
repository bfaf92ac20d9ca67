// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func numbers(list []Entry) string {
	var out []string
	for _, e := range list {
		out = append(out, fmt.Sprint(e.Number))
	}
	return strings.Join(out, " ")
}

func TestListReadsBackWhatWasAppended(t *testing.T) {
	b := open(t)
	wrote := b.add(samples()...)
	read, err := List(t.Context(), b, Filter{})
	must(t, err)
	if len(read) != len(wrote) {
		t.Fatalf("%d entries", len(read))
	}
	for i, got := range read {
		want := wrote[len(wrote)-1-i]
		if got.Number != want.Number || !got.At.Equal(want.At) || got.Leaf != want.Leaf || !bytes.Equal(got.Body, want.Body) ||
			fmt.Sprintf("%+v", got.Event) != fmt.Sprintf("%+v", want.Event) {
			t.Errorf("read %+v, wrote %+v", got, want)
		}
	}
}

func TestListFiltersAndPages(t *testing.T) {
	b := open(t)
	b.add(samples()[:14]...)
	b.add(&TechnicianDisabled{Login: "denis"}, &SessionEnded{"52", "denis", "111111111111", 1, "host", ""})
	for _, tc := range []struct {
		filter Filter
		want   string
	}{
		{Filter{Limit: 3}, "16 15 14"},
		{Filter{Limit: 3, Before: 13}, "12 11 10"},
		{Filter{Limit: 3, Before: 2}, "1"},
		{Filter{Limit: 3, Before: 1}, ""},
		{Filter{Limit: -1}, "16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1"},
		{Filter{Keys: Keys{Login: "denis"}}, "16 15"},
		{Filter{Type: "session.reported"}, "14"},
		{Filter{Type: "session.reported", Keys: Keys{Login: "claire"}, Before: 14}, ""},
		{Filter{Type: "no such event"}, ""},
		{Filter{Keys: Keys{Session: "51"}}, "14 13 12 11 10"},
		{Filter{Keys: Keys{Machine: "482917305566"}}, "14 13 12 11 10 9"},
		{Filter{Keys: Keys{Login: "claire", Session: "51"}, Limit: 2, Before: 13}, "12 11"},
		{Filter{Keys: Keys{Login: "claire", Machine: "111111111111"}}, ""},
		{Filter{Keys: Keys{Login: "' or 1=1 --"}}, ""},
	} {
		list, err := List(t.Context(), b, tc.filter)
		must(t, err)
		if got := numbers(list); got != tc.want {
			t.Errorf("%+v gives %q, want %q", tc.filter, got, tc.want)
		}
	}
}

func TestListIsBounded(t *testing.T) {
	b := open(t)
	tx, err := b.BeginTx(t.Context(), nil)
	must(t, err)
	for range 1010 {
		_, err := Append(t.Context(), tx, moment(0), &ServerStopped{})
		must(t, err)
	}
	must(t, tx.Commit())
	for limit, want := range map[int]int{0: 100, 5000: 1000} {
		list, err := List(t.Context(), b, Filter{Limit: limit})
		must(t, err)
		if len(list) != want {
			t.Errorf("limit %d gives %d", limit, len(list))
		}
	}
}

func TestListUsesItsIndexes(t *testing.T) {
	b := open(t)
	b.add(samples()[:14]...)
	for index, f := range map[string]Filter{
		"journal_session": {Keys: Keys{Session: "51"}},
		"journal_login":   {Keys: Keys{Login: "claire"}},
		"journal_machine": {Keys: Keys{Machine: "482917305566"}},
	} {
		where, args := f.where()
		rows, err := b.QueryContext(t.Context(), `explain query plan select number from journal`+where+` order by number desc`, args...)
		must(t, err)
		plan := ""
		for rows.Next() {
			var id, parent, unused int
			var detail string
			must(t, rows.Scan(&id, &parent, &unused, &detail))
			plan += detail
		}
		must(t, rows.Close())
		if !strings.Contains(plan, index) {
			t.Errorf("%s is not used: %s", index, plan)
		}
	}
}

func TestTriggersRefuseChanges(t *testing.T) {
	b := open(t)
	b.add(samples()[:14]...)
	b.sign(20)
	for _, query := range []string{
		`update journal set body = x'00' where number = 1`,
		`update journal_hash set hash = hash`,
		`delete from journal_hash where position = 0`,
		`update journal_checkpoint set note = note`,
		`delete from journal_checkpoint`,
		`update journal_head set purged = number + 1`,
		`update journal_head set purged = 3`,
		`delete from journal where number = 14`,
		`delete from journal`,
		`delete from journal_head`,
		`update journal_head set number = 1`,
		`update journal_head set root = zeroblob(32)`,
		`insert into journal_head values (2, 0, zeroblob(32), 0)`,
		`insert or replace into journal values (1, 0, '', '', '', '', x'00', x'00')`,
	} {
		_, err := b.ExecContext(t.Context(), query)
		if err == nil {
			_, err = Verify(t.Context(), b, b.key)
		}
		if err == nil {
			t.Errorf("%s goes unnoticed", query)
		}
	}
}

func TestVerifyFindsEveryKindOfTampering(t *testing.T) {
	for name, query := range map[string]string{
		"a word changed":         `update journal set body = cast(replace(cast(body as text), 'Claire', 'Clara') as blob)`,
		"a time changed":         `update journal set at = at + 1 where number = 5`,
		"a type changed":         `update journal set type = 'server.stopped' where number = 5`,
		"a login changed":        `update journal set login = 'denis' where number = 5`,
		"a session changed":      `update journal set session = '52' where number = 12`,
		"a machine changed":      `update journal set machine = '0' where number = 12`,
		"a hash changed":         `update journal_hash set hash = zeroblob(32) where position = 5`,
		"a hash cut":             `update journal_hash set hash = x'00' where position = 5`,
		"the first cut off":      `delete from journal where number = 1`,
		"one cut out":            `delete from journal where number = 5`,
		"the last cut off":       `delete from journal where number = 14`,
		"all cut off":            `delete from journal`,
		"a salt changed":         `update journal set salt = zeroblob(16) where number = 5`,
		"a hash cut out":         `delete from journal_hash where position = 5`,
		"a leaf's hash cut out":  `delete from journal_hash where position = 0`,
		"a hash added":           `insert into journal_hash values (100000, zeroblob(32))`,
		"a hash before":          `insert into journal_hash values (-1, zeroblob(32))`,
		"a checkpoint changed":   `update journal_checkpoint set note = cast(replace(cast(note as text), 'checkpoint 14', 'checkpoint 13') as blob)`,
		"a checkpoint's time":    `update journal_checkpoint set at = at + 1`,
		"a checkpoint's size":    `update journal_checkpoint set size = 13`,
		"a checkpoint to come":   `update journal_checkpoint set size = 15`,
		"another checkpoint":     `insert into journal_checkpoint select 13, at, note from journal_checkpoint`,
		"purged without a word":  `update journal_head set purged = 3`,
		"purged and cut out":     `update journal_head set purged = 14; delete from journal where number < 3`,
		"renumbered":             `update journal set number = 15 where number = 14`,
		"one added":              `insert into journal select 15, at, type, session, login, machine, salt, body from journal where number = 14`,
		"the head set back":      `update journal_head set number = 13`,
		"the head's root":        `update journal_head set root = zeroblob(32)`,
		"the head cut":           `update journal_head set root = x''`,
		"another head":           `drop table journal_head; create table journal_head (one, number, root, purged)`,
		"the head gone":          `delete from journal_head`,
		"bytes gone":             `update journal set body = x'' where number = 5`,
		"a field added":          `update journal set body = cast(replace(cast(body as text), '"v":1', '"v":1,"x":1') as blob) where number = 5`,
		"an unknown type":        `update journal set body = cast(replace(cast(body as text), 'server.', 'servant.') as blob) where number = 1`,
		"another version":        `update journal set body = cast(replace(cast(body as text), '"v":1', '"v":2') as blob) where number = 5`,
		"bytes after the end":    `update journal set body = cast(cast(body as text) || ' 1' as blob) where number = 5`,
		"white space added":      `update journal set body = cast(cast(body as text) || ' ' as blob) where number = 5`,
		"two bodies swapped":     `update journal set body = (select body from journal j where j.number = 15 - journal.number) where number in (7, 8)`,
		"a field of the event":   `update journal set body = cast(replace(cast(body as text), '"rights":3', '"rights":7') as blob)`,
		"an unknown event field": `update journal set body = cast(replace(cast(body as text), '"rights"', '"right"') as blob) where number = 10`,
	} {
		b := open(t)
		b.add(samples()[:14]...)
		b.sign(20)
		_, err := Verify(t.Context(), b, b.key)
		must(t, err)
		b.tamper(query)
		if _, err := Verify(t.Context(), b, b.key); !errors.Is(err, ErrTampered) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifyNamesTheEntry(t *testing.T) {
	b := open(t)
	b.add(samples()[:14]...)
	b.tamper(`update journal set body = cast(replace(cast(body as text), 'IT', 'HR') as blob)`)
	if r, err := Verify(t.Context(), b, b.key); err == nil || !strings.Contains(err.Error(), "entry 3") || r.Entries != 2 {
		t.Errorf("report %+v, error %v", r, err)
	}
}

// Who recomputes the whole chain is found out only by the head noted elsewhere.
func TestRewrittenChainHasAnotherHead(t *testing.T) {
	b := open(t)
	b.add(samples()[:14]...)
	honest, err := Verify(t.Context(), b, b.key)
	must(t, err)
	forged := open(t)
	events := samples()[:14]
	events[3] = &TechnicianEnrolled{"claire", "198.51.100.7", "d1"}
	forged.add(events...)
	r, err := Verify(t.Context(), forged, forged.key)
	must(t, err)
	if r.Root == honest.Root {
		t.Error("the head does not depend on every entry")
	}
}

func TestReadingFailsPlainlyWithoutTheTable(t *testing.T) {
	b := open(t)
	b.tamper(`drop table journal`)
	if _, err := List(t.Context(), b, Filter{}); err == nil {
		t.Error("listed")
	}
	if _, err := Verify(t.Context(), b, b.key); err == nil || errors.Is(err, ErrTampered) {
		t.Errorf("error is %v", err)
	}
}

// Stored bytes that are read back and encoded again are the same bytes.
func FuzzDecode(f *testing.F) {
	for i, e := range samples() {
		body, err := encode(int64(i), moment(0), e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(`{"v":1,"n":1,"t":0,"type":"server.stopped","data":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, e, err := decode(body)
		if err != nil {
			if !errors.Is(err, ErrTampered) {
				t.Errorf("error is %v", err)
			}
			return
		}
		if e.Type() != s.Type {
			t.Errorf("type %s is read as %s", s.Type, e.Type())
		}
	})
}
