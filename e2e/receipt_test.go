// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"assist/assets"
	"assist/internal/receipt"
)

// receiptOf is the host's receipt of the session with this reason, if it proves itself and
// is complete.
func (w *world) receiptOf(reason string) (receipt.Receipt, error) {
	r, err := w.anyReceiptOf(reason)
	if err == nil && !r.Completed() {
		err = errNotYet
	}
	return r, err
}

// anyReceiptOf is receiptOf for one that need not be complete.
func (w *world) anyReceiptOf(reason string) (receipt.Receipt, error) {
	files, err := filepath.Glob(filepath.Join(w.host.dir, "receipts", "*.json"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return receipt.Receipt{}, err
		}
		r, err := receipt.Verify(b, assets.WordLists("fr"))
		if err != nil || r.Reason == reason {
			return r, err
		}
	}
	return receipt.Receipt{}, errors.Join(err, errNotYet)
}

// An app that is killed, by the technician who has the keyboard, say, leaves its receipt:
// signed, and said to be unfinished when the app is there again.
func TestKilledAppLeavesAReceipt(t *testing.T) {
	w := newWorld(t)
	l := w.intervene(t, true)
	w.host.proc.kill()
	r, err := w.anyReceiptOf(l.reason)
	if err != nil || r.Completed() || len(r.Deeds) == 0 {
		t.Errorf("the receipt: %+v, %v", r, err)
	}
	w.host.launch(t)
	w.host.see(t, aWhile, want{text: "arrêté sans terminer le reçu"})
}
