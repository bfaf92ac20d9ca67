// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrRestart says that the unit does not vouch for a new beginning of the journal.
var ErrRestart = errors.New("trust: restart of the journal not acceptable")

const tagRestart = "assist/journal-restart/1"

// restartVersion is the first line of a restart.
const restartVersion = "assist journal restart 1\n"

// Restart is the unit's word that its journal goes on from this tree under this key,
// although the ends have kept another: it was restored from a copy, say. Without it
// the ends refuse. The unit key signs it, so that a server cannot forgive itself.
type Restart struct {
	Issued int64 // Unix seconds
	Key    JournalPublic
	Size   int64
	Root   [32]byte
}

// SignRestart vouches for a history.
func (k *UnitKey) SignRestart(r Restart) ([]byte, error) {
	if err := CheckKey(r.Key); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRestart, err)
	}
	return k.signText(tagRestart, formatRestart(&r))
}

// VerifyRestart checks that the unit signed it.
func VerifyRestart(b []byte, unit UnitPublic, now time.Time) (*Restart, error) {
	if len(b) > MaxJournalNote {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrRestart, MaxJournalNote)
	}
	text, err := openText(b, unit, tagRestart)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRestart, err)
	}
	rest, found := strings.CutPrefix(text, restartVersion)
	l := &lines{rest: rest}
	r := &Restart{Issued: l.moment("issued"), Key: JournalPublic(l.key("key")), Size: l.size("size"), Root: l.hash("root")}
	err = l.end()
	switch {
	case err != nil:
	case !found || formatRestart(r) != text:
		err = ErrMalformed
	case CheckKey(r.Key) != nil:
		err = ErrKey
	case now.Add(maxClockSkew).Unix() < r.Issued:
		err = ErrNotYetValid
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRestart, err)
	}
	return r, nil
}

func formatRestart(r *Restart) string {
	return restartVersion + fmt.Sprintf("issued %s\nkey %s\nsize %d\nroot %s\n",
		formatTime(r.Issued), formatBytes(r.Key), r.Size, formatBytes(r.Root[:]))
}
