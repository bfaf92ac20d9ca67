// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"assist/internal/journal"
	"assist/internal/server"
	"assist/internal/trust"
)

func journalCommands() group {
	return group{"assist-server journal", []command{
		{"list", "print entries, newest first", runJournalList},
		{"verify", "compute the whole journal, or an exported file, again", runJournalVerify},
		{"export", "write a copy that can be verified elsewhere, or a table", runJournalExport},
		{"purge", "erase what is older than the retention now", runJournalPurge},
		{"hold", "keep the entries of a session under dispute, or let them go", runJournalHold},
		{"key", "print the key that signs the journal", runJournalKey},
		{"restart", "vouch for a restored journal, with the unit key", runJournalRestart},
	}}
}

func runJournal(ctx context.Context, p *program, args []string) error {
	return journalCommands().dispatch(ctx, p, args)
}

// who is recorded: see account.
func who(reason string) server.Who { return server.Who{By: account(), Reason: reason} }

// chooses are the keys by which entries are found without being read.
func chooses(f *flag.FlagSet, k *server.JournalKeys) {
	f.StringVar(&k.Login, "login", "", "only entries of this technician")
	f.StringVar(&k.Machine, "machine", "", "only entries of this machine, 12 digits")
	f.StringVar(&k.Session, "session", "", "only entries of this session")
}

// aboutReason: reading the journal is reading about people, so each look has a reason.
const aboutReason = "why you look; it is recorded, with your account (required)"

// runJournalList pages by number: several entries may be of one second.
func runJournalList(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "journal list", "Prints entries of the journal, newest first, one a line; times are this server's local\nones. That you looked is recorded.")
	raw := f.Bool("json", false, "print each entry as it is stored, one JSON object a line")
	var q server.JournalFilter
	f.IntVar(&q.Limit, "limit", 100, "at most this many, up to 1000")
	f.Int64Var(&q.Before, "before", 0, "only entries with a smaller number, to page")
	f.StringVar(&q.Type, "event", "", "only events of this name, as session.reported")
	chooses(f, &q.Keys)
	reason := f.String("reason", "", aboutReason)
	if err := parse(p, f, args); err != nil {
		return err
	}
	return with(*dir, func(s *server.Server) error {
		list, err := s.Journal(ctx, q, who(*reason))
		if err != nil {
			return explainReason(err)
		}
		if !*raw {
			return showEntries(p, list)
		}
		for _, e := range list {
			if _, err := fmt.Fprintf(p.out, "%s\n", e.Body); err != nil {
				return err
			}
		}
		return nil
	})
}

// explainReason says which flag is missing.
func explainReason(err error) error {
	if errors.Is(err, server.ErrReason) {
		return errors.New("say why: --reason \"…\"; it is recorded, with your account")
	}
	if errors.Is(err, server.ErrNoEvent) { // a mistyped one would read as "it never happened"
		return fmt.Errorf("no event has the name that --event gives; these are all: %s", strings.Join(journal.Names(), " "))
	}
	return err
}

// runJournalVerify goes on from the tree to the sessions: a tree can be whole, and say what its ends
// did not sign.
func runJournalVerify(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "journal verify", "Computes every hash of the journal again, checks every checkpoint, and looks for times\nthat cannot be. With --file it\nverifies an exported file instead, by --key alone: no server is needed.")
	file := f.String("file", "", "an exported file (NDJSON), or - for standard input")
	text := f.String("key", "", "key of the journal, as \"journal key\" prints it; for --file")
	if err := parse(p, f, args); err != nil {
		return err
	}
	if *file != "" {
		return verifyFile(p, *file, *text)
	}
	return with(*dir, func(s *server.Server) error {
		r, err := s.VerifyJournal(ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.out, "%s: %s, of which purged in good order: %d; %s, the newest of %s; root %s\n", verdict("The journal", r.Doubts.All),
			entries(r.Entries), r.Purged, counted(int64(r.Checkpoints), "checkpoint", "checkpoints"), entries(r.Signed), r.Root)
		if err != nil {
			return err
		}
		// All of it is told: a time that cannot be must not hide a signature that is wrong.
		return errors.Join(showDoubts(p, r.Doubts.Told, r.Doubts.All), showSessions(ctx, p, s))
	})
}

// verdict is on something whose hashes are right.
func verdict(what string, doubts int) string {
	if doubts > 0 {
		return what + "'s hashes verify, not all of its times do"
	}
	return what + " verifies"
}

// showDoubts says which times cannot be.
func showDoubts(p *program, told []string, all int) error {
	if all == 0 {
		return nil
	}
	for _, d := range told {
		_, _ = fmt.Fprintf(p.out, "  cannot be: %s\n", d)
	}
	return fmt.Errorf("%s in the journal cannot be", counted(int64(all), "time", "times"))
}

// showSessions says what the signatures of the sessions' two ends show, bad or good.
func showSessions(ctx context.Context, p *program, s *server.Server) error {
	r, err := s.VerifySessions(ctx)
	if err != nil && !errors.Is(err, server.ErrSigned) {
		return err
	}
	for _, f := range r.Faults {
		_, _ = fmt.Fprintf(p.out, "  wrong: %s\n", f)
	}
	state := "signatures of both ends in order"
	if err != nil {
		state = "signatures wrong or missing " + counted(int64(r.Faulty), "time", "times")
	}
	_, _ = fmt.Fprintf(p.out, "Sessions: %d granted, %s; %d of them unclosed (the machine never signed their end), %d closed by an unsigned goodbye\n",
		r.Granted, state, len(r.Unclosed), len(r.Unsigned))
	for _, id := range r.Unclosed {
		_, _ = fmt.Fprintf(p.out, "  unclosed: %s\n", id)
	}
	for _, id := range r.Unsigned {
		_, _ = fmt.Fprintf(p.out, "  unsigned goodbye: %s\n", id)
	}
	return err
}

