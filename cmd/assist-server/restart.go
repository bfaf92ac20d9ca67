// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"assist/internal/server"
)

// restartFlags are those of "journal restart". All but reason are names of files; which of them are
// given tells the step.
type restartFlags struct {
	passphrase, reason, draft, key, sign, out, publish string
}

// runJournalRestart is four commands in one, for a day on which nobody wants to look for them.
func runJournalRestart(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "journal restart", "After a restore: apps keep the newest checkpoint they saw, and refuse a server whose\njournal is older. This has the unit key vouch for the journal as it is now. Run it once,\nbefore the server starts, and write down why. For a unit key kept elsewhere: --draft here,\n--sign there, --publish here.")
	var o restartFlags
	f.StringVar(&o.passphrase, "passphrase-file", "", "file with the unit key's passphrase (default: it is asked for)")
	f.StringVar(&o.reason, "reason", "", "why; it is recorded, with your account (required, but for --sign and --publish)")
	f.StringVar(&o.draft, "draft", "", "file to make: what the unit key must sign")
	f.StringVar(&o.sign, "sign", "", "draft to sign, on any machine, with --key and --out")
	f.StringVar(&o.key, "key", "", "unit key file, with --sign")
	f.StringVar(&o.out, "out", "", "file to make, with --sign")
	f.StringVar(&o.publish, "publish", "", "file that --sign made: from now on it counts")
	if err := parse(p, f, args); err != nil {
		return err
	}
	// Flags of two steps together are refused, not guessed at: it is a bad day, and done once.
	switch {
	case o.sign != "" && (o.key == "" || o.out == ""):
		return required(p, "journal restart", "with --sign, --key and --out are")
	case o.sign == "" && (o.key != "" || o.out != ""):
		return required(p, "journal restart", "with --key or --out, --sign is")
	case o.sign != "":
		return signRestart(p, o)
	case o.publish != "":
		return publishRestart(ctx, p, *dir, o.publish)
	case o.draft != "":
		return draftRestart(ctx, p, *dir, o)
	}
	pass, err := passphrase(p, o.passphrase)
	if err != nil {
		return err
	}
	return with(*dir, func(s *server.Server) error {
		return explainReason(s.RestartJournal(ctx, pass, who(o.reason)))
	})
}

// draftRestart is the first of three steps: the tree as it is here, for the unit key to read.
func draftRestart(ctx context.Context, p *program, dir string, o restartFlags) error {
	return with(dir, func(s *server.Server) error {
		if err := s.WriteRestart(ctx, o.draft, who(o.reason)); err != nil {
			return explainReason(err)
		}
		_, err := fmt.Fprintf(p.out, "Wrote %s. Where the unit key is kept, run:\n\n  assist-server journal restart --key unit.key --sign %s --out restart.txt\n", o.draft, filepath.Base(o.draft))
		return err
	})
}

// signRestart works offline: a person reads what they vouch for, then confirms it.
func signRestart(p *program, o restartFlags) error {
	d, err := server.ReadRestart(o.sign)
	if err != nil {
		return err
	}
	pass, err := passphrase(p, o.passphrase)
	if err != nil {
		return err
	}
	signer, err := server.OpenSigner(o.key, pass)
	if err != nil {
		return err
	}
	b, err := signer.SignRestart(d, time.Now())
	if err != nil {
		return err
	}
	// In UTC: the key's machine may stand in another zone than the server.
	_, _ = fmt.Fprintf(p.out, "The journal of %q is to count as it was on %s, with %s; every app forgets what it saw of it\nsince. Asked for by %q: %q\n",
		d.Unit, d.At.UTC().Format(time.RFC3339), entries(d.Size), d.By, d.Reason)
	if o.passphrase == "" { // one from a file is a script's, which has nobody to ask
		if err := confirm(p, "\nIs that what you mean? Type yes: "); err != nil {
			return err
		}
	}
	if err := server.KeepRestart(o.out, b); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "\nSigned: %s. On the server, run:\n\n  assist-server journal restart --publish %s\n", o.out, o.out)
	return err
}

// publishRestart is the last: the journal must still hold the tree that was signed.
func publishRestart(ctx context.Context, p *program, dir, from string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return with(dir, func(s *server.Server) error {
		if err := s.PublishRestart(ctx, b); err != nil {
			return err
		}
		_, err := fmt.Fprintln(p.out, "The unit vouches for the journal from here on.")
		return err
	})
}
