// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"assist/internal/server"
	"assist/internal/trust"
)

// advised adds to an error what to do next, where that does not depend on the command.
func advised(err error) error {
	next := ""
	for _, one := range advice() {
		if next == "" && errors.Is(err, one.of) {
			next = one.next
		}
	}
	var call *os.SyscallError
	if errors.As(err, &call) && call.Syscall == "bind" && errors.Is(err, fs.ErrPermission) {
		next = "Ports below 1024 need a right that the service's unit file gives: start it with \"systemctl start assist-server\", or name another port in server.listen."
	}
	if next == "" || errors.Is(err, server.ErrFull) { // which says it itself
		return err
	}
	return fmt.Errorf("%w\n%s", err, next)
}

// advisedError is an error, and what somebody who meets it can do.
type advisedError struct {
	of   error
	next string
}

// advice is in the order in which it is looked for.
func advice() []advisedError {
	return []advisedError{
		{server.ErrNoServer, "Name the directory with --dir, or make one with \"assist-server init\"."},
		{server.ErrTooNew, "Run the newer program, or put back the backup that was made before the update (docs/server.md, \"Backup and restore\")."},
		{server.ErrUnknown, "\"technician list\" shows the logins and where each stands."},
		{server.ErrMachine, "\"machine list\" shows the machines, and which are held back."},
		{server.ErrStale, "Make a new one with \"charter draft\", sign it and publish that."},
		{trust.ErrRollback, "Make a new one with \"charter draft\", sign it and publish that. After a restore see \"charter sign --above\"."},
		{trust.ErrForked, "Somebody published another one meanwhile: look at it with \"charter show\", then draft or sign anew."},
		{trust.ErrPassphrase, "Nothing was changed. It is the passphrase that was chosen at \"init\"; without it the unit key cannot be used."},
		{fs.ErrPermission, "Run it as the service's account, as in \"sudo -u assist-server assist-server …\", with files that this account may read and write."},
		{fs.ErrExist, "It is left as it is: name a new file or directory."},
		{syscall.ENOSPC, "The disk is full: free some space on it, then run the command again."},
		{fs.ErrNotExist, "Look at the name. What is missing in the data directory itself comes back with a backup (docs/server.md, \"Backup and restore\")."},
	}
}

// errUnsigned: a draft is not what publish takes.
var errUnsigned = errors.New("nobody has signed it yet")

// explainPublished says of a file that is no signed charter what it is.
func explainPublished(err error, from string, text []byte) error {
	if errors.Is(err, trust.ErrSignature) {
		return fmt.Errorf("%w\nThe unit key in force did not sign %s. If \"charter rotate\" made it, name the change as well: --rotation FILE", err, from)
	}
	if !errors.Is(err, trust.ErrMalformed) {
		return err
	}
	if strings.HasPrefix(string(text), server.DraftHead) {
		return fmt.Errorf("%s is a draft: %w. Where the unit key is kept, run\n  assist-server charter sign --key unit.key --draft %s --out charter.txt\nand publish charter.txt", from, errUnsigned, from)
	}
	return fmt.Errorf("%s is no charter that \"charter sign --out\" made, or it was altered: look at the name, or sign and fetch it again (%w)", from, err)
}
