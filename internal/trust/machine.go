// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"fmt"
	"math/big"
	"strings"

	"golang.org/x/crypto/argon2"

	"assist/internal/wire"
)

// What a machine ID costs: 64 MiB and about 0.3 s of one core, so that making a
// key whose number collides with a given one takes 10^11 times that.
const (
	machineMemory = 64 << 10 // KiB
	machinePasses = 6
	machineTag    = "assist/machine-id/1"
)

// MachineID is the number the user reads out. It takes about 0.3 s: ask once.
func (k *HostKey) MachineID(unit UnitPublic) (string, error) {
	return MachineIDOf(k.pair.public, unit)
}

// MachineIDOf is the machine ID of a host's public key in a unit: eleven digits
// of a memory-hard hash of both keys, and one check digit.
func MachineIDOf(hostSPKI, unitSPKI []byte) (string, error) {
	if err := CheckKey(hostSPKI); err != nil {
		return "", fmt.Errorf("host key: %w", err)
	}
	if err := CheckKey(unitSPKI); err != nil {
		return "", fmt.Errorf("unit key: %w", err)
	}
	// Both encodings have one length, so the concatenation has one reading.
	both := append(append([]byte(nil), hostSPKI...), unitSPKI...)
	sum := argon2.IDKey(both, []byte(machineTag), machinePasses, machineMemory, 1, 32)
	n := new(big.Int).SetBytes(sum)
	n.Mod(n, big.NewInt(100_000_000_000))
	digits := fmt.Sprintf("%011d", n)
	return digits + string('0'+dammDigit(digits)), nil
}

// CheckMachineID tells whether s is twelve digits with a good check digit.
func CheckMachineID(s string) error {
	if len(s) != wire.MachineDigits {
		return fmt.Errorf("%w: it has %d digits", ErrMachineID, wire.MachineDigits)
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return fmt.Errorf("%w: digits only", ErrMachineID)
		}
	}
	if dammDigit(s) != 0 {
		return fmt.Errorf("%w: mistyped", ErrMachineID)
	}
	return nil
}

// FormatMachineID groups a machine ID as it is shown: "4829 1730 5566".
func FormatMachineID(s string) string {
	var b strings.Builder
	for i, c := range s {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// ParseMachineID takes a machine ID as people type or paste it, grouped by
// spaces of any kind, dots or hyphens, and checks it.
func ParseMachineID(s string) (string, error) {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n\u00a0\u2009\u202f.-", r) {
			return -1
		}
		return r
	}, s)
	return digits, CheckMachineID(digits)
}

// dammTable is Damm's totally anti-symmetric quasigroup of order ten: it
// catches every single wrong digit and every swap of two neighbours.
const dammTable = "" +
	"0317598642" +
	"7092154863" +
	"4206871359" +
	"1750983426" +
	"6123045978" +
	"3674209581" +
	"5869720134" +
	"8945362017" +
	"9438617205" +
	"2581436790"

// dammDigit is the check digit of s, or zero when s already ends with it.
func dammDigit(s string) byte {
	var interim byte
	for _, c := range []byte(s) {
		interim = dammTable[10*int(interim)+int(c-'0')] - '0'
	}
	return interim
}
