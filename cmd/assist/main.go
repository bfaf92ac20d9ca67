// SPDX-License-Identifier: Apache-2.0

// Command assist is the desktop app of both people: the one who is helped and the
// technician. It ties the packages together and decides nothing.
//
//	assist [--config-dir DIR] [--verbose]
//	assist --attest[=json] [--config-dir DIR]
//	assist --verify-receipt FILE [--config-dir DIR]
//
// It also starts itself, with one argument that nobody need know, as the guardian of
// the keys it presses: see input.Guard.
//
// All that the app keeps is in the user's own folders, or below DIR. It refuses to
// run as administrator.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"github.com/jezek/xgb"

	"assist/assets"
	"assist/internal/config"
	"assist/internal/input"
	"assist/internal/process"
)

// appID names the app to the desktop.
const appID = "org.assist.app"

var errNoDisplay = errors.New("no display")

// version is set by the release build; a build from a checkout names its commit.
var version = "" //nolint:gochecknoglobals // the linker needs a variable

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// flags are what can be asked on the command line.
type flags struct {
	dir     string
	verbose bool
	version bool
	attest  attestForm
	receipt string
}

// parse explains the flags in the language of the system; a word in backquotes stands for a
// flag's value.
func parse(args []string, out io.Writer, text assets.Text) (flags, error) {
	var f flags
	set := flag.NewFlagSet("assist", flag.ContinueOnError)
	set.SetOutput(out)
	set.Usage = func() {
		fmt.Fprintln(out, text("flags"))
		set.PrintDefaults()
	}
	set.StringVar(&f.dir, "config-dir", "", text("flags.configDir"))
	set.BoolVar(&f.verbose, "verbose", false, text("flags.verbose"))
	set.Var(&f.attest, "attest", text("flags.attest"))
	set.StringVar(&f.receipt, "verify-receipt", "", text("flags.verifyReceipt"))
	set.BoolVar(&f.version, "version", false, text("flags.version"))
	err := set.Parse(args)
	if err == nil && set.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", set.Arg(0))
		fmt.Fprintln(out, text("flags.unexpected", "what", set.Arg(0)))
	}
	return f, err
}

// run is main with its outside handed in; it returns the exit status.
func run(args []string, out io.Writer) int {
	if len(args) == 1 && args[0] == input.GuardianArgument {
		return guard(out)
	}
	text, err := assets.Texts("program", systemLanguage())
	if err != nil {
		return fail(out, "", err)
	}
	f, err := parse(args, out, text)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case f.version:
		fmt.Fprintln(os.Stdout, "assist", buildVersion())
		return 0
	}
	if status, done := report(f, text); done {
		return status
	}
	if process.Elevated() {
		return fail(out, text("elevated"), nil)
	}
	dirs, err := directories(f.dir)
	if err != nil {
		return failConfig(out, text, err)
	}
	file, err := config.Load(dirs)
	if err != nil {
		return failConfig(out, text, err)
	}
	quiet()
	if err = start(dirs, file, newLog(out, f.verbose)); err != nil {
		return failStart(out, chosen(file, text), err, showFault)
	}
	return 0
}

// report does what was asked for instead of opening the app, if anything was.
func report(f flags, text assets.Text) (status int, done bool) {
	switch {
	case f.attest != "":
		quiet()
		return attest(f.attest, f.dir, os.Stdout, text), true
	case f.receipt != "":
		return verifyReceipt(f.receipt, f.dir, os.Stdout, text), true
	}
	return 0, false
}

// guard is all that this program does when it is started to let go of the keys of
// another one of its kind, should that die: no window, no file, no network.
func guard(out io.Writer) int {
	xgb.Logger.SetOutput(io.Discard)
	if err := input.Guard(os.Stdin, os.Stdout); err != nil {
		return fail(out, "", err)
	}
	return 0
}

// start runs the app until it is closed. A second start shows the first and ends.
func start(dirs config.Dirs, file config.File, log *slog.Logger) error {
	raise := make(chan struct{}, 1)
	only, err := process.Only(dirs.Data, func() { nudge(raise) })
	if errors.Is(err, process.ErrSecond) {
		return nil
	}
	if err != nil {
		return err
	}
	defer only.Close()
	if !hasDisplay() {
		return errNoDisplay
	}
	release, lost, err := input.Occupy()
	if err != nil {
		return err
	}
	defer release()
	app.SetMetadata(fyne.AppMetadata{ID: appID, Name: "Assist", Version: buildVersion()})
	p := newProgram(dirs, file, log)
	defer p.close()
	if err := p.open(app.NewWithID(appID)); err != nil {
		return err
	}
	go p.raiseOn(raise)
	go p.cutOnSignal()
	go p.leaveOn(lost, p.screen.Close)
	go p.desktop.windows.run(p.quit)
	p.screen.Run()
	return nil
}

// quiet keeps libraries from writing to standard error about what is no fault: a
// display without an authority file, a cache folder not made yet.
func quiet() {
	noBus()
	xgb.Logger.SetOutput(io.Discard)
	if cache, err := os.UserCacheDir(); err == nil {
		_ = os.MkdirAll(cache, 0o700) // the toolkit goes without
	}
}

// directories keeps everything of the person's below one folder for who asks for it; the
// administrator's file counts all the same.
func directories(dir string) (config.Dirs, error) {
	if dir != "" {
		return config.At(dir), nil
	}
	return config.Default()
}

// newLog is quiet: what a person must know stands in the windows.
func newLog(out io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level}))
}

// buildVersion names the commit where no release has given a number.
func buildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "0-" + s.Value[:12]
		}
	}
	return "0-dev"
}

// relay passes the changes of one part on to the screens, until ctx ends.
func relay(ctx context.Context, from <-chan struct{}, to chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-from:
			nudge(to)
		}
	}
}

// nudge fills a one-slot channel.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// noBus keeps the tray from starting a session bus of its own where there is none: one
// that outlives the app, and that nobody listens to.
func noBus() {
	if os.Getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return
	}
	if _, err := os.Stat(filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "bus")); err == nil {
		return // the library finds it by itself
	}
	_ = os.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent") // only a null in it could fail
}
