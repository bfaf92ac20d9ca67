// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"assist/internal/server"
)

// technicianCommands has "sign" a second time: whoever has just invited somebody looks for it here.
func technicianCommands() group {
	return group{"assist-server technician", []command{
		{"add", "invite a technician, and print the enrolment code", runAdd},
		{"list", "list the technicians", runList},
		{"disable", "close an account, and end its sessions", runDisable},
		{"open", "let an external technician in for some hours", runOpen},
		{"photo", "set, show or remove the photo beside a technician's name", runPhoto},
		{"sign", "sign what waits for it: the same as \"charter sign\"", runCharterSign},
	}}
}

func runTechnician(ctx context.Context, p *program, args []string) error {
	return technicianCommands().dispatch(ctx, p, args)
}

// runAdd prints the code once: the database has its hash alone.
func runAdd(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "technician add", "Invites a technician. The code it prints is good once, for a day (code_hours):\nhand it over in person or by telephone. An account that was disabled is invited\nanew, with new factors.")
	var who server.Technician
	f.StringVar(&who.Login, "login", "", "what the technician logs in with (required)")
	f.StringVar(&who.Name, "name", "", "the person's name, as users will read it (required)")
	f.StringVar(&who.Role, "role", "", "the person's role, as users will read it (required)")
	f.BoolVar(&who.External, "external", false, "somebody from outside, let in for hours at a time (technician open)")
	zones := f.String("zones", "", "restricted zones this person may enter, separated by commas")
	if err := parse(p, f, args); err != nil {
		return err
	}
	if who.Login == "" || who.Name == "" || who.Role == "" {
		fmt.Fprintln(p.err, "assist-server technician add: --login, --name and --role are required")
		return errUsage
	}
	if *zones != "" { // compared letter by letter with a machine's: no blank of the list may stay
		for _, z := range strings.Split(*zones, ",") {
			who.Zones = append(who.Zones, strings.TrimSpace(z))
		}
	}
	return with(*dir, func(s *server.Server) error {
		before, err := s.Technicians(ctx) // an invitation of before is void from the next line on
		if err != nil {
			return err
		}
		code, err := s.AddTechnician(ctx, who)
		if err != nil {
			return err
		}
		saySame(p, who, before)
		until := time.Now().Add(s.CodeLife())
		_, err = fmt.Fprintf(p.out, "Enrolment code for %s, good once, until %s:\n\n  %s\n", who.Login, date(until), code)
		if err != nil || s.SignsItself() {
			return err
		}
		_, err = fmt.Fprintf(p.out, "\nOnce %s has enrolled, run \"assist-server charter sign\", or \"charter draft\" for a unit key kept\nelsewhere: until then this account can\nhelp nobody. (Not needed when the server was started with --passphrase-file.)\n", who.Login)
		return err
	})
}

// saySame warns of an invitation that is void now, and of two people with one name: it is
// the name that people read before they accept.
func saySame(p *program, who server.Technician, before []server.Account) {
	for _, a := range before {
		switch {
		case a.Login == who.Login && a.State == server.StateInvited:
			fmt.Fprintf(p.out, "%s was invited before: the code of then no longer works.\n", who.Login)
		case a.Login != who.Login && a.Name == who.Name && a.State != server.StateDisabled:
			warn(p, fmt.Sprintf("%s is called %s too, and people who are helped read the name alone. If it is the same\nperson, one account is enough: \"technician disable --login %s\" closes this one.", a.Login, a.Name, who.Login))
		}
	}
}

// runList shows each account by the state that decides whether it can help now, and the dates that
// will change it.
func runList(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "technician list", "Lists the technicians. States: invited (the code was not used), unsigned (not in the\ncharter yet: \"charter sign\"), active, external (not let in now: \"technician open\"),\nexpired, disabled. FROM is outside for who was added with --external, ZONES the\nrestricted zones that each may enter.")
	if err := parse(p, f, args); err != nil {
		return err
	}
	return with(*dir, func(s *server.Server) error {
		all, err := s.Technicians(ctx)
		if err != nil {
			return err
		}
		return table(p.out, "LOGIN\tNAME\tROLE\tSTATE\tCERTIFICATE UNTIL\tLET IN UNTIL\tLAST USE\tFROM\tZONES", len(all), func(i int) string {
			a, from := all[i], "unit"
			if a.External {
				from = "outside"
			}
			return strings.Join([]string{a.Login, a.Name, a.Role, string(a.State), date(a.CertificateUntil), date(a.OpenUntil), date(a.LastUse),
				from, orDash(strings.Join(a.Zones, ", "))}, "\t")
		})
	})
}

