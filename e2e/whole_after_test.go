// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"assist/assets"
	"assist/internal/consent"
	"assist/internal/receipt"
	"assist/internal/wire"
)

// What follows the cut of TestWholeIntervention.

// closesWithNote leaves the end page, which wants a note.
func (w *whole) closesWithNote(t *testing.T) {
	p := w.helper
	p.strike(t, "Tab")
	p.types(t, wholeNote)
	w.tell(t, "note", "The technician writes what was done.", w.helper)
	p.tab(t, 1)
	p.strike(t, "space")
	p.closes(t, w.session)
	p.opens(t, "Assist")
	var kept struct {
		Closing []struct{ Machine, Note string }
	}
	readJSON(t, filepath.Join(w.tech.dir, "technician.json"), &kept)
	if len(kept.Closing) != 1 || kept.Closing[0].Note != wholeNote || kept.Closing[0].Machine != w.id {
		t.Errorf("the closing notes are %+v", kept.Closing)
	}
}

func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// readsReceipt finds the receipt on disk and in the user's list.
func (w *whole) readsReceipt(t *testing.T) {
	var r receipt.Receipt
	eventually(t, soon, "the receipt", func() error {
		files, err := filepath.Glob(filepath.Join(w.host.dir, "receipts", "*.json"))
		if err != nil || len(files) != 1 {
			return errors.Join(err, errNotYet)
		}
		text, err := os.ReadFile(files[0])
		if err == nil {
			r, err = receipt.Verify(text, assets.WordLists("fr"))
		}
		if err == nil && !r.Completed() {
			err = errNotYet
		}
		return err
	})
	if r.Name != techName || r.Role != techRole || r.Unit != unitName || r.Reason != wholeReason || r.Machine != w.id {
		t.Errorf("the receipt says %+v", r)
	}
	if r.Allowed != uint16(consent.AllRights) || r.End != uint8(wire.EndUserCut) || r.Length <= 0 || r.Words[2] == "" {
		t.Errorf("the receipt says allowed %d, end %d, length %v, words %v", r.Allowed, r.End, r.Length, r.Words)
	}
	done := map[string]bool{}
	for _, d := range r.Deeds {
		done[d.What] = true
	}
	for _, what := range []string{"deed.began", "deed.asked.control", "deed.granted.control", "deed.drove"} {
		if !done[what] {
			t.Errorf("the receipt does not tell %s: %+v", what, r.Deeds)
		}
	}
	p := w.user
	p.opens(t, "Assist")
	p.screen.arrange(t, "Assist", image.Rect(1250, 50, 2050, 780))
	p.home(t)
	p.tab(t, 3) // from "copy" over "spell" and what was refused to "my interventions"
	p.turns(t, "space")
	p.turns(t, "space") // the newest is first; an empty list has nothing to open
	w.tell(t, "receipt", "The user reads the receipt: who, when, why, what was allowed, what was done.", w.user)
	w.view(t, "receipt-window", w.user)
	w.savesReceipt(t)
}

// savesReceipt takes the place and the name that the toolkit's own dialog proposes.
func (w *whole) savesReceipt(t *testing.T) {
	w.user.turns(t, "space")
	w.user.strike(t, "Return")
	w.user.eventually(t, "the saved page and its proof", func() error {
		for _, end := range []string{"html", "json"} {
			found, err := filepath.Glob(filepath.Join(w.host.dir, "recu-assist-*."+end))
			if err = joinErr(err, len(found) == 1); err != nil {
				return err
			}
		}
		return nil
	})
}

// inEnglish starts the technician's app anew in another language, signs in with the
// account that it kept, and goes over to the dark theme.
func (w *whole) inEnglish(t *testing.T) {
	p := w.helper
	p.proc.stop()
	w.settle(t, p, "en", "light")
	p.launch(t)
	p.opens(t, "Assist")
	p.shows(t, "ready", inkGood, 40)
	p.home(t)
	p.tab(t, -5)
	p.turns(t, "space")
	w.signIn(t)
	p.types(t, w.id)
	p.home(t)
	p.tab(t, -2) // from "sign out" over the settings to "dark"
	p.turns(t, "space")
	p.shows(t, "the dark theme", color.RGBA{0x12, 0x17, 0x1d, 0xff}, 100000)
	w.tell(t, "english", "The same app in English, in the dark.", w.helper)
	w.view(t, "english-window", w.helper)
}

// settle writes how an app looks into its file, and leaves the rest of it.
func (w *whole) settle(t *testing.T, p *person, language, theme string) {
	t.Helper()
	file := filepath.Join(p.dir, "assist.toml")
	b, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^(\[app\]|language = .*|theme = .*)\n`).ReplaceAllString(string(b), "")
	text += fmt.Sprintf("\n[app]\nlanguage = %q\ntheme = %q\n", language, theme)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.as.own(file); err != nil {
		t.Fatal(err)
	}
}
