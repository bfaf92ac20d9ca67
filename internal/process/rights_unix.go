// SPDX-License-Identifier: Apache-2.0

//go:build unix

package process

import (
	"io/fs"
	"os"
	"strconv"
)

func own() Rights {
	r := Rights{User: os.Getuid(), Group: os.Getgid(), Elevated: os.Geteuid() == 0 || os.Getuid() == 0}
	r.Groups, _ = os.Getgroups() // unknown groups give nothing away here
	r.SetID = os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() || fileSetsID()
	r.Sudo = onBehalf(os.Getenv, r.User)
	r.Capabilities = capabilities()
	return r
}

// fileSetsID reports whether the program's own file would give away its owner's
// rights. A file that cannot be looked at is not believed to be harmless.
func fileSetsID() bool {
	path, err := os.Executable()
	if err != nil {
		return true
	}
	i, err := os.Stat(path)
	if err != nil {
		return !os.IsNotExist(err) // it was replaced by a newer one while this one ran
	}
	return i.Mode()&(fs.ModeSetuid|fs.ModeSetgid) != 0
}

// onBehalf reports whether somebody else's account started this process here.
func onBehalf(env func(string) string, uid int) bool {
	for _, name := range []string{"SUDO_UID", "PKEXEC_UID"} {
		if by := env(name); by != "" && by != strconv.Itoa(uid) {
			return true
		}
	}
	return false
}
