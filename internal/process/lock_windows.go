// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/windows"
)

// Lock takes the lock on a file until it is closed or the process ends, or
// returns ErrHeld.
func Lock(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	const how = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err = windows.LockFileEx(windows.Handle(f.Fd()), how, 0, 1, 0, new(windows.Overlapped))
	if err == nil {
		return f, nil
	}
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		err = ErrHeld
	}
	return nil, errors.Join(err, f.Close())
}
