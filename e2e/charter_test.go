// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"path/filepath"
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
}

// policy publishes a change of the charter.
func (w *world) policy(t *testing.T, args ...string) {
	t.Helper()
	pass := filepath.Join(filepath.Dir(w.server.dir), "passphrase")
	w.server.command(t, append([]string{"charter", "policy", "--passphrase-file", pass}, args...)...)
}

// A unit that withdraws the mouse and keyboard withdraws them everywhere at once.
func (w *world) rightsWithdrawn(t *testing.T) {
	l := w.intervene(t, true)
	l.driving(t)
	w.policy(t, "--rights", "view point")
	within(t, published, "from the policy to no more mouse", func() error {
		_, err := l.tech.find(want{text: "vue seule", window: l.title})
		return err
	})
	l.nothingReaches(t)
	l.end(t)
	w.ask(t, request{control: true})
	w.tech.see(t, soon, want{text: "votre unité n'admet pas tout"})
	w.policy(t, "--rights", "view point control")
}

// A machine that is put into a restricted zone lets out who may not be there, and in
// no more. The server checks no zones: this is the host's own doing.
func (w *world) zoneDeclared(t *testing.T) {
	l := w.intervene(t, false)
	w.policy(t, "--add-zone", w.id+"=ZRR 1")
	within(t, published, "from the policy to no session", func() error {
		_, err := l.tech.find(want{text: "Votre unité ne vous autorise plus", window: l.title})
		return err
	})
	l.over(t, "Votre unité ne vous autorise plus")
	w.host.see(t, soon, want{text: "Votre unité n'autorise plus ce technicien"})
	w.ready(t)
	w.ask(t, request{})
	w.tech.see(t, soon, want{text: "zone à régime restrictif"})
	w.host.gone(t, time.Second, want{id: "accept"})
	w.policy(t, "--remove-zone", w.id+"=ZRR 1")
	w.intervene(t, false).end(t)
}
