// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"errors"
	"testing"
)

func TestNumbersAreThoseOfTheirKeys(t *testing.T) {
	f := setUp(t)
	n := &Numbers{}
	for range 2 { // worked out, then remembered
		if id := must(n.Of(f.host.Public(), f.unit.Public()))(t); id != f.machine {
			t.Errorf("%q, not %q", id, f.machine)
		}
		if id := must(n.Of(f.device.Public(), f.unit.Public()))(t); id == f.machine {
			t.Error("another host, same number")
		}
		if id := must(n.Of(f.host.Public(), f.device.Public()))(t); id == f.machine {
			t.Error("another unit, same number")
		}
		if _, err := n.Of([]byte("x"), f.unit.Public()); !errors.Is(err, ErrKey) {
			t.Errorf("no key: %v", err)
		}
	}
	if len(n.known) != 3 {
		t.Errorf("%d numbers are remembered", len(n.known))
	}
}

func TestNumbersAreBounded(t *testing.T) {
	f := setUp(t)
	n := &Numbers{known: map[[32]byte]string{}}
	for i := range maxNumbers {
		n.known[[32]byte{byte(i), byte(i >> 8), 1}] = "000000000000"
	}
	if id := must(n.Of(f.host.Public(), f.unit.Public()))(t); id != f.machine || len(n.known) != 1 {
		t.Errorf("%q, and %d are remembered", id, len(n.known))
	}
}
