// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Headers of a key file. Identity binds it to the operating system it was made on,
// Hardware to the computer: hashes under Salt of the marks by which that was known. Key
// names the public key and Seal covers the other headers, so that a damaged file is not
// another machine. Files of earlier versions have Identity and Key alone.
const (
	identityHeader = "Identity"
	hardwareHeader = "Hardware"
	saltHeader     = "Salt"
	keyHeader      = "Key"
	sealHeader     = "Seal"
)

// maxMarks bounds what a key file remembers of its computer.
const maxMarks = 16

// Computer is what a key file is tied to.
type Computer struct {
	System string   // what the operating system says of itself, such as the content of /etc/machine-id
	Marks  []string // by which the hardware is known; none where nothing can be told of it
}

// binding is what a key file says of its computer.
type binding struct {
	system string   // identityOf
	salt   string   // of this file, so that marks of two files cannot be compared
	marks  []string // hashed; the newest first
	sealed bool
}

// bind makes the binding of a new key.
func bind(on Computer) binding {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails
	b := binding{system: identityOf(on.System), salt: hex.EncodeToString(salt)}
	b.marks = b.hashed(on.Marks)
	return b
}

// isOn reports whether a computer is the one of this binding. Another system is another
// computer; so is one of the same system, as on a disk copied byte for byte, of which all
// the hardware is another. One mark in common is enough, since disks, boards and network
// cards are replaced; where either side has none, nothing is judged.
func (b binding) isOn(c Computer) bool {
	if b.system != identityOf(c.System) {
		return false
	}
	now := b.hashed(c.Marks)
	if len(now) == 0 || len(b.marks) == 0 {
		return true
	}
	return slices.ContainsFunc(now, func(m string) bool { return slices.Contains(b.marks, m) })
}

// renewed is the binding with what is known of its computer now, and whether that says
// more. Marks that are missing today stay, as long as there is room.
func (b binding) renewed(c Computer) (binding, bool) {
	if !b.sealed {
		return bind(c), true
	}
	now := b.hashed(c.Marks)
	if !slices.ContainsFunc(now, func(m string) bool { return !slices.Contains(b.marks, m) }) {
		return b, false
	}
	for _, m := range b.marks {
		if !slices.Contains(now, m) {
			now = append(now, m)
		}
	}
	b.marks = now[:min(len(now), maxMarks)]
	return b, true
}

// hashed hides marks, which other programs may use.
func (b binding) hashed(marks []string) []string {
	var all []string
	for _, m := range marks[:min(len(marks), maxMarks)] {
		if h := macOf([]byte(b.salt), "assist/hardware/1\x00"+m); !slices.Contains(all, h) {
			all = append(all, h)
		}
	}
	return all
}

// headers are the binding as it stands in the file of a key.
func (b binding) headers(p keyPair, scalar []byte) map[string]string {
	h := map[string]string{identityHeader: b.system, keyHeader: keyName(p), saltHeader: b.salt}
	if len(b.marks) > 0 {
		h[hardwareHeader] = strings.Join(b.marks, ",")
	}
	h[sealHeader] = sealOf(h, scalar)
	return h
}

// readBinding reads the headers of a key file back.
func readBinding(h map[string]string, scalar []byte) (binding, error) {
	b := binding{system: h[identityHeader], salt: h[saltHeader]}
	if _, kept := h[identityHeader]; kept && len(h) == 2 { // with Key, which the caller compares
		return b, nil
	}
	if !hmac.Equal([]byte(h[sealHeader]), []byte(sealOf(h, scalar))) {
		return binding{}, fmt.Errorf("%w: damaged", ErrKeyFile)
	}
	if list := h[hardwareHeader]; list != "" {
		b.marks = strings.Split(list, ",")
	}
	b.sealed = true
	return b, nil
}

// sealOf covers the headers but the seal itself. It finds damage: who can write the file
// has the key.
func sealOf(h map[string]string, scalar []byte) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if name != sealHeader {
			text.WriteString(name + ": " + h[name] + "\n")
		}
	}
	return macOf(scalar, "assist/key-file/1\x00"+text.String())
}

func macOf(key []byte, text string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// identityOf hides the system's own identifier, which other programs may use.
func identityOf(osIdentity string) string {
	sum := sha256.Sum256([]byte("assist/os-identity/1\x00" + osIdentity))
	return hex.EncodeToString(sum[:16])
}
