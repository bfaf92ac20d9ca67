// SPDX-License-Identifier: Apache-2.0

//go:build unix

package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrWritable says that others than this user and root can change a file, or put another in
// its place.
var ErrWritable = errors.New("others can write it")

// CheckWriters looks at a file, which need not exist, and at every folder above it. Root,
// who may write everything, is asked about the rights alone, not about owners.
func CheckWriters(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("process: %w", err)
	}
	real, err := filepath.EvalSymlinks(path)
	if err == nil && real != path {
		if err := CheckWriters(real); err != nil {
			return err
		}
	}
	for at := path; ; at = filepath.Dir(at) {
		var i unix.Stat_t
		err := unix.Stat(at, &i)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return fmt.Errorf("process: %s: %w", at, err)
		case othersWrite(&i, uint32(os.Geteuid())):
			return fmt.Errorf("%w: %s (owner %d, rights %o; chown it, and chmod go-w)", ErrWritable, at, i.Uid, i.Mode&0o7777)
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

// othersWrite reports whether others than root and user own a file or may write it. In a
// folder whose sticky bit is set, /tmp say, nobody replaces what is not theirs; a group of
// the owner's own number is theirs alone.
func othersWrite(i *unix.Stat_t, user uint32) bool {
	if user != 0 && i.Uid != 0 && i.Uid != user {
		return true
	}
	if i.Mode&unix.S_IFMT == unix.S_IFDIR && i.Mode&unix.S_ISVTX != 0 {
		return false
	}
	return i.Mode&0o002 != 0 || i.Mode&0o020 != 0 && i.Gid != i.Uid
}
