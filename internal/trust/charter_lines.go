// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The texts of this package are lines of "word value", ended by a line feed, in
// one fixed order. Readers below take the first form that makes sense; that it
// is the only one is checked once, for all of it, by writing what was read and
// comparing (see parseCharter and parseRotation).

// Times that have a form of 20 characters, in Unix seconds: the years 1970 to 9999.
const (
	minTime = 0
	maxTime = 253402300799
)

// lines reads a text line by line. The first error sticks.
type lines struct {
	rest string
	err  error
}

// next returns the value of the next line, which must begin with word.
func (l *lines) next(word string) string {
	line, rest, ended := strings.Cut(l.rest, "\n")
	value, found := strings.CutPrefix(line, word+" ")
	if !ended || !found {
		l.fail(word, "line is missing")
		return ""
	}
	l.rest = rest
	return value
}

// another reports whether the next line begins with word. A list that grows
// beyond its limit stops being read.
func (l *lines) another(word string, have, max int) bool {
	if l.err != nil || !strings.HasPrefix(l.rest, word+" ") {
		return false
	}
	if have >= max {
		l.fail(word, fmt.Sprintf("stands there more than %d times", max))
		return false
	}
	return true
}

// end wants nothing to be left.
func (l *lines) end() error {
	if l.rest != "" {
		l.fail("text", "has lines left over, or out of order")
	}
	return l.err
}

func (l *lines) fail(word, why string) {
	if l.err == nil {
		l.err = fmt.Errorf("%w: %s %s", ErrMalformed, word, why)
	}
}

func (l *lines) number(word string) uint64 {
	n, err := strconv.ParseUint(l.next(word), 10, 64)
	if err != nil {
		l.fail(word, "is not a number")
	}
	return n
}

// small is a number that fits every int.
func (l *lines) small(word string) int {
	n := l.number(word)
	if n > 1<<15 {
		l.fail(word, "is out of limits")
		return 0
	}
	return int(n)
}

func (l *lines) moment(word string) int64 { return l.asMoment(word, l.next(word)) }

func (l *lines) asMoment(word, s string) int64 {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Unix() < minTime || t.Unix() > maxTime {
		l.fail(word, "is not a time such as 2027-01-15T08:00:00Z")
		return 0
	}
	return t.Unix()
}

func (l *lines) asBytes(word, s string) []byte {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		l.fail(word, "is not base64")
	}
	return b
}

// asPin reads a pin, or "none".
func (l *lines) asPin(word, s string) (pin [32]byte) {
	if s == noPin {
		return pin
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(pin) {
		l.fail(word, "has no pin of 64 hexadecimal digits")
		return pin
	}
	return [32]byte(b)
}

// noPin stands where no next key is announced.
const noPin = "none"

func formatPin(pin [32]byte) string {
	if pin == [32]byte{} {
		return noPin
	}
	return hex.EncodeToString(pin[:])
}

func formatTime(t int64) string { return time.Unix(t, 0).UTC().Format(time.RFC3339) }

func formatBytes(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
