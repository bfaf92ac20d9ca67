// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"assist/internal/server"
)

func technicianCommands() group {
	return group{"assist-server technician", []command{
		{"add", "invite a technician, and print the enrolment code", runAdd},
		{"list", "list the technicians", runList},
		{"disable", "close an account, and end its sessions", runDisable},
		{"sign", "sign the certificates that wait for it", runSign},
	}}
}

func runTechnician(ctx context.Context, p *program, args []string) error {
	return technicianCommands().dispatch(ctx, p, args)
}

func runAdd(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "technician add", "Invites a technician. The code it prints is good once, for a day (code_hours):\nhand it over in person or by telephone. An account that was disabled is invited\nanew, with new factors.")
	var who server.Technician
	f.StringVar(&who.Login, "login", "", "what the technician logs in with (required)")
	f.StringVar(&who.Name, "name", "", "the person's name, as users will read it (required)")
	f.StringVar(&who.Role, "role", "", "the person's role, as users will read it (required)")
	zones := f.String("zones", "", "restricted zones this person may enter, separated by commas")
	if err := parse(p, f, args); err != nil {
		return err
	}
	if who.Login == "" || who.Name == "" || who.Role == "" {
		fmt.Fprintln(p.err, "assist-server technician add: --login, --name and --role are required")
		return errUsage
	}
	if *zones != "" {
		for _, z := range strings.Split(*zones, ",") {
			who.Zones = append(who.Zones, strings.TrimSpace(z))
		}
	}
	return with(*dir, server.Options{}, func(s *server.Server) error {
		code, err := s.AddTechnician(ctx, who)
		if err != nil {
			return err
		}
		until := time.Now().Add(s.CodeLife())
		_, err = fmt.Fprintf(p.out, "Enrolment code for %s, good once, until %s:\n\n  %s\n", who.Login, date(until), code)
		if err != nil || s.SignsItself() {
			return err
		}
		_, err = fmt.Fprintf(p.out, "\nOnce %s has enrolled, run \"assist-server technician sign\": until then this account can\nhelp nobody. (Not needed when the server was started with --passphrase-file.)\n", who.Login)
		return err
	})
}

func runList(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "technician list", "Lists the technicians. States: invited (the code was not used), unsigned (the\ncertificate waits for \"technician sign\"), active, expired, disabled.")
	if err := parse(p, f, args); err != nil {
		return err
	}
	return with(*dir, server.Options{}, func(s *server.Server) error {
		all, err := s.Technicians(ctx)
		if err != nil {
			return err
		}
		return table(p.out, "LOGIN\tNAME\tROLE\tSTATE\tCERTIFICATE UNTIL\tLAST USE", len(all), func(i int) string {
			a := all[i]
			return strings.Join([]string{a.Login, a.Name, a.Role, string(a.State), date(a.CertificateUntil), date(a.LastUse)}, "\t")
		})
	})
}

// table prints rows in columns.
func table(out io.Writer, head string, rows int, row func(int) string) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, head)
	for i := range rows {
		fmt.Fprintln(w, row(i))
	}
	return w.Flush()
}

func date(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04")
}

func runDisable(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "technician disable", "Closes an account. A running server ends its connections and sessions within\nfive seconds.")
	login := f.String("login", "", "whose account (required)")
	if err := parse(p, f, args); err != nil {
		return err
	}
	if *login == "" {
		fmt.Fprintln(p.err, "assist-server technician disable: --login is required")
		return errUsage
	}
	return with(*dir, server.Options{}, func(s *server.Server) error {
		if err := s.DisableTechnician(ctx, *login); err != nil {
			return err
		}
		_, err := fmt.Fprintf(p.out, "The account %s is disabled.\n", *login)
		return err
	})
}

func runSign(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "technician sign", "Opens the unit key and signs the certificate of every technician who has none,\nor whose certificate ends within two weeks.")
	file := f.String("passphrase-file", "", "file with the passphrase (default: it is asked for)")
	if err := parse(p, f, args); err != nil {
		return err
	}
	pass, err := passphrase(p, *file)
	if err != nil {
		return err
	}
	return with(*dir, server.Options{}, func(s *server.Server) error {
		done, err := s.SignPending(ctx, pass)
		for _, login := range done {
			fmt.Fprintf(p.out, "Signed: %s\n", login)
		}
		if err == nil && len(done) == 0 {
			fmt.Fprintln(p.out, "Nothing waits for a signature.")
		}
		return err
	})
}
