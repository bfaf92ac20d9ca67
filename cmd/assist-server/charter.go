// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"assist/internal/server"
)

func charterCommands() group {
	return group{"assist-server charter", []command{
		{"show", "show what the unit allows, and whether something awaits a signature", runCharterShow},
		{"policy", "show or change rights, times, source addresses, zones", runCharterPolicy},
		{"draft", "write the next charter to a file, for a unit key kept elsewhere", runCharterDraft},
		{"sign", "sign: here, or a draft where the unit key is kept", runCharterSign},
		{"publish", "make a charter signed elsewhere the one that counts", runCharterPublish},
		{"revoke", "close a technician's account, here at once", runCharterRevoke},
		{"rotate", "change the unit key", runCharterRotate},
	}}
}

func runCharter(ctx context.Context, p *program, args []string) error {
	return charterCommands().dispatch(ctx, p, args)
}

// runCharterShow prints the text byte for byte with --text, for whoever checks its signature with
// other tools.
func runCharterShow(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "charter show", "Shows the charter in force, as lines to read or, with --text, as it was signed.")
	text := f.Bool("text", false, "print the signed text itself")
	epoch := f.Uint64("epoch", 0, "one of the past, with --text (default: the newest)")
	if err := parse(p, f, args); err != nil {
		return err
	}
	return with(*dir, func(s *server.Server) error {
		if *text || *epoch != 0 {
			b, err := s.CharterText(ctx, *epoch)
			if err != nil {
				return err
			}
			_, err = p.out.Write(b)
			return err
		}
		st, err := s.Standing(ctx)
		if err != nil {
			return err
		}
		return showStanding(p, st)
	})
}

// showStanding fails when there is a charter that is not to be believed, for scripts.
func showStanding(p *program, st server.Standing) error {
	if st.Charter == nil {
		fmt.Fprintln(p.out, "There is no charter, so nobody may help.")
		if st.Err != nil {
			return st.Err
		}
		return showHints(p, st)
	}
	c := st.Charter
	fmt.Fprintf(p.out, "Charter epoch %d, signed %s, good until %s.\n\n", c.Epoch, date(time.Unix(c.Issued, 0)), date(time.Unix(c.Expires, 0)))
	for _, line := range server.Describe(c) {
		fmt.Fprintf(p.out, "  %s\n", line)
	}
	fmt.Fprintln(p.out)
	return showHints(p, st)
}

// showHints says what an administrator has to do, and what to worry about.
func showHints(p *program, st server.Standing) error {
	if st.Pending {
		fmt.Fprintln(p.out, "Something has changed since and awaits a signature: \"charter sign\" here, or \"charter draft\"\nfor a unit key that is kept elsewhere.")
	}
	switch {
	case st.Expired:
		warn(p, "the charter ran out, so nobody may help. Sign a new one.")
	case st.ExpiresSoon:
		warn(p, "the charter ends soon; then nobody may help. Sign a new one.")
	}
	if st.KeyHere {
		warn(p, "the unit key lies on this server: who breaks into it, and learns the passphrase, can\nsign technicians. Move unit.key to a machine of your own (docs/server.md, \"The charter\").")
	}
	return nil
}

// warn prints a sentence in red.
func warn(p *program, text string) { fmt.Fprintf(p.out, "\x1b[31mWARNING:\x1b[0m %s\n", text) }

// runCharterDraft prints what to type on the other machine: it is done four times a year.
func runCharterDraft(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "charter draft", "Writes the next charter to a new file, unsigned. Take it to the machine where the\nunit key is kept, and sign it there. After a restore the apps have seen newer ones: --above is the newest\nepoch, as the refusal of a draft without it says.")
	out := f.String("out", "", "file to make (required)")
	above := f.Uint64("above", 0, "epoch that the charter's must exceed, after a restore: the newest that was signed")
	if err := parse(p, f, args); err != nil {
		return err
	}
	if *out == "" {
		return required(p, "charter draft", "--out is")
	}
	return with(*dir, func(s *server.Server) error {
		if err := s.WriteDraft(ctx, *out, *above); err != nil {
			return err
		}
		_, err := fmt.Fprintf(p.out, "Wrote %s. Where the unit key is kept, run:\n\n  assist-server charter sign --key unit.key --draft %s --out charter.txt\n", *out, filepath.Base(*out))
		return err
	})
}

// required says which flags are missing.
func required(p *program, command, what string) error {
	fmt.Fprintf(p.err, "assist-server %s: %s required\n", command, what)
	return errUsage
}

