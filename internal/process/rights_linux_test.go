// SPDX-License-Identifier: Apache-2.0

package process

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	askRights  = "ASSIST_TEST_RIGHTS"
	askRunning = "ASSIST_TEST_RUNNING" // of a folder
)

// runningAnswer is what Running says.
type runningAnswer struct {
	PID     int
	Unknown bool
}

func TestMain(m *testing.M) {
	if os.Getenv(askRights) != "" { // the program that a test runs with other rights
		_ = json.NewEncoder(os.Stdout).Encode(Own())
		return
	}
	if dir := os.Getenv(askRunning); dir != "" {
		pid, err := Running(dir)
		_ = json.NewEncoder(os.Stdout).Encode(runningAnswer{pid, err != nil})
		return
	}
	os.Exit(m.Run())
}

// nobody is the user of the programs that these tests run.
const nobody = 65534

// asNobody runs this program as an ordinary user, changed, and returns its rights.
func asNobody(t *testing.T, mode os.FileMode, caps []uintptr, env ...string) Rights {
	t.Helper()
	var r Rights
	if err := json.Unmarshal(sayAsNobody(t, mode, caps, append(env, askRights+"=1")...), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// sayAsNobody runs this program as an ordinary user and returns what it says.
func sayAsNobody(t *testing.T, mode os.FileMode, caps []uintptr, env ...string) []byte {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("changing rights takes root")
	}
	dir, err := os.MkdirTemp("/var/tmp", "assist-rights-") // where others may run programs
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "program")
	copyTo(t, path)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path)
	c.Env = env
	c.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: nobody - 1, Gid: nobody - 1}, AmbientCaps: caps,
	}
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func copyTo(t *testing.T, path string) {
	t.Helper()
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, self); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestPrivilegesAreFoundOut(t *testing.T) {
	for name, c := range map[string]struct {
		mode os.FileMode
		caps []uintptr
		env  []string
		want bool
	}{
		"an ordinary user":          {0o755, nil, nil, false},
		"wakes the computer up":     {0o755, []uintptr{unix.CAP_WAKE_ALARM}, nil, false},
		"a capability":              {0o755, []uintptr{unix.CAP_NET_RAW}, nil, true},
		"one that reads everything": {0o755, []uintptr{unix.CAP_DAC_READ_SEARCH, unix.CAP_WAKE_ALARM}, nil, true},
		"setuid":                    {0o755 | os.ModeSetuid, nil, nil, true},
		"setgid":                    {0o755 | os.ModeSetgid, nil, nil, true},
		"sudo":                      {0o755, nil, []string{"SUDO_UID=0"}, true},
		"sudo of the same user":     {0o755, nil, []string{"SUDO_UID=65533"}, false},
		"pkexec":                    {0o755, nil, []string{"PKEXEC_UID=1000"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := asNobody(t, c.mode, c.caps, c.env...)
			if r.Privileged() != c.want {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestCapabilityNames(t *testing.T) {
	for bit, want := range map[int]string{
		0: "cap_chown", unix.CAP_SYS_ADMIN: "cap_sys_admin", unix.CAP_LAST_CAP: "cap_checkpoint_restore", 63: "cap_63",
	} {
		if got := capabilityName(bit); got != want {
			t.Errorf("%d is %s, want %s", bit, got, want)
		}
	}
}

func TestRightsOfThisProcess(t *testing.T) {
	r := Own()
	if r.User != os.Getuid() || r.Elevated != (os.Geteuid() == 0) || r.Elevated != slices.Contains(r.Capabilities, "cap_sys_admin") {
		t.Errorf("%+v", r)
	}
}

// A file that an access control list lets another account write is not the person's alone.
func TestAccessControlListsAreRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "assist.toml")
	must(t, os.WriteFile(path, nil, 0o644))
	must(t, CheckWriters(path))
	// setfacl -m u:1234:rw: version 2, then tag, rights and account of each line (acl(5)).
	list := binary.LittleEndian.AppendUint32(nil, 2)
	for _, line := range [][3]uint32{{1, 6, 0xffffffff}, {2, 6, 1234}, {4, 4, 0xffffffff}, {16, 6, 0xffffffff}, {32, 4, 0xffffffff}} {
		list = binary.LittleEndian.AppendUint16(list, uint16(line[0]))
		list = binary.LittleEndian.AppendUint16(list, uint16(line[1]))
		list = binary.LittleEndian.AppendUint32(list, line[2])
	}
	if err := unix.Setxattr(path, "system.posix_acl_access", list, 0); errors.Is(err, unix.ENOTSUP) {
		t.Skip(err) // a folder without access control lists
	} else if err != nil {
		t.Fatal(err)
	}
	if err := CheckWriters(path); !errors.Is(err, ErrWritable) {
		t.Errorf("account 1234 may write it: %v", err)
	}
}
