// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command assist-bench measures a running remote session from outside: it draws
// on the host's X display, looks at the viewer's, presses keys there, and reads
// the system's counters. It knows nothing of the programs in between but their
// process numbers, so any remote desktop can be measured by it.
//
// Both displays must belong to this machine: lateness is read from one clock.
//
// The session must run before it starts, with the host's display shown in the
// viewer's window, and with the right to control if keys are measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"
)

var errUsage = errors.New("nothing to measure: give -host-display and -view-display, or -rival")

// settings are what the command line says.
type settings struct {
	target target
	o      options
	rivals []string
	json   string
}

func main() {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, log)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "assist-bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (settings, error) {
	var s settings
	f := flag.NewFlagSet("assist-bench", flag.ContinueOnError)
	f.StringVar(&s.target.Name, "name", "assist", "what the measured session is called in the table")
	f.StringVar(&s.target.HostDisplay, "host-display", "", "X display of the host, such as :1")
	f.StringVar(&s.target.ViewDisplay, "view-display", "", "X display of the viewer")
	f.StringVar(&s.target.Interface, "interface", "lo", "network interface whose bytes are counted")
	f.Func("host-pid", "processes of the host, comma separated", pids(&s.target.HostPIDs))
	f.Func("view-pid", "processes of the viewer, comma separated", pids(&s.target.ViewPIDs))
	f.IntVar(&s.o.At.X, "x", 100, "left edge of the drawn window on the host's display")
	f.IntVar(&s.o.At.Y, "y", 200, "top edge of the drawn window")
	f.DurationVar(&s.o.Duration, "duration", 10*time.Second, "of each work")
	f.IntVar(&s.o.FPS, "fps", 60, "frames drawn a second")
	f.IntVar(&s.o.Keys, "keys", 40, "keys pressed; 0 leaves them out")
	rivals := f.String("rival", "", "also measure TigerVNC: x0vncserver, xvnc, or both with a comma")
	f.StringVar(&s.json, "json", "", "file for the results as JSON")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	s.o.Size = image.Pt(960, 540)
	if *rivals != "" {
		s.rivals = strings.Split(*rivals, ",")
	}
	if !s.session() && len(s.rivals) == 0 {
		return s, errUsage
	}
	return s, nil
}

// session reports whether a running session is to be measured.
func (s settings) session() bool { return s.target.HostDisplay != "" && s.target.ViewDisplay != "" }

// pids parses a list of process numbers.
func pids(to *[]int) func(string) error {
	return func(text string) error {
		for part := range strings.SplitSeq(text, ",") {
			pid, err := strconv.Atoi(part)
			if err != nil {
				return err
			}
			*to = append(*to, pid)
		}
		return nil
	}
}

// run measures and prints.
func run(ctx context.Context, args []string, out io.Writer, log *slog.Logger) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	var results []result
	if s.session() {
		if results, err = measure(ctx, s.target, s.o, log); err != nil {
			return err
		}
	}
	for _, kind := range s.rivals {
		more, err := measureRival(ctx, kind, s.o, log)
		if err != nil {
			return err
		}
		results = append(results, more...)
	}
	return report(out, s.json, results)
}

func measureRival(ctx context.Context, kind string, o options, log *slog.Logger) ([]result, error) {
	r, t, err := startRival(ctx, kind)
	if err != nil {
		return nil, err
	}
	defer r.stop()
	return measure(ctx, t, o, log)
}

func report(out io.Writer, file string, results []result) error {
	err := printTable(out, results)
	if err == nil && len(results) > 0 && results[len(results)-1].Target != results[0].Target {
		fmt.Fprintln(out)
		err = printRatios(out, results)
	}
	if err != nil || file == "" {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	return errors.Join(printJSON(f, results), f.Close())
}