func runCharterSign(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "charter sign", "Without --draft: draws up the charter, signs it with the unit key of the data\ndirectory, shows what changes, asks, and publishes it. With --draft: signs a draft, on any machine; nothing\nbut the key is needed. Certificates that are missing or end soon are made, too.")
	file := f.String("passphrase-file", "", "file with the passphrase (default: it is asked for)")
	key := f.String("key", "", "unit key file, with --draft")
	draft := f.String("draft", "", "draft to sign")
	out := f.String("out", "", "file to make, with --draft")
	yes := f.Bool("yes", false, "do not ask whether the changes are meant")
	var o server.SignOptions
	f.IntVar(&o.Days, "days", 0, "days that the charter is good for (default 90, at most 366)")
	f.Uint64Var(&o.After, "above", 0, "number that the charter's epoch must exceed, after a restore")
	if err := parse(p, f, args); err != nil {
		return err
	}
	if *draft != "" {
		if *key == "" || *out == "" {
			return required(p, "charter sign", "with --draft, --key and --out are")
		}
		return signDraft(p, draftFiles{*key, *draft, *out, *file, *yes}, o)
	}
	if *key != "" || *out != "" {
		return required(p, "charter sign", "with --key or --out, --draft is")
	}
	return with(*dir, func(s *server.Server) error {
		// Before the passphrase is asked for: nobody should type it for nothing.
		if st, err := s.Standing(ctx); err != nil || !st.KeyHere {
			return errors.Join(err, errKeyElsewhere)
		}
		pass, err := passphrase(p, *file)
		if err != nil {
			return err
		}
		if *yes {
			return signHere(ctx, p, s, pass, o)
		}
		return signAsked(ctx, p, s, pass, o)
	})
}

// errKeyElsewhere: where the unit key is kept, there is what signs.
var errKeyElsewhere = errors.New("the unit key is not in the data directory: run \"charter draft\" here, and \"charter sign --draft\" where the key is kept")

// signAsked publishes what a person has read and confirmed, and nothing else.
func signAsked(ctx context.Context, p *program, s *server.Server, pass string, o server.SignOptions) error {
	sayIfNothingWaits(ctx, p, s)
	next, err := s.PrepareCharter(ctx, pass, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "Charter epoch %d, good until %s. Against the one in force:\n\n", next.Charter.Epoch, date(time.Unix(next.Charter.Expires, 0)))
	for _, line := range next.Changes {
		fmt.Fprintf(p.out, "  %s\n", line)
	}
	if len(next.Changes) == 0 {
		fmt.Fprintln(p.out, "  nothing but the time until which it is good")
	}
	if err := confirm(p, "\nIs that what you mean? Then it counts at once. Type yes: "); err != nil {
		return err
	}
	epoch, err := s.PublishCharter(ctx, next.Text)
	if err != nil {
		return err
	}
	return showPublished(ctx, p, s, epoch)
}

// sayIfNothingWaits: signing once more is how a charter is renewed, and no error.
func sayIfNothingWaits(ctx context.Context, p *program, s *server.Server) {
	if waits, err := s.Pending(ctx); err == nil && !waits {
		fmt.Fprintln(p.out, "Nothing waits for a signature; the charter is signed once more.")
	}
}

// showPublished says what counts now, and what is wrong with a key on a server.
func showPublished(ctx context.Context, p *program, s *server.Server, epoch uint64) error {
	st, err := s.Standing(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "Charter epoch %d is published, good until %s.\n", epoch, date(time.Unix(st.Charter.Expires, 0)))
	return showHints(p, st)
}

// signHere publishes without a question, and says what changed.
func signHere(ctx context.Context, p *program, s *server.Server, pass string, o server.SignOptions) error {
	sayIfNothingWaits(ctx, p, s)
	before, err := s.Standing(ctx)
	if err != nil {
		return err
	}
	epoch, err := s.SignCharter(ctx, pass, o)
	if err != nil {
		return err
	}
	// Of what counts now: another process may have published in between.
	after, err := s.Standing(ctx)
	if err != nil {
		return err
	}
	for _, line := range server.Changes(before.Charter, after.Charter) {
		fmt.Fprintf(p.out, "  %s\n", line)
	}
	return showPublished(ctx, p, s, epoch)
}

// draftFiles are those of a signing away from the server.
type draftFiles struct {
	key, draft, out, passphrase string
	yes                         bool
}

// signDraft works offline: a person reads what will change, then confirms it.
func signDraft(p *program, f draftFiles, o server.SignOptions) error {
	if _, err := os.Lstat(f.out); err == nil {
		return fmt.Errorf("%s is there already: name another file with --out", f.out) // before anybody has read and confirmed
	}
	d, err := server.ReadDraft(f.draft)
	if err != nil {
		return err
	}
	pass, err := passphrase(p, f.passphrase)
	if err != nil {
		return err
	}
	signer, err := server.OpenSigner(f.key, pass)
	if err != nil {
		return err
	}
	// Signed first and shown then: what is read is what leaves, and not what a draft says of itself.
	signed, err := signer.Sign(d, o)
	if err != nil {
		return err
	}
	showSigned(p, signed, "signed with this key")
	if !f.yes {
		if err := confirm(p, "\nIs that what you mean? Type yes: "); err != nil {
			return err
		}
	}
	if err := signer.Keep(signed, f.out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "\nSigned: %s. On the server, run:\n\n  assist-server charter publish --from %s\n", f.out, f.out)
	return err
}