// verifyFile believes the key that it is given, never one from the file: whoever made the file up
// would have put theirs into it.
func verifyFile(p *program, file, text string) error {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || trust.CheckKey(key) != nil {
		return errors.New("--key must be the journal's key, as \"assist-server journal key\" prints it on the server")
	}
	in := io.ReadCloser(p.in) // not ours to close
	if file != "-" {
		if in, err = os.Open(file); err != nil {
			return err
		}
		defer func() { _ = in.Close() }()
	}
	r, err := server.VerifyExport(in, key)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "%s: unit %q, exported %s; %s, %d purged; checkpoint of %s, signed %s\n", verdict("The file", r.Doubts.All), r.Unit,
		r.At.Format("2006-01-02T15:04:05Z"), entries(r.Entries), r.Purged, entries(r.Size), r.Signed.Format("2006-01-02T15:04:05Z"))
	return errors.Join(err, showDoubts(p, r.Doubts.Told, r.Doubts.All))
}

// runJournalExport leaves no half of a file, which could be taken for the whole.
func runJournalExport(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "journal export", "Writes entries, oldest first: NDJSON with proofs, for \"journal verify --file\", or CSV.\nThat you did is recorded.")
	var k server.JournalKeys
	chooses(f, &k)
	reason := f.String("reason", "", aboutReason)
	format := f.String("format", server.FormatNDJSON, "ndjson or csv")
	to := f.String("to", "", "file to make (default: standard output)")
	if err := parse(p, f, args); err != nil {
		return err
	}
	if *format != server.FormatNDJSON && *format != server.FormatCSV {
		return errors.New("--format is ndjson or csv")
	}
	return with(*dir, func(s *server.Server) error {
		if *to == "" {
			_, err := s.ExportJournal(ctx, p.out, *format, k, who(*reason))
			return explainReason(err)
		}
		// Never over another file; and for its owner alone, being about people.
		out, err := os.OpenFile(*to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		n, err := s.ExportJournal(ctx, out, *format, k, who(*reason))
		// On the disk before it is said to be written: what was purged since is in no other place.
		err = errors.Join(explainReason(err), out.Sync(), out.Close())
		if err != nil {
			return errors.Join(err, os.Remove(*to))
		}
		_, err = fmt.Fprintf(p.out, "Wrote %s to %s.\n", entries(n), *to)
		return err
	})
}

// runJournalPurge needs no reason: the retention that the unit chose is one.
func runJournalPurge(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "journal purge", "Erases what is older than journal.retention_months, but for sessions on hold. A running\nserver does it every day. That it was done is recorded; the journal stays provable.")
	sure := f.Bool("clock-is-right", false, "purge although nothing was recorded for a month, or the newest entry is of after now")
	if err := parse(p, f, args); err != nil {
		return err
	}
	return with(*dir, func(s *server.Server) error {
		done, err := s.Purge(ctx, who("").By, *sure)
		switch {
		case err != nil:
			return err
		case done == nil:
			_, err = fmt.Fprintln(p.out, "Nothing is old enough.")
		default:
			_, err = fmt.Fprintf(p.out, "Erased %s up to number %d; on hold: %d.\n", entries(done.Entries), done.Through, done.Kept)
		}
		return err
	})
}

// runJournalHold lists without a reason: numbers of sessions say nothing of people.
func runJournalHold(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "journal hold", "Keeps the entries of a session whatever their age, or, with --release, lets them be\npurged again. Without --session it lists what is on hold.")
	session := f.String("session", "", "the session, 32 hexadecimal digits")
	reason := f.String("reason", "", "why; it is recorded, with your account (required with --session)")
	release := f.Bool("release", false, "let it go")
	if err := parse(p, f, args); err != nil {
		return err
	}
	return with(*dir, func(s *server.Server) error {
		if *session != "" {
			hold, said := s.Hold, "The session %s is on hold: its entries stay whatever their age.\n"
			if *release {
				hold, said = s.Release, "The session %s is no longer on hold: its entries go with the others of their age.\n"
			}
			if err := hold(ctx, *session, who(*reason)); err != nil {
				return explainReason(err)
			}
			_, err := fmt.Fprintf(p.out, said, *session)
			return err
		}
		list, err := s.Held(ctx)
		for _, id := range list {
			_, _ = fmt.Fprintln(p.out, id)
		}
		return err
	})
}

// runJournalKey prints a public key; a copy of it must not come from the server that is doubted.
func runJournalKey(_ context.Context, p *program, args []string) error {
	f, dir := flags(p, "journal key", "Prints the public key that signs the journal's checkpoints and exports. Keep a copy\nwhere exports are verified.")
	if err := parse(p, f, args); err != nil {
		return err
	}
	return with(*dir, func(s *server.Server) error {
		_, err := fmt.Fprintln(p.out, base64.StdEncoding.EncodeToString(s.JournalKey()))
		return err
	})
}
