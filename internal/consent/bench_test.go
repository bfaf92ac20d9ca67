// SPDX-License-Identifier: Apache-2.0

package consent_test

import (
	"testing"

	"assist/internal/consent"
	"assist/internal/consent/consenttest"
)

// Every frame rectangle and every key stroke pays this price.
func BenchmarkDo(b *testing.B) {
	view, err := consenttest.Lease(b, consent.RightView).View()
	if err != nil {
		b.Fatal(err)
	}
	nothing := func() error { return nil }
	for b.Loop() {
		if err := view.Do(nothing); err != nil {
			b.Fatal(err)
		}
	}
}
