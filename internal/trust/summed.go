// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// formatSummed writes a file in which an app remembers what it saw of its unit: the version,
// a sum, lines, and a signed document as it came. The sum is against accidents: it covers
// what no signature does.
func formatSummed(version, head string, document []byte) string {
	body := head + "\n" + string(document)
	sum := sha256.Sum256([]byte(version + body))
	return version + "sum " + hex.EncodeToString(sum[:]) + "\n" + body
}

// parseSummed gives the lines after the sum, and the document. The sum itself is checked by
// writing the file anew: only the text that formatSummed makes of what was read is taken.
func parseSummed(version, text string) (*lines, []byte, error) {
	rest, found := strings.CutPrefix(text, version)
	if !found {
		return nil, nil, ErrVersion
	}
	head, document, _ := strings.Cut(rest, "\n\n")
	l := &lines{rest: head + "\n"}
	l.next("sum")
	return l, []byte(document), nil
}
