// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"os"
	"testing"
)

func TestTheSettledKeyIsRemembered(t *testing.T) {
	unit, err := NewUnitKey()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	m, err := NewMemory(dir, unit.Public())
	if err != nil {
		t.Fatal(err)
	}
	if m.Settled() != [32]byte{} {
		t.Error("settled from the start")
	}
	if err := m.Settle([32]byte{1, 2}); err != nil {
		t.Fatal(err)
	}
	again, err := NewMemory(dir, unit.Public())
	if err != nil || again.Settled() != [32]byte{1, 2} {
		t.Errorf("%x, %v", again.Settled(), err)
	}
	for _, damage := range []string{"", "01", "zz"} {
		if err := os.WriteFile(m.path+".join", []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		if m.Settled() != [32]byte{} {
			t.Errorf("%q counts", damage)
		}
	}
}
