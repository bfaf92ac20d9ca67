// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/user"
	"strings"
	"unicode"
)

// maxAccount bounds the name of an account, in bytes.
const maxAccount = 64

// unknownAccount is recorded where the system gives no name, or none that is one.
const unknownAccount = "unknown"

// account is who runs this command, for the journal: the account of the process, and
// whoever became it by sudo. Whoever may become that account can say anything here.
func account() string {
	name := unknownAccount
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return acting(name, os.Getenv("SUDO_USER"))
}

// acting puts the two names together. Neither can be made to look like the two of them.
func acting(process, sudo string) string {
	by := accountName(strings.ReplaceAll(process, " ", "_")) // on Windows a name may have spaces
	if sudo == "" || sudo == process {
		return by
	}
	return accountName(sudo) + " as " + by
}

func accountName(name string) string {
	odd := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(`._-@+$\`, r)
	}
	if name == "" || len(name) > maxAccount || strings.ContainsFunc(name, odd) {
		return unknownAccount
	}
	return name
}
