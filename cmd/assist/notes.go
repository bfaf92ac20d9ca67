// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"assist/internal/config"
	"assist/internal/ui"
)

// How long and how much is kept: what helps tomorrow's call, and no register of people's troubles.
const (
	keepRecent = 30 * 24 * time.Hour // closing notes, too
	maxRecent  = 20
	maxClosing = 500
)

// notes is what the technician's app remembers on this computer: the last login, the
// machines asked, the closing notes. No name of a person helped is among it.
type notes struct {
	path string
	log  *slog.Logger

	mu   sync.Mutex // guards kept, and the file
	kept noted
}

// noted is the file.
type noted struct {
	Login   string    `json:"login"`
	Recent  []asked   `json:"recent"`
	Closing []closing `json:"closing"`
}

// asked is a machine that was asked for.
type asked struct {
	Machine string    `json:"machine"`
	Reason  string    `json:"reason"`
	At      time.Time `json:"at"`
}

// closing is the technician's note at the end of a session.
type closing struct {
	Machine string    `json:"machine"`
	At      time.Time `json:"at"`
	Note    string    `json:"note"`
}

// newNotes reads what was kept, and lets go of what is too old. A file that cannot be read
// is put aside, not lost.
func newNotes(path string, log *slog.Logger) *notes {
	n := &notes{path: path, log: log}
	config.ReadKept(path, log, func(b []byte) error {
		err := json.Unmarshal(b, &n.kept)
		if err != nil {
			n.kept = noted{}
		}
		return err
	})
	if n.kept.old(time.Now()) {
		n.try("what is left of the old", func(*noted) {})
	}
	return n
}

// old drops what is too old, and reports whether anything was.
func (k *noted) old(now time.Time) bool {
	before := len(k.Recent) + len(k.Closing)
	k.Recent = slices.DeleteFunc(k.Recent, func(a asked) bool { return now.Sub(a.At) > keepRecent })
	k.Closing = slices.DeleteFunc(k.Closing, func(c closing) bool { return now.Sub(c.At) > keepRecent })
	return len(k.Recent)+len(k.Closing) < before
}

// change edits and keeps. The caller holds mu.
func (n *notes) change(edit func(*noted)) error {
	edit(&n.kept)
	n.kept.old(time.Now())
	b, err := json.MarshalIndent(n.kept, "", "  ")
	if err != nil {
		return err
	}
	return config.WriteFile(n.path, b)
}

// try changes what a person can do without: a full disk must not keep anybody from helping.
func (n *notes) try(what string, edit func(*noted)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.change(edit); err != nil {
		n.log.Warn("notes not kept", "what", what, "error", err)
	}
}

func (n *notes) login() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.kept.Login
}

func (n *notes) setLogin(login string) {
	n.try("login", func(k *noted) { k.Login = login })
}

// remember puts a machine first, once.
func (n *notes) remember(r ui.Recent) {
	n.try("recent", func(k *noted) {
		k.Recent = slices.DeleteFunc(k.Recent, func(a asked) bool { return a.Machine == r.Machine })
		k.Recent = slices.Insert(k.Recent, 0, asked(r))
		k.Recent = k.Recent[:min(len(k.Recent), maxRecent)]
	})
}

// recent leaves out what is too old; the file loses it at the next change.
func (n *notes) recent(now time.Time) []ui.Recent {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []ui.Recent
	for _, a := range n.kept.Recent {
		if now.Sub(a.At) <= keepRecent {
			out = append(out, ui.Recent(a))
		}
	}
	return out
}

// clear tells of an error: a person who wants something gone must know that it is not.
// clear forgets the machines asked, and what was noted of them.
func (n *notes) clear() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.change(func(k *noted) { k.Recent, k.Closing = nil, nil })
}

// closeWith keeps the closing note of a session, for as long as its machine.
func (n *notes) closeWith(c closing) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.change(func(k *noted) {
		k.Closing = append(k.Closing, c)
		k.Closing = k.Closing[max(0, len(k.Closing)-maxClosing):]
	})
}
