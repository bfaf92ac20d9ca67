// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assist/assets"
	"assist/internal/receipt"
)

// A receipt of a unit that anybody made up is whole, too: its first line says so, and the
// status is not that of one's own.
func TestAReceiptOfAnotherUnitIsNotTaken(t *testing.T) {
	say := func(key string, _ ...string) string { return key }
	path := filepath.Join("..", "..", "internal", "receipt", "testdata", "receipt.json")
	for name, dir := range map[string]string{"of another unit": newAttested(t).dir, "of none": t.TempDir()} {
		var out bytes.Buffer
		status := verifyReceipt(path, dir, &out, say)
		if status == 0 || !strings.HasPrefix(out.String(), "verify.stranger\n") || strings.Contains(out.String(), "verify.ok") {
			t.Errorf("%s: status %d, %s", name, status, &out)
		}
	}
}

// Dates and lengths are written as the language of the page writes them.
func TestVerifyWritesDatesInItsLanguage(t *testing.T) {
	at := time.Date(2026, 11, 2, 9, 5, 7, 0, time.Local)
	for language, want := range map[string]string{"fr": "02/11/2026 à 09:05:07, 1 min 49 s", "en": "2 Nov 2026 at 09:05:07, 1 min 49 s"} {
		text, err := assets.Texts("program", language)
		if err != nil {
			t.Fatal(err)
		}
		if got := moment(at, text) + ", " + length(109*time.Second, text); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Whoever reads a receipt that its app did not complete is told so, and until when it goes.
func TestVerifySaysWhatWasNotCompleted(t *testing.T) {
	say := func(key string, named ...string) string { return key + strings.Join(named, " ") }
	if said := unfinished(receipt.Receipt{End: 1}, say); said != "" {
		t.Error(said)
	}
	r := receipt.Receipt{Began: time.Date(2026, 11, 22, 10, 0, 0, 0, time.Local), Length: 61 * time.Second}
	if said := unfinished(r, say); said != "verify.unfinisheddate verify.momentdate "+r.Written().Format("verify.date")+" time 10:01:01" {
		t.Error(said)
	}
}
