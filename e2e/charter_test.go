// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// published is how long a charter may take from the administrator's command to its
// effect on both screens.
const published = 5 * time.Second

// charter changes what the unit allows under people who are connected.
func (w *world) charter(t *testing.T) {
	t.Run("rights", w.rightsWithdrawn)
	t.Run("zone", w.zoneDeclared)
	t.Run("unit key", w.keyChanged)
}

// policy publishes a change of the charter.
func (w *world) policy(t *testing.T, args ...string) {
	t.Helper()
	w.server.command(t, append([]string{"charter", "policy", "--passphrase-file", w.passphrase()}, args...)...)
}

// takesEffect waits until the technician sees what the policy says that was published just now.
func (w *world) takesEffect(t *testing.T, effect want) {
	t.Helper()
	begun := time.Now()
	w.tech.see(t, aWhile, effect)
	took := w.took(begun, time.Now())
	t.Logf("from the policy to %v: %v", effect, took.Round(time.Millisecond))
	if took > published {
		t.Errorf("from the policy to %v: %v", effect, took)
	}
}

func (w *world) passphrase() string { return filepath.Join(filepath.Dir(w.server.dir), "passphrase") }

// A unit that withdraws the mouse and keyboard withdraws them everywhere at once.
func (w *world) rightsWithdrawn(t *testing.T) {
	l := w.intervene(t, true)
	l.driving(t)
	w.policy(t, "--rights", "view point")
	w.takesEffect(t, want{text: "vue seule", window: l.title})
	l.nothingReaches(t)
	l.end(t)
	w.ask(t, request{control: true})
	w.tech.see(t, soon, want{text: "votre unité n’admet pas tout"})
	w.policy(t, "--rights", "view point control")
}

// A machine that is put into a restricted zone lets out who may not be there, and in
// no more. The server checks no zones: this is the host's own doing.
func (w *world) zoneDeclared(t *testing.T) {
	l := w.intervene(t, false)
	w.policy(t, "--add-zone", w.id+"=ZRR 1")
	w.takesEffect(t, want{text: "Votre unité ne vous autorise plus", window: l.title})
	l.over(t, "Votre unité ne vous autorise plus")
	w.host.see(t, soon, want{text: "Votre unité n’autorise plus ce technicien"})
	w.ready(t)
	w.ask(t, request{})
	w.tech.see(t, soon, want{text: "zone à régime restrictif"})
	w.host.gone(t, time.Second, want{id: "accept"})
	w.policy(t, "--remove-zone", w.id+"=ZRR 1")
	w.intervene(t, false).end(t)
}

// A unit that changes its key in good order takes both apps along: nobody joins again,
// and the machine has another number.
func (w *world) keyChanged(t *testing.T) {
	w.tidy(t)
	before := w.id
	w.server.proc.stop()
	w.server.command(t, "charter", "rotate", "--yes", "--passphrase-file", w.passphrase())
	w.server.run(t)
	eventually(t, 2*aWhile, "another number", func() error {
		g, err := w.host.find(want{id: "machine"})
		if err != nil {
			return err
		}
		id := strings.ReplaceAll(g.Text, " ", "")
		return yes(len(id) == len(before) && id != before)
	})
	w.id = w.number(t)
	l := w.intervene(t, false)
	l.end(t)
	eventually(t, soon, "a receipt under the new key", func() error {
		_, err := w.receiptOf(l.reason)
		return err
	})
}
