// SPDX-License-Identifier: Apache-2.0

//go:build unix

package process

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A file is found out by its own rights, by those of a folder above it, and behind a link;
// so is the place of one that is not there yet.
func TestWritersAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		file, folder os.FileMode
		absent, link bool
		found        bool
	}{
		"private":                {file: 0o600, folder: 0o700},
		"readable":               {file: 0o644, folder: 0o755},
		"writable":               {file: 0o646, folder: 0o755, found: true},
		"folder writable":        {file: 0o600, folder: 0o757, found: true},
		"folder sticky":          {file: 0o600, folder: 0o777 | os.ModeSticky},
		"nothing there":          {absent: true, folder: 0o755},
		"anybody may put it":     {absent: true, folder: 0o777, found: true},
		"link to a writable one": {file: 0o666, folder: 0o755, link: true, found: true},
	} {
		dir := t.TempDir()
		folder := filepath.Join(dir, "etc", "assist")
		path := filepath.Join(folder, "assist.toml")
		err := os.MkdirAll(folder, 0o755)
		switch {
		case c.link:
			err = errors.Join(err, os.WriteFile(filepath.Join(dir, "other"), nil, 0o600), os.Chmod(filepath.Join(dir, "other"), c.file),
				os.Symlink(filepath.Join(dir, "other"), path))
		case !c.absent:
			err = errors.Join(err, os.WriteFile(path, nil, 0o600), os.Chmod(path, c.file))
		}
		if err = errors.Join(err, os.Chmod(folder, c.folder)); err != nil {
			t.Fatal(err)
		}
		if err := CheckWriters(path); errors.Is(err, ErrWritable) != c.found || !c.found && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Who owns it counts, but for root; and a group is somebody else, unless it is the owner's.
func TestOwnersAndGroups(t *testing.T) {
	for _, c := range []struct {
		uid, gid int64
		mode     uint32
		user     int64
		want     bool
	}{
		{1000, 1000, 0o664, 1000, false}, {1000, 100, 0o664, 1000, true}, {1000, 100, 0o644, 1000, false},
		{0, 0, 0o644, 1000, false}, {1001, 1001, 0o600, 1000, true}, {1000, 1000, 0o600, 0, false},
		{0, 0, unix.S_IFDIR | unix.S_ISVTX | 0o777, 1000, false}, {1001, 0, unix.S_IFDIR | unix.S_ISVTX | 0o777, 1000, true},
		{0, 0, unix.S_ISVTX | 0o666, 1000, true},
	} {
		if got := othersWrite(ownership{c.uid, c.gid, c.mode}, c.user); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
