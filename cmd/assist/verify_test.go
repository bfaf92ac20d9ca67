// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
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
