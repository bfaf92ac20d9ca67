// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/jezek/xgb/xproto"

	"assist/internal/consent"
)

// goneBy is how long after the person's session is locked or left something may still be
// shared.
const goneBy = time.Second

// Names of the login manager.
const (
	loginName    = "org.freedesktop.login1"
	loginSession = dbus.ObjectPath("/org/freedesktop/login1/session/_31")
)

// logins is a small login manager on a bus of its own: one session, the host's.
type logins struct {
	address string
	conn    *dbus.Conn
}

// newLogins starts the bus and takes the login manager's name on it.
func newLogins(t *testing.T, dir string, as account) *logins {
	t.Helper()
	path := filepath.Join(dir, "system-bus")
	l := &logins{address: "unix:path=" + path}
	conf := path + ".conf"
	if err := os.WriteFile(conf, fmt.Appendf(nil, busConf, l.address), 0o644); err != nil {
		t.Fatal(err)
	}
	start(t, program{path: "dbus-daemon", as: as, log: path + ".log",
		args: []string{"--config-file=" + conf, "--nofork", "--nopidfile"}})
	eventually(t, soon, "system bus", func() (err error) {
		if _, err = os.Stat(path); err == nil {
			l.conn, err = dbus.Connect(l.address)
		}
		return err
	})
	t.Cleanup(func() { _ = l.conn.Close() })
	for at, name := range map[dbus.ObjectPath]string{
		"/org/freedesktop/login1": loginName + ".Manager", loginSession: "org.freedesktop.DBus.Properties",
	} {
		if err := l.conn.Export(l, at, name); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := l.conn.RequestName(loginName, dbus.NameFlagDoNotQueue); err != nil || got != dbus.RequestNameReplyPrimaryOwner {
		t.Fatal(got, err)
	}
	return l
}

// GetSessionByPID knows every process, as its one session.
func (*logins) GetSessionByPID(uint32) (dbus.ObjectPath, *dbus.Error) { return loginSession, nil }

// GetAll says that the session is in front and not locked.
func (*logins) GetAll(string) (map[string]dbus.Variant, *dbus.Error) {
	return map[string]dbus.Variant{"LockedHint": dbus.MakeVariant(false), "Active": dbus.MakeVariant(true)}, nil
}

// says has the login manager say something.
func (l *logins) says(t *testing.T, path dbus.ObjectPath, name string, body ...any) {
	t.Helper()
	if err := l.conn.Emit(path, loginName+"."+name, body...); err != nil {
		t.Fatal(err)
	}
}

// front says whether the session is the one in front.
func (l *logins) front(t *testing.T, yes bool) {
	t.Helper()
	body := []any{loginName + ".Session", map[string]dbus.Variant{"Active": dbus.MakeVariant(yes)}, []string{}}
	if err := l.conn.Emit(loginSession, "org.freedesktop.DBus.Properties.PropertiesChanged", body...); err != nil {
		t.Fatal(err)
	}
}

// absence is one way in which the person is no longer at their screen.
type absence struct {
	name      string
	goes, ack func(t *testing.T)
}

// TestPresence locks the host's session, leaves it, puts it to sleep, and rests the
// hands of its user.
func TestPresence(t *testing.T) {
	w := newWorld(t, func(w *world) {
		l := newLogins(t, w.dir, w.as)
		w.logins = l
		w.host.env = append(w.host.env, "DBUS_SYSTEM_BUS_ADDRESS="+l.address)
		if err := os.WriteFile(filepath.Join(w.host.dir, "assist.toml"), []byte("[policy]\nidle_minutes = 1\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := w.as.own(filepath.Join(w.host.dir, "assist.toml")); err != nil {
			t.Fatal(err)
		}
	})
	l := w.logins
	for _, a := range []absence{
		{"lock", func(t *testing.T) { l.says(t, loginSession, "Session.Lock") }, func(t *testing.T) { l.says(t, loginSession, "Session.Unlock") }},
		{"another user", func(t *testing.T) { l.front(t, false) }, func(t *testing.T) { l.front(t, true) }},
		{"sleep", func(t *testing.T) { l.says(t, "/org/freedesktop/login1", "Manager.PrepareForSleep", true) },
			func(t *testing.T) { l.says(t, "/org/freedesktop/login1", "Manager.PrepareForSleep", false) }},
	} {
		t.Run(a.name, func(t *testing.T) { w.leaves(t, a) })
	}
	t.Run("locked before", w.lockedBefore)
	t.Run("idle hands", w.idleHands)
}

// leaves ends a session under a flood by the person's absence.
func (w *world) leaves(t *testing.T, a absence) {
	l := w.intervene(t, true)
	l.driving(t)
	f := l.flood(t)
	defer f.stop()
	eventually(t, soon, "pictures flow", f.flows)
	a.goes(t)
	at := time.Now()
	lit := at // when the last look that saw a banner began
	within(t, aWhile, "banner gone", func() error {
		now := time.Now()
		all, err := w.banners()
		if err == nil && len(all) > 0 {
			lit, err = now, fmt.Errorf("%d banners", len(all))
		}
		return err
	})
	if took := w.took(at, lit); took > goneBy {
		t.Errorf("the banner was there %v later", took)
	}
	f.quiet(t, at.Add(goneBy-atOnce), aftermath) // the rest has as long
	f.stop()
	l.over(t, "L’écran de l’utilisateur a été verrouillé")
	a.ack(t)
	w.ready(t)
}

// lockedBefore asks for help at a locked computer: no dialog, and the technician is told.
func (w *world) lockedBefore(t *testing.T) {
	w.tidy(t)
	w.logins.says(t, loginSession, "Session.Lock")
	w.ask(t, request{})
	w.tech.see(t, aWhile, want{text: "ne peut pas partager son écran pour l’instant"})
	if g, err := w.host.find(want{id: "accept"}); err == nil {
		t.Errorf("a dialog on a locked screen: %+v", g)
	}
	w.logins.says(t, loginSession, "Session.Unlock")
	w.back(t)
}

// idleHands rests the person's hands for a minute, twice: they say that they are there,
// then they do not.
func (w *world) idleHands(t *testing.T) {
	l := w.intervene(t, true)
	l.driving(t)
	a := w.host
	n := 0
	if err := wait(2*time.Minute, func() error {
		n++
		a.screen.fake(xproto.MotionNotify, 0, image.Pt(700+n%2, 700)) // a program that plays the mouse is nobody
		_, err := a.find(want{id: "accept", window: "Êtes-vous toujours là\u00a0?"})
		return err
	}); err != nil {
		a.fail(t, err)
	}
	a.keepPicture(t, "idle")
	a.countsBy(t, a.answer, want{id: "accept", window: "Êtes-vous toujours là\u00a0?"}, func() error { return a.absent(want{id: "accept"}) })
	l.driving(t)
	a.see(t, 2*time.Minute, want{id: "accept", window: "Êtes-vous toujours là\u00a0?"})
	asked := time.Now()
	eventually(t, consent.AnswerTime+aWhile, "the end without an answer", func() error {
		all, err := w.banners()
		if err == nil && len(all) > 0 {
			err = fmt.Errorf("%d banners", len(all))
		}
		return err
	})
	if took := w.took(asked, time.Now()); took > consent.AnswerTime+5*time.Second {
		t.Errorf("nobody answered, and it went on for %v", took)
	}
	l.over(t, "Personne n’est plus devant")
	w.ready(t)
}
