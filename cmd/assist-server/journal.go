// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/hex"
	"fmt"

	"assist/internal/server"
)

func journalCommands() group {
	return group{"assist-server journal", []command{
		{"list", "print entries, newest first", runJournalList},
		{"verify", "recompute the whole chain", runJournalVerify},
	}}
}

func runJournal(ctx context.Context, p *program, args []string) error {
	return journalCommands().dispatch(ctx, p, args)
}

func runJournalList(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "journal list", "Prints entries of the journal, newest first, each as it is stored.")
	var q server.JournalFilter
	f.IntVar(&q.Limit, "limit", 100, "at most this many, up to 1000")
	f.Int64Var(&q.Before, "before", 0, "only entries with a smaller number, to page")
	f.StringVar(&q.Login, "login", "", "only entries of this technician")
	f.StringVar(&q.Machine, "machine", "", "only entries of this machine, 12 digits")
	f.StringVar(&q.Session, "session", "", "only entries of this session")
	if err := parse(p, f, args); err != nil {
		return err
	}
	return with(*dir, server.Options{}, func(s *server.Server) error {
		list, err := s.Journal(ctx, q)
		for _, e := range list {
			fmt.Fprintf(p.out, "%d %s %s\n", e.Number, e.At.Format("2006-01-02T15:04:05.000Z"), e.Body)
		}
		return err
	})
}

func runJournalVerify(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "journal verify", "Recomputes every hash of the journal. Note the head elsewhere from time to time:\nwho can rewrite the whole file can recompute it as well, but not your note.")
	if err := parse(p, f, args); err != nil {
		return err
	}
	return with(*dir, server.Options{}, func(s *server.Server) error {
		r, err := s.VerifyJournal(ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.out, "The journal verifies: %d entries, head %s\n", r.Entries, hex.EncodeToString(r.Head[:]))
		return err
	})
}
