// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assist/internal/consent"
	"assist/internal/session"
	"assist/internal/wire"
)

// What no log of either app may hold, of the sessions of these tests.
const (
	canaryCode   = "73914682"
	canaryText   = "sept hérons gris"
	canaryKey    = 111 // F20; nothing else in that test has this number
	canaryReason = "Imprimante introuvable"
	canaryName   = "Prénom Nom"
)

// logs is what both apps of a world wrote, at every level.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logs) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// checkDiscreet looks for what a log may not hold: the code, what was typed, the reason,
// names, and words that one end saw and said to nobody but the other's person.
func (w *world) checkDiscreet(t *testing.T, also ...string) {
	t.Helper()
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	secrets := append(also, canaryCode, canaryText, canaryReason, canaryName, w.who.machine)
	for _, q := range w.asked() {
		secrets = append(secrets, q.Words[:]...)
	}
	for line := range strings.Lines(w.log.text.String()) {
		said := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" =\"[]{}():,\n", r) })
		for _, s := range secrets {
			if s != "" && (strings.Contains(s, " ") && strings.Contains(line, s) || slices.Contains(said, s)) {
				t.Errorf("%q is in a log: %s", s, line)
			}
		}
	}
}

// play looks at the logs of each test; here all that is secret is said, done, and fails.
func TestLogsHoldNothingThatWasTypedOrSaid(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		for _, in := range []wire.Input{&wire.Key{Usage: canaryKey, Down: true}, &wire.Text{Text: canaryText}, &wire.Key{Usage: canaryKey}} {
			if err := tech.Input(in); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Minute)
		if n := w.machine.typed(); n != 3 {
			t.Errorf("%d inputs done", n)
		}
		tech.End()
		if end := w.over(tech); end.Phase != session.TechnicianEnded {
			t.Errorf("ended as %+v", end)
		}
		w.checkDiscreet(t, "111", "0x6f")
	})
}
