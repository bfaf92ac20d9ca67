// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"

	"modernc.org/sqlite"
)

// ErrFull says that a file system has no room left.
var ErrFull = errors.New("server: the disk is full")

// Room on the file system of the data directory, in bytes. The journal grows by some
// kilobytes an intervention; SQLite needs a little to erase, too.
const (
	leastRoom = 500 << 20 // below, check warns
	noRoom    = 50 << 20  // below, check fails
)

// What SQLite says of a file system: the low byte of its codes.
const (
	sqliteFull = 13
	sqliteIO   = 10 // also when it cannot make its shared memory for want of room
)

// isFull says whether an error comes of a file system without room; dir lies on it.
func isFull(dir string, err error) bool {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return true
	}
	var said *sqlite.Error
	if !errors.As(err, &said) {
		return false
	}
	switch said.Code() & 0xff {
	case sqliteFull:
		return true
	case sqliteIO:
		free, known := room(dir)
		return known && free < 1<<20
	}
	return false
}

// fullStore adds what to do to an error of the database or of a file beside it.
func fullStore(dir string, err error) error {
	if err == nil || errors.Is(err, ErrFull) || !isFull(dir, err) {
		return err
	}
	return fmt.Errorf("%w: what was recorded is safe, this was not done, and no request is taken until there is room. Free some space on the file "+
		"system of %s (50 MiB are enough to go on), then run \"check\"; \"journal purge\" erases what is too old, once there is a little room: %w", ErrFull, dir, err)
}

// fullFile is fullStore for a file that somebody named.
func fullFile(path string, err error) error {
	dir := filepath.Dir(path)
	if err == nil || errors.Is(err, ErrFull) || !isFull(dir, err) {
		return err
	}
	return fmt.Errorf("%w: %s was not written, and nothing else has changed. Free some space on its file system, or name a file elsewhere, "+
		"then run the command again: %w", ErrFull, path, err)
}

// space says how much room the data directory has left.
func (f *Findings) space(dir string) {
	free, known := room(dir)
	if !known {
		f.add(Note, "disk space", "this system does not say how much is free; look yourself")
		return
	}
	grade, text := judgeRoom(dir, free)
	f.add(grade, "disk space", "%s", text)
}

func judgeRoom(dir string, free uint64) (Grade, string) {
	switch {
	case free < noRoom:
		return Bad, fmt.Sprintf("%d MiB are left for %s: requests are refused once nothing can be written; free some space, or move the directory to a larger disk", free>>20, dir)
	case free < leastRoom:
		return Note, fmt.Sprintf("WARNING: %d MiB are left for %s: free some space before it is full; then requests are refused", free>>20, dir)
	}
	return Good, fmt.Sprintf("%d MiB are left for %s", free>>20, dir)
}
