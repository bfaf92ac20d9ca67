// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"crypto/sha256"
	"encoding/binary"
)

// CheckWords is the three words that both people see, of the envelopes of the
// Request and of the Pledge as they were sent. Both ends use the same list.
// With fewer words than one there is nothing to show.
func CheckWords(request, pledge []byte, list []string) [3]string {
	var words [3]string
	if len(list) == 0 {
		return words
	}
	r, p := sha256.Sum256(request), sha256.Sum256(pledge)
	sum := digest("assist/check-words/1", append(r[:], p[:]...))
	for i := range words {
		n := binary.BigEndian.Uint64(sum[8*i:])
		words[i] = list[n%uint64(len(list))]
	}
	return words
}
