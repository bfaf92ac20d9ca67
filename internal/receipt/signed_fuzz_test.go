// SPDX-License-Identifier: Apache-2.0

package receipt

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"assist/assets"
)

// kept is the receipt that an app of yesterday kept.
func kept(t testing.TB) []byte {
	return must(os.ReadFile(filepath.Join("testdata", "receipt.json")))(t)
}

// No receipt that a stranger made up is believed: it would need a computer's key, and a
// technician's. The one that is begun from has both, so that everything is reached.
func FuzzVerify(f *testing.F) {
	good := kept(f)
	if _, err := Verify(good, assets.WordLists("fr")); err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := Verify(b, assets.WordLists("fr")); (err == nil) != bytes.Equal(b, good) {
			t.Errorf("%v: %+v", err, r)
		}
	})
}
