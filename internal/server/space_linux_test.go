// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// tiny is a file system of 4 MiB, where the test may make one.
func tiny(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m,mode=0700"); err != nil {
		t.Skipf("no file system of its own: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillDisk writes until there is no room, and returns how to make some again.
func fillDisk(t *testing.T, dir string) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	must(t, err)
	for size := 64 << 10; size >= 1; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	must(t, f.Close())
	return func() { must(t, os.Remove(name)) }
}

// On a disk that is really full each command says what to do, nothing is lost, and all goes
// on once there is room.
func TestAFullDiskIsSaidAndLosesNothing(t *testing.T) {
	disk := tiny(t)
	fix, err := fixtures()
	must(t, err)
	dir := filepath.Join(disk, "data")
	copyData(t, dir, fix.dir)
	r := opened(t, dir, fix)
	log := &lockedBuffer{}
	r.log = textLog(log)
	r.run()
	h := r.host(0)
	free := fillDisk(t, disk)
	for i := 0; ; i++ { // what is left of the last page
		err := r.ChangePolicy(t.Context(), PolicyChange{IdleMinutes: ptr(10 + i%2)})
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil || i > 1000 {
			t.Fatalf("a full disk is told as %v", err)
		}
	}
	if _, err := r.AddTechnician(t.Context(), Technician{Login: "denis", Name: "Denis", Role: "IT"}); !errors.Is(err, ErrFull) {
		t.Errorf("an invitation: %v", err)
	}
	if err := r.Backup(t.Context(), filepath.Join(disk, "copy")); !errors.Is(err, ErrFull) {
		t.Errorf("a backup: %v", err)
	}
	if _, err := Init(filepath.Join(disk, "new"), Options{Name: "x", Address: "127.0.0.1:1", Passphrase: testPassphrase}); !errors.Is(err, ErrFull) {
		t.Errorf("init: %v", err)
	}
	if left, err := os.ReadDir(disk); err != nil || len(left) != 2 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if f := find(Check(t.Context(), dir), "disk space"); len(f) != 1 || f[0].Grade != Bad {
		t.Errorf("check says %+v", f)
	}
	free()
	if _, err := r.AddTechnician(t.Context(), Technician{Login: "denis", Name: "Denis", Role: "IT"}); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if report, err := r.VerifyJournal(t.Context()); err != nil || report.Doubts.All != 0 {
		t.Errorf("journal: %+v, %v", report, err)
	}
	must(t, h.ws.CloseNow())
}
