// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"errors"
	"os"
	"path/filepath"

	"assist/assets"
	"assist/internal/receipt"
)

// receiptOf is the host's receipt of the session with this reason, if it proves itself.
func (w *world) receiptOf(reason string) (receipt.Receipt, error) {
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
