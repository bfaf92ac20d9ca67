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
		case othersWrite(ownership{int64(i.Uid), int64(i.Gid), uint32(i.Mode)}, int64(os.Geteuid())):
			return fmt.Errorf("%w: %s (owner %d, rights %o; chown it, and chmod go-w)", ErrWritable, at, i.Uid, i.Mode&0o7777)
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

// ownership is whose a file is and what may be done with it; mode as stat(2) gives it.
type ownership struct {
	uid, gid int64
	mode     uint32
}

// othersWrite reports whether others than root and user own a file or may write it. In a
// folder whose sticky bit is set, /tmp say, nobody replaces what is not theirs; a group of
// the owner's own number is theirs alone.
func othersWrite(i ownership, user int64) bool {
	if user != 0 && i.uid != 0 && i.uid != user {
		return true
	}
	if i.mode&unix.S_IFMT == unix.S_IFDIR && i.mode&unix.S_ISVTX != 0 {
		return false
	}
	return i.mode&0o002 != 0 || i.mode&0o020 != 0 && i.gid != i.uid
}
