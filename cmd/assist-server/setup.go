// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/term"

	"assist/internal/server"
	"assist/internal/trust"
)

var errPassphrase = errors.New("the two passphrases differ")

// runInit asks for the passphrase when everything else is known to be right.
func runInit(_ context.Context, p *program, args []string) error {
	f, dir := flags(p, "init", "Makes a data directory: configuration, database, unit key (sealed under a\npassphrase), TLS key. Nothing that exists is overwritten.")
	var o server.Options
	f.StringVar(&o.Name, "name", "", "name of the unit, as users will read it (required)")
	f.StringVar(&o.Address, "address", "", "host:port that clients connect to (required)")
	f.StringVar(&o.Listen, "listen", "", "TCP host:port to open (default: all addresses, the port of --address)")
	f.StringVar(&o.STUN, "stun", "", "UDP host:port to open, or \"off\" (default: all addresses, 3478)")
	f.Func("source", "address or prefix that technicians may help from, may be repeated (default: private networks)", into(&o.Sources))
	file := f.String("passphrase-file", "", "file with the passphrase (default: it is asked for)")
	if err := parse(p, f, args); err != nil {
		return err
	}
	if o.Name == "" || o.Address == "" {
		fmt.Fprintln(p.err, "assist-server init: --name and --address are required")
		return errUsage
	}
	err := o.Check()
	if err != nil {
		return err
	}
	o.By = account()
	if o.Passphrase, err = newPassphrase(p, *file); err != nil {
		return err
	}
	code, err := server.Init(*dir, o)
	if errors.Is(err, server.ErrExists) {
		return fmt.Errorf("%w\nNothing was changed. Go on with \"check\" and \"technician add\"; for another unit, name another directory with --dir", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "The unit %q is set up in %s.\nKeep the passphrase and a copy of that directory: without them the unit starts over.\n\n", o.Name, *dir)
	from := "private and link-local addresses and this computer (change it with \"charter policy\")"
	if len(o.Sources) > 0 {
		from = strings.Join(o.Sources, ", ")
	}
	fmt.Fprintf(p.out, "The first charter is signed. Technicians may help from: %s.\n", from)
	warn(p, "the unit key lies on this server, sealed under the passphrase. A real unit keeps it elsewhere:\nsee \"The charter\" in docs/server.md.")
	fmt.Fprintln(p.out)
	return showJoinCode(p, code)
}

func runJoinCode(_ context.Context, p *program, args []string) error {
	f, dir := flags(p, "joincode", "Prints the join code, which tells an app where the server is and which keys to\ntrust. It is not secret; hand it out by a way that nobody can alter.")
	line := f.Bool("line", false, "print the code alone on one line, for scripts and for assist.toml")
	if err := parse(p, f, args); err != nil {
		return err
	}
	return with(*dir, func(s *server.Server) error {
		if *line {
			_, err := fmt.Fprintln(p.out, s.JoinCode())
			return err
		}
		return showJoinCode(p, s.JoinCode())
	})
}

// showJoinCode has a picture too, for telephones; what is typed and what is scanned are one.
func showJoinCode(p *program, code trust.JoinCode) error {
	text := code.String()
	picture, err := halfBlocks(text)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "Join code (the breaks do not count):\n\n%s\n\n%s\n", inLines(text), picture)
	return err
}

// inLines breaks a code after every sixth of its groups, so that it can be read, and
// copied from a narrow terminal.
func inLines(code string) string {
	const groups = 6
	var b strings.Builder
	for i, g := range strings.SplitAfter(code, "-") {
		switch {
		case i == 0:
			b.WriteString("  ")
		case i%groups == 0:
			b.WriteString("\n  ")
		}
		b.WriteString(g)
	}
	return b.String()
}

