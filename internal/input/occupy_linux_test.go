// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"testing"

	"assist/internal/x11/x11test"
)

// There is one Assist on a display, and again one when it is gone.
func TestADisplayHasOneAssist(t *testing.T) {
	x11test.Start(t, displaySize)
	release, err := Occupy()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Occupy(); !errors.Is(err, ErrOccupied) {
		t.Errorf("a second one: %v", err)
	}
	release()
	again, err := Occupy()
	if err != nil {
		t.Fatalf("after the first: %v", err)
	}
	again()
}
