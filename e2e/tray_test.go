// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// tray is the place beside the clock of a desktop that has one: a session bus with
// somebody who takes icons.
type tray struct {
	address string
	conn    *dbus.Conn
	mu      sync.Mutex
	item    string // name on the bus of the last icon that came
}

// busConf lets the tests, which may be root, speak on the bus of another user.
const busConf = `<busconfig><type>session</type><listen>%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>`

// newTray starts the bus, as the user of the apps.
func newTray(t *testing.T, dir string, as account) *tray {
	t.Helper()
	r := &tray{address: "unix:path=" + filepath.Join(dir, "bus")}
	conf := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, busConf, r.address), 0o644); err != nil {
		t.Fatal(err)
	}
	start(t, program{path: "dbus-daemon", as: as, log: filepath.Join(dir, "bus.log"),
		args: []string{"--config-file=" + conf, "--nofork", "--nopidfile"}})
	eventually(t, soon, "session bus", func() (err error) {
		if _, err = os.Stat(filepath.Join(dir, "bus")); err == nil {
			r.conn, err = dbus.Connect(r.address)
		}
		return err
	})
	t.Cleanup(func() { _ = r.conn.Close() })
	const path, name = "/StatusNotifierWatcher", "org.kde.StatusNotifierWatcher"
	if err := r.conn.Export(watcher{r}, path, name); err != nil {
		t.Fatal(err)
	}
	if got, err := r.conn.RequestName(name, dbus.NameFlagDoNotQueue); err != nil || got != dbus.RequestNameReplyPrimaryOwner {
		t.Fatal(got, err)
	}
	return r
}

// watcher is what icons are announced to.
type watcher struct{ t *tray }

// RegisterStatusNotifierItem takes an icon.
func (w watcher) RegisterStatusNotifierItem(item string, from dbus.Sender) *dbus.Error {
	w.t.mu.Lock()
	defer w.t.mu.Unlock()
	w.t.item = string(from)
	return nil
}

// layout is one entry of a menu, as the bus carries it.
type layout struct {
	ID         int32
	Properties map[string]dbus.Variant
	Children   []dbus.Variant
}

// pick finds an entry of the icon's menu by its words and clicks it.
func (r *tray) pick(words string) error {
	r.mu.Lock()
	item := r.item
	r.mu.Unlock()
	if item == "" {
		return errors.New("no icon")
	}
	menu := r.conn.Object(item, "/StatusNotifierItem/menu")
	var revision uint32
	var root layout
	err := menu.Call("com.canonical.dbusmenu.GetLayout", 0, int32(0), int32(-1), []string{}).Store(&revision, &root)
	if err != nil {
		return err
	}
	for _, v := range root.Children {
		var entry layout
		if err := dbus.Store([]any{v.Value()}, &entry); err != nil {
			return err
		}
		if label, _ := entry.Properties["label"].Value().(string); label == words {
			return menu.Call("com.canonical.dbusmenu.Event", 0, entry.ID, "clicked", dbus.MakeVariant(""), uint32(time.Now().Unix())).Err
		}
	}
	return fmt.Errorf("no %q among %d entries", words, len(root.Children))
}

// cutByTray takes Disconnect from the menu of the icon.
func (l *live) cutByTray(t *testing.T) {
	eventually(t, soon, "the icon's menu", func() error { return l.tray.pick("Couper") })
}
