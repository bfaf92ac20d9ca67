// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// Whoever reads a receipt that its app did not complete is told so, and until when it goes.
func TestVerifySaysWhatWasNotCompleted(t *testing.T) {
	say := func(key string, named ...string) string { return key + strings.Join(named, " ") }
	if said := unfinished(receipt.Receipt{End: 1}, say); said != "" {
		t.Error(said)
	}
	r := receipt.Receipt{Began: time.Date(2026, 11, 22, 10, 0, 0, 0, time.Local), Length: 61 * time.Second}
	if said := unfinished(r, say); said != "verify.unfinisheddate 2026-11-22 10:01:01" {
		t.Error(said)
	}
}
