// SPDX-License-Identifier: Apache-2.0

package journal

// treeTables makes the tables of the tree. The triggers refuse to change or delete
// anything but what a purge has passed.
func treeTables() []string {
	return []string{
		`create table journal (
			number  integer primary key,
			at      integer not null,
			type    text    not null,
			session text    not null,
			login   text    not null,
			machine text    not null,
			salt    blob    not null,
			body    blob    not null
		) strict`,
		`create table journal_hash (
			position integer primary key, -- as package tlog numbers them
			hash     blob not null
		) strict`,
		`create table journal_head (
			one    integer primary key check (one = 1),
			number integer not null, -- of the last entry
			root   blob    not null, -- of the tree of that many
			purged integer not null  -- up to this number only held entries are left
		) strict`,
		`create table journal_checkpoint (
			size integer primary key,
			at   integer not null, -- Unix seconds
			note blob    not null
		) strict`,
	}
}

func treeIndexes() []string {
	return []string{
		`create index journal_session on journal (session) where session <> ''`,
		`create index journal_login on journal (login, number) where login <> ''`,
		`create index journal_machine on journal (machine, number) where machine <> ''`,
		`create index journal_at on journal (at)`,
		`create index journal_upkeep on journal (type, number)
			where type in ('session.held', 'session.released', 'journal.purged', 'journal.retention')`,
	}
}

func treeTriggers() []string {
	out := []string{
		`create trigger journal_no_update before update on journal` + refuse,
		`create trigger journal_no_delete before delete on journal
			when old.number > (select purged from journal_head)` + refuse,
		`create trigger journal_head_no_delete before delete on journal_head` + refuse,
		`create trigger journal_head_forward before update on journal_head
			when not (new.number = old.number + 1 and new.purged = old.purged)
			and not (new.number = old.number and new.root = old.root and new.purged >= old.purged and new.purged <= old.number)` + refuse,
	}
	for _, table := range []string{"journal_hash", "journal_checkpoint"} {
		out = append(out,
			`create trigger `+table+`_no_update before update on `+table+refuse,
			`create trigger `+table+`_no_delete before delete on `+table+refuse)
	}
	return out
}

// refuse is what a trigger does.
const refuse = ` begin select raise(abort, 'the journal is append-only'); end`