// runServer logs to the error stream, where systemd reads it. Names and codes are in no line of it.
func runServer(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "run", "Serves until it is interrupted.")
	file := f.String("passphrase-file", "", "file with the unit key's passphrase: the server then signs the charter itself")
	debug := f.Bool("debug", false, "log more")
	if err := parse(p, f, args); err != nil {
		return err
	}
	level := slog.LevelInfo
	if *debug {
		level = slog.LevelDebug
	}
	o := server.Options{Version: version(), Log: slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: level}))}
	if *file != "" {
		pass, err := readPassphrase(*file)
		if err != nil {
			return err
		}
		o.Passphrase = pass
	}
	return opened(*dir, o, func(s *server.Server) error { return s.Run(ctx) })
}

// with opens a data directory for a command, and closes it whatever happens.
func with(dir string, f func(*server.Server) error) error {
	return opened(dir, server.Options{By: account()}, f)
}

// opened closes the database whatever becomes of f.
func opened(dir string, o server.Options, f func(*server.Server) error) error {
	s, err := server.Open(dir, o)
	if err != nil {
		return err
	}
	return errors.Join(f(s), s.Close())
}

// runCheck fails when something is bad, for the scripts that watch a server.
func runCheck(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "check", "Looks at the data directory and at this machine, changes nothing, and prints\nwhat a firewall must let through.")
	if err := parse(p, f, args); err != nil {
		return err
	}
	found := server.Check(ctx, *dir)
	for _, one := range found {
		fmt.Fprintf(p.out, "%-5s %-16s %s\n", one.Grade, one.About, plain(one.Text))
	}
	if found.Bad() {
		return errors.New("the lines marked BAD must be mended")
	}
	return nil
}

// runBackup makes a directory of the same form: a restore is a move, with no tool that could be
// missing on that day.
func runBackup(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "backup", "Copies the data directory, with the database as it stands at one moment. To\nrestore, put the copy in the place of the data directory.")
	to := f.String("to", "", "directory to make (required)")
	if err := parse(p, f, args); err != nil {
		return err
	}
	if *to == "" {
		fmt.Fprintln(p.err, "assist-server backup: --to is required")
		return errUsage
	}
	return with(*dir, func(s *server.Server) error {
		if err := s.Backup(ctx, *to); err != nil {
			return err
		}
		fmt.Fprintf(p.out, "Copied %s to %s.\n", *dir, *to)
		for _, f := range s.NotCopied() {
			fmt.Fprintf(p.out, "Not in it: %s, which the configuration names. Keep a copy elsewhere.\n", f)
		}
		return nil
	})
}

// newPassphrase asks twice, unless a file has it.
func newPassphrase(p *program, file string) (string, error) {
	if file != "" {
		return readPassphrase(file)
	}
	return twice(func(question string) (string, error) { return ask(p, question) })
}

// twice refuses one that is too short before it wants it again.
func twice(ask func(question string) (string, error)) (string, error) {
	first, err := ask("Passphrase for the unit key (at least 12 characters): ")
	if err == nil {
		err = server.CheckPassphrase(first)
	}
	if err != nil {
		return "", err
	}
	again, err := ask("The same again: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", errPassphrase
	}
	return first, nil
}

// passphrase never comes from an argument or the environment, which other programs of the
// computer can read.
func passphrase(p *program, file string) (string, error) {
	if file != "" {
		return readPassphrase(file)
	}
	return ask(p, "Passphrase of the unit key: ")
}

// ask reads one line from the terminal without echo. The question goes to the error stream, so
// that what a command prints can be kept in a file.
func ask(p *program, question string) (string, error) {
	fd := int(p.in.Fd())
	if !term.IsTerminal(fd) {
		return "", errors.New("there is no terminal to ask for the passphrase; use --passphrase-file")
	}
	fmt.Fprint(p.err, question)
	b, err := term.ReadPassword(fd)
	fmt.Fprintln(p.err)
	if err != nil {
		return "", fmt.Errorf("passphrase: %w", err)
	}
	return string(b), nil
}

// readPassphrase drops the end of the line, which editors add, and no other space: it may be
// part of the passphrase.
func readPassphrase(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("passphrase: %w", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}
