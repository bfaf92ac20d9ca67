// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"io"
	"slices"
)

// GuardianArgument makes a program of ours a guardian when it is the only argument:
// the program calls Guard and ends. Nobody needs to give it by hand, and nothing comes of it.
const GuardianArgument = "--let-go-of-keys"

// ErrNoGuardian says that nobody would let go of keys if this process died, so none
// is pressed.
var ErrNoGuardian = errors.New("input needs a guardian that lets go of keys if this program dies")

// guardianReady is what a guardian writes once it can let go.
const guardianReady = '+'

// noteKind is what a note to the guardian is about.
type noteKind uint8

const (
	noteKey noteKind = iota + 1
	noteButton
)

// noteSize is the length of a note on the pipe: its kind, with noteDown set for a
// press, and the system's number of the key or button.
const (
	noteSize = 2
	noteDown = 0x80
)

// note names a key or a button by the system's number.
type note struct {
	kind noteKind
	code uint8
}

func (n note) encode(down bool) [noteSize]byte {
	b := [noteSize]byte{byte(n.kind), n.code}
	if down {
		b[0] |= noteDown
	}
	return b
}

// readNotes follows what is held until the pipe ends, breaks or brings nonsense, and
// returns what is held then, oldest first: at most each key and button once.
func readNotes(in io.Reader) []note {
	var held []note
	var b [noteSize]byte
	for {
		if _, err := io.ReadFull(in, b[:]); err != nil {
			return held
		}
		n, down := note{noteKind(b[0] &^ noteDown), b[1]}, b[0]&noteDown != 0
		if n.kind != noteKey && n.kind != noteButton {
			return held
		}
		held = slices.DeleteFunc(held, func(o note) bool { return o == n })
		if down {
			held = append(held, n)
		}
	}
}
