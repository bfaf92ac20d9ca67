// SPDX-License-Identifier: Apache-2.0

package process

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// highIntegrity is the level from which a process can reach those of the system; an
// ordinary one has 0x2000.
const highIntegrity = 0x3000

// own asks the process token, which says yes for "run as administrator" and for a
// level above that of ordinary programs.
func own() Rights {
	t := windows.GetCurrentProcessToken()
	return Rights{User: -1, Group: -1, Elevated: t.IsElevated() || integrity(t) >= highIntegrity}
}

// integrity is the level of a token; one that cannot be read counts as high.
func integrity(t windows.Token) uint32 {
	var size uint32
	_ = windows.GetTokenInformation(t, windows.TokenIntegrityLevel, nil, 0, &size) // tells the size by failing
	if size == 0 {
		return highIntegrity
	}
	b := make([]byte, size)
	if windows.GetTokenInformation(t, windows.TokenIntegrityLevel, &b[0], size, &size) != nil {
		return highIntegrity
	}
	label := (*windows.Tokenmandatorylabel)(unsafe.Pointer(&b[0]))
	n := label.Label.Sid.SubAuthorityCount()
	if n == 0 {
		return highIntegrity
	}
	return label.Label.Sid.SubAuthority(uint32(n) - 1)
}
