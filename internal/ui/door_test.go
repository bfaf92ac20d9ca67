// SPDX-License-Identifier: Apache-2.0

//go:build testdoor && !screens

package ui

import (
	"encoding/json"
	"net"
	"path/filepath"
	"testing"

	"fyne.io/fyne/v2/test"

	"assist/internal/consent"
)

func TestDoorListsWidgets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "door")
	t.Setenv("ASSIST_TEST_DOOR", path)
	f := newFake()
	a, err := New(f.config(test.NewTempApp(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.stop)
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for round := range 2 { // names survive being asked for, hidden ones too
		if _, err := c.Write([]byte("widgets\n")); err != nil {
			t.Fatal(err)
		}
		var all []seen
		if err := json.NewDecoder(c).Decode(&all); err != nil {
			t.Fatal(err)
		}
		byID := map[string]seen{}
		for _, s := range all {
			byID[s.ID] = s
		}
		if got := byID["cut"]; (got.Text == "Couper") != (round == 1) {
			t.Errorf("round %d: cut: %+v", round, got)
		}
		f.set(func() { f.helped.Live = &Live{Who: card(), Rights: consent.AllRights} })
		a.update()
		if got := byID["machine"]; got.Text != "4829 1730 5566" || got.Window != "Assist" || got.W == 0 {
			t.Errorf("machine: %+v", got)
		}
		if got := byID["copy"]; got.Kind != "button" || !got.Enabled {
			t.Errorf("copy: %+v", got)
		}
	}
	if _, err := c.Write([]byte("tap accept\n")); err != nil {
		t.Fatal(err)
	}
	var no map[string]string
	if err := json.NewDecoder(c).Decode(&no); err != nil || no["error"] == "" {
		t.Errorf("an order was answered %v, %v", no, err)
	}
}
