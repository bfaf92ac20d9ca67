// SPDX-License-Identifier: Apache-2.0

package presence

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// Names of the login manager on the system bus.
const (
	login1        = "org.freedesktop.login1"
	login1Path    = dbus.ObjectPath("/org/freedesktop/login1")
	login1Manager = login1 + ".Manager"
	login1Session = login1 + ".Session"
	login1User    = login1 + ".User"
	properties    = "org.freedesktop.DBus.Properties"
)

// logind is what the login manager says of this session. Its fields belong to
// the goroutine of run.
type logind struct {
	bus     *bus
	report  report
	owner   string          // unique name: signals of others are not believed
	session dbus.ObjectPath // empty: this process belongs to no session that it knows
	delay   int             // descriptor that holds sleep up, -1 without one

	asked   bool // the session was asked to lock, and nothing has said since that it is not
	hint    bool // a locker says that it covers the screen
	behind  bool // another session is in front, or this one is closing
	gone    bool
	halting bool // sleep or shutdown is near

	doubt <-chan time.Time // when a request to lock should have been followed
}

// followed is how long a request to lock is believed by itself: by then a locker that
// tells has told. One that tells nobody does not say either when it is gone, so that a
// request that nothing followed must not count for ever.
const followed = 3 * time.Second

// runLogind follows the login manager until the bus is lost.
func runLogind(ctx context.Context, r report) error {
	b, err := connect(ctx, systemBus())
	if err != nil {
		return err
	}
	defer b.Close()
	l := &logind{bus: b, report: r, delay: -1}
	defer l.release()
	if err := l.open(ctx); err != nil {
		return err
	}
	r.works(l.session != "")
	r.say(l.cause())
	r.looked()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s, ok := <-b.signals:
			if !ok {
				return errBusLost
			}
			if s.Name == ownerChanged {
				return errors.New("presence: the login manager was started again")
			}
			l.hear(ctx, s)
		case <-l.doubt:
			l.recheck(ctx)
		}
	}
}

// recheck asks whether the session is locked now that there was time for it: if not,
// take forgets that it was to be. A screen saver that covers the screen says so by its
// own source.
func (l *logind) recheck(ctx context.Context) {
	l.doubt = nil
	if err := l.read(ctx); err != nil {
		l.report.log.Info("session not readable", "error", err)
		l.doubt = time.After(followed)
	}
	l.report.say(l.cause())
}

// open finds this session and how it stands; what happens meanwhile comes as a
// signal after it.
func (l *logind) open(ctx context.Context) error {
	from := func(o ...dbus.MatchOption) []dbus.MatchOption { return append(o, dbus.WithMatchSender(login1)) }
	err := l.bus.match(ctx, ownerChange(login1), from(dbus.WithMatchObjectPath(login1Path), dbus.WithMatchInterface(login1Manager)))
	if err != nil {
		return err
	}
	if l.owner = l.bus.owner(ctx, login1); l.owner == "" {
		return errors.New("presence: no login manager")
	}
	l.hold(ctx)
	if l.session = l.find(ctx); l.session == "" {
		return nil
	}
	err = l.bus.match(ctx,
		from(dbus.WithMatchObjectPath(l.session), dbus.WithMatchInterface(login1Session)),
		from(dbus.WithMatchObjectPath(l.session), dbus.WithMatchInterface(properties)))
	if err != nil {
		return err
	}
	return l.read(ctx)
}

// find is the session of this process: the one that it was started in, or, when a
// service manager started it, the one that the user's screen belongs to.
func (l *logind) find(ctx context.Context) dbus.ObjectPath {
	manager := l.bus.Object(login1, login1Path)
	var path dbus.ObjectPath
	if id := os.Getenv("XDG_SESSION_ID"); id != "" {
		if l.bus.call(ctx, manager, login1Manager+".GetSession", id).Store(&path) == nil {
			return path
		}
	}
	if l.bus.call(ctx, manager, login1Manager+".GetSessionByPID", uint32(os.Getpid())).Store(&path) == nil {
		return path
	}
	var user dbus.ObjectPath
	if l.bus.call(ctx, manager, login1Manager+".GetUser", uint32(os.Getuid())).Store(&user) != nil {
		return ""
	}
	var v dbus.Variant
	if l.bus.call(ctx, l.bus.Object(login1, user), properties+".Get", login1User, "Display").Store(&v) != nil {
		return ""
	}
	var display struct {
		ID   string
		Path dbus.ObjectPath
	}
	if v.Store(&display) != nil || display.ID == "" {
		return ""
	}
	return display.Path
}

