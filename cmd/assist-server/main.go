// SPDX-License-Identifier: Apache-2.0

// Command assist-server introduces the machines of a unit and its technicians
// to each other. See docs/server.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
)

// errUsage was explained already.
var errUsage = errors.New("usage")

// defaultDir is where the package and the systemd unit keep the data.
const defaultDir = "/var/lib/assist-server"

// command is one word of the command line.
type command struct {
	name    string
	summary string
	run     func(ctx context.Context, p *program, args []string) error
}

// program is what commands act on: tests give their own.
type program struct {
	in       *os.File
	out, err io.Writer
}

// group is a set of commands behind one or two words.
type group struct {
	prefix string
	list   []command
}

func commands() group {
	return group{"assist-server", []command{
		{"init", "make a data directory, and print the join code", runInit},
		{"run", "serve until stopped", runServer},
		{"joincode", "print the join code again", runJoinCode},
		{"technician", "add, list, disable technicians; let external ones in", runTechnician},
		{"charter", "show, sign, publish what the unit allows; revoke; policy", runCharter},
		{"machine", "list machines; release one that two computers claimed to be", runMachine},
		{"tls", "change the TLS key of the server", runTLS},
		{"journal", "the record of interventions: list, verify, export, purge, hold", runJournal},
		{"backup", "copy the data directory, beside a running server if need be", runBackup},
		{"check", "look at the set-up, and print the firewall lines", runCheck},
		{"compliance", "where each rule stands in this unit", runCompliance},
		{"version", "print the version", runVersion},
	}}
}

// main ends with 2 for a command line that was explained, and 1 for everything else that failed.
func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, &program{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:])
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		fmt.Fprintf(os.Stderr, "assist-server: %s\n", plain(err.Error()))
		os.Exit(1)
	}
}

// plain takes out of an error what only says which part of the program met it.
func plain(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		for _, part := range []string{"server", "trust", "journal"} {
			line = strings.TrimPrefix(line, part+": ")
			line = strings.ReplaceAll(line, ": "+part+": ", ": ")
		}
		for _, sort := range []string{"configuration: ", "setting not acceptable: ", "technician not acceptable: "} {
			line = strings.TrimPrefix(line, sort)
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n")
}

// run is main with its outside handed in.
func run(ctx context.Context, p *program, args []string) error {
	return advised(commands().dispatch(ctx, p, args))
}

// dispatch runs the command that the first argument names.
func (g group) dispatch(ctx context.Context, p *program, args []string) error {
	if len(args) > 0 {
		for _, c := range g.list {
			if c.name == args[0] {
				return c.run(ctx, p, args[1:])
			}
		}
	}
	out, err := p.err, errUsage
	if len(args) > 0 && (args[0] == "help" || args[0] == "-h" || args[0] == "-help" || args[0] == "--help") {
		out, err = p.out, flag.ErrHelp
	} else if len(args) > 0 {
		fmt.Fprintf(out, "%s: there is no command %q\n\n", g.prefix, args[0])
	}
	fmt.Fprintf(out, "Usage: %s COMMAND [FLAGS]\n\nCommands:\n", g.prefix)
	for _, c := range g.list {
		fmt.Fprintf(out, "  %-11s %s\n", c.name, c.summary)
	}
	fmt.Fprintf(out, "\n\"%s COMMAND -h\" explains a command.\n", g.prefix)
	return err
}

// flags starts a flag set with plain help and the --dir flag.
func flags(p *program, name, about string) (*flag.FlagSet, *string) {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(p.err)
	f.Usage = func() {
		fmt.Fprintf(f.Output(), "Usage: assist-server %s [FLAGS]\n\n%s\n\nFlags:\n", name, about)
		f.PrintDefaults()
	}
	return f, f.String("dir", defaultDir, "data directory")
}

// parse refuses arguments left over, which are flags mistyped most of the time.
func parse(p *program, f *flag.FlagSet, args []string) error {
	for _, a := range args {
		if a == "-h" || a == "-help" || a == "--help" {
			f.SetOutput(p.out)
		}
	}
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	if f.NArg() > 0 {
		fmt.Fprintf(p.err, "assist-server %s: unexpected argument %q\n", f.Name(), f.Arg(0))
		return errUsage
	}
	return nil
}

func runVersion(_ context.Context, p *program, args []string) error {
	f := flag.NewFlagSet("version", flag.ContinueOnError)
	f.SetOutput(p.err)
	if err := parse(p, f, args); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.out, "assist-server %s\n", version())
	return err
}

// version is the module's, or the commit's when built from a checkout.
func version() string {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := b.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range b.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}