// table prints rows in columns, two blanks apart; a cell must hold no tab.
func table(out io.Writer, head string, rows int, row func(int) string) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, head)
	for i := range rows {
		fmt.Fprintln(w, row(i))
	}
	return w.Flush()
}

// date is this computer's local time, as in "journal list".
func date(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04")
}

// runDisable needs no key: this server refuses the account at once. What the key signs later tells
// the machines, which ask no server whom to believe.
func runDisable(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "technician disable", "Closes an account. A running server ends its connections and sessions within\nfive seconds; machines hear of it by the next charter.")
	login := f.String("login", "", "whose account (required)")
	file := f.String("passphrase-file", "", "file with the passphrase: sign and publish at once")
	if err := parse(p, f, args); err != nil {
		return err
	}
	return disable(ctx, p, "technician disable", *dir, *login, *file)
}

// disable is for both names of the command. The account is closed at once, signed or not.
func disable(ctx context.Context, p *program, command, dir, login, file string) error {
	if login == "" {
		return required(p, command, "--login is")
	}
	return with(dir, func(s *server.Server) error {
		if err := s.DisableTechnician(ctx, login); err != nil {
			return err
		}
		fmt.Fprintf(p.out, "The account %s is disabled.\n", login)
		return settle(ctx, p, s, file)
	})
}

// runOpen has no default for hours: 0 closes the door, and must be meant.
func runOpen(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "technician open", "Lets an external technician (technician add --external) help until so many hours\nfrom now, 24 at most. It counts once the charter with it is published.")
	login := f.String("login", "", "who (required)")
	hours := f.Int("hours", -1, "for how long, 1 to 24; 0 closes at once (required)")
	file := f.String("passphrase-file", "", "file with the passphrase: sign and publish at once")
	if err := parse(p, f, args); err != nil {
		return err
	}
	if *login == "" || *hours < 0 {
		return required(p, "technician open", "--login and --hours are")
	}
	return with(*dir, func(s *server.Server) error {
		until, err := s.OpenTechnician(ctx, *login, *hours)
		if err != nil {
			return err
		}
		if *hours == 0 {
			fmt.Fprintf(p.out, "%s is no longer to be let in.\n", *login)
		} else {
			fmt.Fprintf(p.out, "%s is to be let in until %s.\n", *login, date(until))
		}
		return settle(ctx, p, s, *file)
	})
}

// runPhoto does one of three things, which its flags name: none is the default.
func runPhoto(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "technician photo", "Sets the photo that people see beside the technician's name when they are asked, with\n--from; writes the one that is set to a new file, to be looked at, with --out; erases it\nwith --remove. Of the file (JPEG or PNG) the middle square is taken, and nothing but its\npixels. Photos are optional: ask the person first.")
	login := f.String("login", "", "whose (required)")
	from := f.String("from", "", "file with the picture")
	to := f.String("out", "", "new file for the photo as it is")
	remove := f.Bool("remove", false, "erase it")
	file := f.String("passphrase-file", "", "file with the passphrase: sign and publish at once")
	if err := parse(p, f, args); err != nil {
		return err
	}
	chosen := 0 // two of them together would leave open what was meant
	for _, given := range []bool{*from != "", *to != "", *remove} {
		if given {
			chosen++
		}
	}
	if *login == "" || chosen != 1 {
		return required(p, "technician photo", "--login, and one of --from, --out and --remove, are")
	}
	return with(*dir, func(s *server.Server) error {
		if *to != "" {
			return s.WritePhoto(ctx, *login, *to) // looking changes nothing that would have to be signed
		}
		if err := changePhoto(ctx, p, s, *login, *from); err != nil {
			return err
		}
		return settle(ctx, p, s, *file)
	})
}

// changePhoto sets the photo from a file, or erases it without one.
func changePhoto(ctx context.Context, p *program, s *server.Server, login, from string) error {
	if from == "" {
		err := s.RemovePhoto(ctx, login)
		if err == nil {
			_, err = fmt.Fprintf(p.out, "The photo of %s is erased.\n", login)
		}
		return err
	}
	picture, err := os.Open(from)
	if err != nil {
		return err
	}
	defer picture.Close()
	// The sum is what the draft names: where the key is kept nobody has the picture to compare.
	sum, err := s.SetPhoto(ctx, login, picture)
	if err == nil {
		_, err = fmt.Fprintf(p.out, "The photo of %s is set. Its SHA-256, which the charter will name:\n\n  %s\n\n", login, sum)
	}
	return err
}