// read asks for the session's properties.
func (l *logind) read(ctx context.Context) error {
	var all map[string]dbus.Variant
	err := l.bus.call(ctx, l.bus.Object(login1, l.session), properties+".GetAll", login1Session).Store(&all)
	if err != nil {
		return err
	}
	l.take(all)
	return nil
}

// take takes in properties of the session.
func (l *logind) take(all map[string]dbus.Variant) {
	if hint, ok := all["LockedHint"].Value().(bool); ok {
		l.hint = hint
		l.asked = l.asked && hint
	}
	if active, ok := all["Active"].Value().(bool); ok {
		l.behind = !active
	}
	if state, ok := all["State"].Value().(string); ok && state == "closing" {
		l.gone = true
	}
}

// hear takes in a signal.
func (l *logind) hear(ctx context.Context, s *dbus.Signal) {
	if s.Sender != l.owner {
		return // anybody on the bus can send us one
	}
	switch member := s.Name[strings.LastIndexByte(s.Name, '.')+1:]; member {
	case "Lock":
		l.asked, l.doubt = true, time.After(followed)
	case "Unlock":
		l.asked = false
	case "PropertiesChanged":
		l.changed(ctx, s.Body)
	case "SessionRemoved":
		l.removed(s.Body)
	case "PrepareForSleep", "PrepareForShutdown":
		l.prepare(ctx, s.Body)
		return
	}
	l.report.say(l.cause())
}

// changed takes in what a session says of its properties. The news itself counts,
// too: a lock that was undone since must not go unnoticed.
func (l *logind) changed(ctx context.Context, body []any) {
	if len(body) != 3 {
		return
	}
	if all, ok := body[1].(map[string]dbus.Variant); ok {
		l.take(all)
	}
	if stale, ok := body[2].([]string); ok && len(stale) > 0 {
		if err := l.read(ctx); err != nil {
			l.report.log.Info("session not readable", "error", err)
		}
	}
}

func (l *logind) removed(body []any) {
	if len(body) != 2 {
		return
	}
	if path, ok := body[1].(dbus.ObjectPath); ok && path == l.session && path != "" {
		l.gone = true
	}
}

// prepare lets the computer sleep once everything shared has ended.
func (l *logind) prepare(ctx context.Context, body []any) {
	if len(body) != 1 {
		return
	}
	l.halting, _ = body[0].(bool)
	l.report.say(l.cause()) // returns when the sharing is over
	if l.halting {
		l.release()
		return
	}
	l.hold(ctx)
}

// hold asks the login manager to wait for this process before it sleeps. Where it
// refuses, the end comes when it comes.
func (l *logind) hold(ctx context.Context) {
	if l.delay >= 0 {
		return
	}
	var fd dbus.UnixFD
	manager := l.bus.Object(login1, login1Path)
	call := l.bus.call(ctx, manager, login1Manager+".Inhibit", "sleep:shutdown", "Assist", "a shared screen is let go of first", "delay")
	if err := call.Store(&fd); err != nil {
		l.report.log.Info("sleep is not held up", "error", err)
		return
	}
	l.delay = int(fd)
}

func (l *logind) release() {
	if l.delay >= 0 {
		_ = unix.Close(l.delay) // nothing can be done about a failure
		l.delay = -1
	}
}

// cause is how things stand.
func (l *logind) cause() Cause {
	switch {
	case l.halting:
		return Asleep
	case l.behind, l.gone:
		return Left
	case l.asked, l.hint:
		return Locked
	}
	return Here
}
