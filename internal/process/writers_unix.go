// SPDX-License-Identifier: Apache-2.0

//go:build unix

package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrWritable says that others than this user and root can change a file, or put another in
// its place.
var ErrWritable = errors.New("others can write it")

// maxLinks is how many symbolic links a path may lead through, as in Linux.
const maxLinks = 40

// CheckWriters looks at a file of the person's, which need not exist, at every folder above
// it, and at those that its links lead through. Root, who may write everything, is asked
// about the rights alone, not about owners.
func CheckWriters(path string) error {
	user := int64(os.Geteuid())
	if user == 0 {
		user = anyone
	}
	return check(path, user)
}

// CheckAdministrators is CheckWriters for a file of the administrator's: it and what lies
// above it belong to root alone, whoever asks.
func CheckAdministrators(path string) error { return check(path, 0) }

// check goes the way of the kernel, from the root directory down.
func check(path string, user int64) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("process: %w", err)
	}
	w := way{user: user, at: "/", ahead: parts(path)}
	for more := true; more && err == nil; {
		more, err = w.step()
	}
	return err
}

// way is how far a path was followed.
type way struct {
	user  int64
	at    string // no link is in it
	ahead []string
	links int
	open  error // set below a folder where everybody may put what is not there yet
}

func parts(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }

// step looks at where the way is and goes on by one name; false when it is at its end, or
// when nothing is there.
func (w *way) step() (more bool, err error) {
	var i unix.Stat_t
	err = unix.Lstat(w.at, &i)
	if errors.Is(err, fs.ErrNotExist) {
		return false, w.open
	}
	if err != nil {
		return false, fmt.Errorf("process: %s: %w", w.at, err)
	}
	its := ownership{int64(i.Uid), int64(i.Gid), uint32(i.Mode), isListed(w.at)}
	found := fmt.Errorf("%w: %s (owner %d, rights %o; chown it, and chmod go-w)", ErrWritable, w.at, i.Uid, i.Mode&0o7777)
	if its.othersWrite(w.user) {
		return false, found
	}
	w.open = nil
	if its.anybodyAdds() {
		w.open = found
	}
	if i.Mode&unix.S_IFMT == unix.S_IFLNK {
		if err := w.follow(); err != nil {
			return false, err
		}
	} else if len(w.ahead) == 0 {
		return false, nil
	}
	w.at, w.ahead = filepath.Join(w.at, w.ahead[0]), w.ahead[1:]
	return true, nil
}

// follow puts where a link leads before what is ahead, and looks at the folder where that
// begins once more.
func (w *way) follow() error {
	to, err := os.Readlink(w.at)
	if w.links++; err == nil && w.links > maxLinks {
		err = unix.ELOOP
	}
	if err != nil {
		return fmt.Errorf("process: %s: %w", w.at, err)
	}
	w.at = filepath.Dir(w.at)
	if filepath.IsAbs(to) {
		w.at = "/"
	}
	w.ahead = slices.Concat([]string{"."}, parts(to), w.ahead)
	return nil
}

// anyone as a user: owners are not asked about.
const anyone = -1

// ownership is whose a file is and what may be done with it; mode as stat(2) gives it.
type ownership struct {
	uid, gid int64
	mode     uint32
	listed   bool // it has an access control list, and the group's rights are the most that one gives
}

// isListed reports whether a file has an access control list (acl(5)); no other system has
// one by this name.
func isListed(path string) bool {
	n, err := unix.Lgetxattr(path, "system.posix_acl_access", nil)
	return err == nil && n > 0
}

// othersWrite reports whether others than root and user own a file or may write it. In a
// folder whose sticky bit is set, /tmp say, nobody replaces what is not theirs; what a link
// lets do is said by where it leads.
func (i ownership) othersWrite(user int64) bool {
	if user != anyone && i.uid != 0 && i.uid != user {
		return true
	}
	return i.mode&unix.S_IFMT != unix.S_IFLNK && !i.isSticky() && i.isOpen()
}

// anybodyAdds reports whether others put into a folder what is not there yet, and no more.
func (i ownership) anybodyAdds() bool { return i.isSticky() && i.isOpen() }

func (i ownership) isSticky() bool {
	return i.mode&unix.S_IFMT == unix.S_IFDIR && i.mode&unix.S_ISVTX != 0
}

// isOpen: a group of the owner's own number is theirs alone.
func (i ownership) isOpen() bool {
	return i.mode&0o002 != 0 || i.mode&0o020 != 0 && (i.gid != i.uid || i.listed)
}