// showSigned is what a person reads before a signature leaves the key's machine.
func showSigned(p *program, signed *server.Signed, before string) {
	fmt.Fprintf(p.out, "Charter of %q, epoch %d, good until %s. Against the last one %s:\n\n",
		signed.Charter.Unit, signed.Charter.Epoch, date(time.Unix(signed.Charter.Expires, 0)), before)
	for _, line := range signed.Changes {
		fmt.Fprintf(p.out, "  %s\n", line)
	}
	if len(signed.Changes) == 0 {
		fmt.Fprintln(p.out, "  nothing but its number and its dates")
	}
}

// Errors of a signing that nobody confirmed.
var (
	errNotMeant = errors.New("nothing was signed and nothing has changed: the answer was not \"yes\"")
	errNoAnswer = errors.New("nothing was signed and nothing has changed: nobody is there to ask. Run it in a terminal, or read the lines above and add --yes")
)

// confirm wants a person to type yes. Where nobody can, as in a script without a terminal,
// that is no yes.
func confirm(p *program, question string) error {
	fmt.Fprint(p.err, question) // as ask does: what is printed may go to a file
	said, err := bufio.NewReader(p.in).ReadString('\n')
	switch {
	case strings.TrimSpace(said) == "yes":
		return nil
	case err != nil && said == "":
		fmt.Fprintln(p.err)
		return errNoAnswer
	}
	return errNotMeant
}

// runCharterPublish asks nothing: what is signed was read and confirmed where it was signed.
func runCharterPublish(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "charter publish", "Checks a charter that was signed elsewhere, and makes it the one that counts. A\nrunning server tells every machine and technician within a second.")
	from := f.String("from", "", "file that \"charter sign\" made (required)")
	rotation := f.String("rotation", "", "file that \"charter rotate\" made, for a new unit key")
	if err := parse(p, f, args); err != nil {
		return err
	}
	if *from == "" {
		return required(p, "charter publish", "--from is")
	}
	text, err := os.ReadFile(*from)
	if err != nil {
		return err
	}
	return with(*dir, func(s *server.Server) error {
		if *rotation != "" {
			return publishRotation(ctx, p, s, *rotation, text)
		}
		epoch, err := s.PublishCharter(ctx, text)
		if err != nil {
			return explainPublished(err, *from, text)
		}
		_, err = fmt.Fprintf(p.out, "Charter epoch %d is published.\n", epoch)
		return err
	})
}

// runCharterRevoke is "technician disable" under the name that people look for in a hurry.
func runCharterRevoke(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "charter revoke", "Closes a technician's account. This server ends its sessions and connections\nwithin five seconds; machines hear of it by the next charter.")
	login := f.String("login", "", "whose account (required)")
	file := f.String("passphrase-file", "", "file with the passphrase: sign and publish at once")
	if err := parse(p, f, args); err != nil {
		return err
	}
	return disable(ctx, p, "charter revoke", *dir, *login, *file)
}

// settle signs and publishes what was changed, where that can be done without
// asking; elsewhere it says what is left to do.
func settle(ctx context.Context, p *program, s *server.Server, file string) error {
	if waits, err := s.Pending(ctx); err != nil || !waits {
		return err
	}
	pass := ""
	switch {
	case file != "":
		var err error
		if pass, err = readPassphrase(file); err != nil {
			return err
		}
	case s.SignsItself():
		var err error
		if pass, err = s.StoredPassphrase(); err != nil {
			return err
		}
	default:
		_, err := fmt.Fprint(p.out, "It is in the charter once that is signed: \"charter sign\" here, or \"charter draft\" for a unit key\nkept elsewhere. (Not needed when the server was started with --passphrase-file.)\n")
		return err
	}
	return signHere(ctx, p, s, pass, server.SignOptions{})
}

// intFlag is a number that was given, or nil. That it was given is asked of the flag set: any
// default could be a number that somebody means.
func intFlag(f *flag.FlagSet, name string, value *int) *int {
	var given *int
	f.Visit(func(one *flag.Flag) {
		if one.Name == name {
			given = value
		}
	})
	return given
}

// textFlag is a text that was given, or nil: an empty one is a value too, and refused as such.
func textFlag(f *flag.FlagSet, name string, value *string) *string {
	var given *string
	f.Visit(func(one *flag.Flag) {
		if one.Name == name {
			given = value
		}
	})
	return given
}
