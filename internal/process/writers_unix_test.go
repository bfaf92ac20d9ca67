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

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

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
		"sticky, nothing there":  {absent: true, folder: 0o777 | os.ModeSticky, found: true},
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

// A link is gone along as the kernel goes: what it leads to, and through, counts, also when
// nothing is there yet.
func TestWritersBehindLinks(t *testing.T) {
	for name, c := range map[string]struct {
		links map[string]string // name: where it leads
		open  string            // a folder that others may write, but for what is there
		found bool
	}{
		"one":                     {links: map[string]string{"etc/assist.toml": "../own/assist.toml"}},
		"nothing there":           {links: map[string]string{"etc/assist.toml": "../shared/assist.toml"}, open: "shared", found: true},
		"nothing in a folder":     {links: map[string]string{"etc": "shared/etc"}, open: "shared", found: true},
		"through a folder":        {links: map[string]string{"etc/assist.toml": "../shared/l", "shared/l": "../own/assist.toml"}, open: "shared"},
		"nothing beside the link": {links: map[string]string{"shared/assist.toml": "other", "etc/assist.toml": "../shared/assist.toml"}, open: "shared", found: true},
		"in a circle":             {links: map[string]string{"etc/assist.toml": "a", "etc/a": "assist.toml"}},
	} {
		dir := t.TempDir()
		for _, folder := range []string{"own", "shared", "etc"} {
			if _, link := c.links[folder]; !link {
				must(t, os.Mkdir(filepath.Join(dir, folder), 0o700))
			}
		}
		must(t, os.WriteFile(filepath.Join(dir, "own", "assist.toml"), nil, 0o600))
		for at, to := range c.links {
			must(t, os.Symlink(to, filepath.Join(dir, at)))
		}
		if c.open != "" {
			must(t, os.Chmod(filepath.Join(dir, c.open), 0o777|os.ModeSticky))
		}
		err := CheckWriters(filepath.Join(dir, "etc", "assist.toml"))
		if circle := errors.Is(err, unix.ELOOP); errors.Is(err, ErrWritable) != c.found || circle != (name == "in a circle") || !c.found && !circle && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the administrator's file says counts for everybody, so it is root's, whoever asks:
// the very person may not own it.
func TestAdministratorsFileIsRoots(t *testing.T) {
	path := filepath.Join(t.TempDir(), "assist.toml")
	must(t, os.WriteFile(path, nil, 0o644))
	if os.Geteuid() == 0 {
		if err := CheckAdministrators(path); err != nil {
			t.Errorf("root's: %v", err)
		}
		must(t, os.Chown(path, 1234, 1234))
	}
	if err := CheckAdministrators(path); !errors.Is(err, ErrWritable) {
		t.Errorf("an ordinary account's: %v", err)
	}
	if err := CheckWriters(path); err != nil {
		t.Errorf("the person's: %v", err)
	}
}

// Who owns it counts, but where root asks about a person's; and a group is somebody else, unless it is the owner's.
func TestOwnersAndGroups(t *testing.T) {
	for _, c := range []struct {
		uid, gid int64
		mode     uint32
		user     int64
		want     bool
	}{
		{1000, 1000, 0o664, 1000, false}, {1000, 100, 0o664, 1000, true}, {1000, 100, 0o644, 1000, false},
		{0, 0, 0o644, 1000, false}, {1001, 1001, 0o600, 1000, true}, {1000, 1000, 0o600, anyone, false}, {1000, 1000, 0o600, 0, true},
		{0, 0, unix.S_IFDIR | unix.S_ISVTX | 0o777, 1000, false}, {1001, 0, unix.S_IFDIR | unix.S_ISVTX | 0o777, 1000, true},
		{0, 0, unix.S_ISVTX | 0o666, 1000, true}, {0, 0, unix.S_IFLNK | 0o777, 1000, false}, {1001, 1001, unix.S_IFLNK | 0o777, 1000, true},
	} {
		if got := (ownership{c.uid, c.gid, c.mode, false}).othersWrite(c.user); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// With an access control list the rights of the group are the most that it gives anybody.
func TestWhoIsListedCounts(t *testing.T) {
	for mode, want := range map[uint32]bool{0o664: true, 0o644: false, 0o460: true} {
		if got := (ownership{1000, 1000, mode, true}).othersWrite(1000); got != want {
			t.Errorf("%o: %v", mode, got)
		}
	}
}
