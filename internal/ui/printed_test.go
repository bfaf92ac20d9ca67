// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"assist/internal/wire"
)

// saved is the page of a receipt, saved by its page on the screen.
func saved(t *testing.T, language string, c Receipt) string {
	t.Helper()
	a, f := newTestApp(t, func(f *fake) { f.prefs.Language = language })
	r := &receiptPage{a: a, receipt: c}
	a.turn(placeHelped, r)
	r.keep("/tmp/receipt.html")
	if !f.said("save /tmp/receipt.html") || !strings.Contains(r.note.said, "/tmp/receipt.html") {
		t.Fatalf("calls %q, said %q", f.calls, r.note.said)
	}
	return f.page
}

func TestSavedReceiptTellsAll(t *testing.T) {
	for language, want := range map[string][]string{
		"fr": {`lang="fr"`, "Reçu d’intervention", "Camille Fontaine", "Assistance informatique, INCI", "12/02/2027",
			"21/11/2026", "6 min 40 s", "4829 1730 5566", "Imprimante du 2e étage introuvable", "utiliser la souris et le clavier",
			"Vous avez coupé.", "citron – valise – orage", "A demandé la souris et le clavier", "et encore 3 actions", "5f1c0d9a5f1c"},
		"en": {`lang="en"`, "Receipt of an intervention", "Camille Fontaine", "6 min 40 s", "4829 1730 5566",
			"use the mouse and keyboard", "citron – valise – orage", "and 3 more actions"},
	} {
		c := someReceipts()[0]
		c.Omitted = 3
		page := saved(t, language, c)
		for _, w := range want {
			if !strings.Contains(page, w) {
				t.Errorf("%s: no %q", language, w)
			}
		}
		for _, outside := range []string{"http:", "https:", "src=", "url(", "<link", "<script", "@import", "href"} {
			if strings.Contains(page, outside) {
				t.Errorf("%s: the page asks for %q", language, outside)
			}
		}
	}
}

// Names, reasons and deeds come from others.
func TestSavedReceiptIsSafe(t *testing.T) {
	c := someReceipts()[0]
	evil := "</td><script>alert(1)</script>\u202egro.live\u2066\x00\x1b[2J\u200b<img src=x onerror=y>"
	c.Who.Name, c.Who.Role, c.Who.Unit, c.Reason, c.Machine, c.ID = evil, evil, evil, evil, evil, evil
	c.Words = [3]string{evil, evil, evil}
	c.Done = []Deed{{time.Now(), evil}}
	page := saved(t, "fr", c)
	for _, bad := range []string{"<script", "<img", "\u202e", "\u2066", "\u200b", "\x00", "\x1b"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	elements := map[string]int{}
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok {
			elements[e.Name.Local]++
		}
	}
	if elements["tr"] != 12 || elements["script"]+elements["img"] != 0 {
		t.Errorf("elements %v", elements)
	}
}

func TestSavedReceiptWithoutDeeds(t *testing.T) {
	c := someReceipts()[0]
	c.Done, c.Who.Role, c.Who.Unit = nil, "", ""
	page := saved(t, "fr", c)
	if !strings.Contains(page, "Rien d’autre que regarder.") || !strings.Contains(page, "<bdi>—</bdi>") {
		t.Error(page)
	}
}

func TestReportIsSaidOnce(t *testing.T) {
	a, f := newTestApp(t)
	r := &receiptPage{a: a, receipt: someReceipts()[0]}
	a.turn(placeHelped, r)
	for _, c := range []struct {
		fault error
		want  string
	}{
		{ErrNotReported, "considérez que rien n’est signalé"},
		{ErrNotKnown, "ne connaît pas cette intervention"},
		{&Refused{Why: wire.RefusedJournal}, "journal"},
		{nil, "Inscrit au journal du serveur à "},
	} {
		f.fault = c.fault
		test.Tap(r.report)
		if !strings.Contains(r.note.said, c.want) {
			t.Errorf("%v: said %q", c.fault, r.note.said)
		}
		if r.report.Disabled() != (c.fault == nil) {
			t.Errorf("%v: the button is off: %v", c.fault, r.report.Disabled())
		}
	}
	if !f.said("report " + r.receipt.ID) {
		t.Errorf("calls %q", f.calls)
	}
}
