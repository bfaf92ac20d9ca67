// SPDX-License-Identifier: Apache-2.0

package trust

import "encoding/hex"

// Settle notes, beside the memory, the server key of the join code under which a
// charter was learned: from then on the charter says by which keys the server is
// known. A newer join code has another key, and counts until a charter was learned
// under it.
func (m *Memory) Settle(pin [32]byte) error {
	return writePrivate(m.path+".join", []byte(hex.EncodeToString(pin[:])))
}

// Settled is what Settle noted last. Without a note that can be read it is zero: the
// join code counts until the next charter.
func (m *Memory) Settled() (pin [32]byte) {
	text, err := readPrivate(m.path + ".join")
	if err != nil {
		return pin
	}
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(pin) {
		return pin
	}
	return [32]byte(b)
}
