// SPDX-License-Identifier: Apache-2.0

package server

import "golang.org/x/sys/unix"

// room is how many bytes this account may still write to the file system of a directory.
func room(dir string) (uint64, bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil || st.Bsize <= 0 {
		return 0, false
	}
	return st.Bavail * uint64(st.Bsize), true
}

// timeError is the state of a clock that nothing keeps right (adjtimex, TIME_ERROR).
const timeError = 5

// clockIsSet says whether the system knows its clock to be set by a time server; unknown
// where it may not be asked.
func clockIsSet() (set, known bool) {
	state, err := unix.Adjtimex(&unix.Timex{}) // asks alone
	return state != timeError, err == nil
}
