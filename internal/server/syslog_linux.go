// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// unacknowledged is how many bytes that were written to a connection the other side's
// system has not taken yet.
func unacknowledged(conn *net.TCPConn) (int64, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var n int
	var failed error
	err = raw.Control(func(fd uintptr) { n, failed = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	return int64(n), errors.Join(err, failed)
}
