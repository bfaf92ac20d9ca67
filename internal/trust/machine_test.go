// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"errors"
	"fmt"
	"testing"
)

func TestMachineIDDependsOnBothKeys(t *testing.T) {
	f := setUp(t)
	if err := CheckMachineID(f.machine); err != nil {
		t.Fatalf("%q: %v", f.machine, err)
	}
	again := must(MachineIDOf(f.host.Public(), f.unit.Public()))(t)
	if again != f.machine {
		t.Errorf("%q and then %q", f.machine, again)
	}
	if id := must(MachineIDOf(f.host.Public(), f.device.Public()))(t); id == f.machine {
		t.Error("another unit, same number")
	}
	if id := must(MachineIDOf(f.device.Public(), f.unit.Public()))(t); id == f.machine {
		t.Error("another host, same number")
	}
}

func TestMachineIDWantsRealKeys(t *testing.T) {
	f := setUp(t)
	if _, err := MachineIDOf([]byte("x"), f.unit.Public()); !errors.Is(err, ErrKey) {
		t.Errorf("host: %v", err)
	}
	if _, err := MachineIDOf(f.host.Public(), nil); !errors.Is(err, ErrKey) {
		t.Errorf("unit: %v", err)
	}
}

// numbers are eleven digits of every pattern worth trying, with their check digit.
func numbers() []string {
	var all []string
	for _, s := range []string{"00000000000", "12345678901", "98765432109", "48291730556", "99999999999", "10203040506"} {
		all = append(all, s+string('0'+dammDigit(s)))
	}
	return all
}

func TestDammCatchesEverySingleWrongDigit(t *testing.T) {
	for _, id := range numbers() {
		if err := CheckMachineID(id); err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		for at := range id {
			for d := byte('0'); d <= '9'; d++ {
				b := []byte(id)
				b[at] = d
				if d != id[at] && CheckMachineID(string(b)) == nil {
					t.Errorf("%s passes for %s", b, id)
				}
			}
		}
	}
}

func TestDammCatchesEverySwapOfNeighbours(t *testing.T) {
	// Every pair of digits at every place, in front of every interim state.
	for n := range 1000 {
		head := fmt.Sprintf("%03d", n)
		for at := range 12 - 3 - 1 {
			s := "0000000"[:at] + head + "00000000"[:11-3-at]
			id := []byte(s + string('0'+dammDigit(s)))
			for i := 0; i+1 < len(id); i++ {
				if id[i] == id[i+1] {
					continue
				}
				id[i], id[i+1] = id[i+1], id[i]
				if CheckMachineID(string(id)) == nil {
					t.Errorf("%s passes with digits %d and %d swapped", id, i, i+1)
				}
				id[i], id[i+1] = id[i+1], id[i]
			}
		}
	}
}

func TestMachineIDAsPeopleWriteIt(t *testing.T) {
	id := numbers()[3]
	shown := FormatMachineID(id)
	if len(shown) != 14 || shown[4] != ' ' || shown[9] != ' ' {
		t.Errorf("shown as %q", shown)
	}
	for _, s := range []string{id, shown, " " + shown + "\n", id[:4] + "-" + id[4:8] + "." + id[8:], id[:6] + "\u202f\u00a0" + id[6:]} {
		if got, err := ParseMachineID(s); err != nil || got != id {
			t.Errorf("%q read as %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"", id[:11], id + "0", "٤" + id[1:], id[:11] + "x", "+" + id[1:]} {
		if _, err := ParseMachineID(s); !errors.Is(err, ErrMachineID) {
			t.Errorf("%q: %v", s, err)
		}
	}
	if FormatMachineID("48291") != "4829 1" || FormatMachineID("") != "" {
		t.Error("half-typed numbers are not grouped")
	}
}

func BenchmarkMachineID(b *testing.B) {
	f := setUp(b)
	for b.Loop() {
		if _, err := f.host.MachineID(f.unit.Public()); err != nil {
			b.Fatal(err)
		}
	}
}
