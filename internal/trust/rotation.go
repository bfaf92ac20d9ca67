// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrRotation says that a unit key does not hand over to another as claimed,
// with the cause beside it.
var ErrRotation = errors.New("trust: change of unit key not acceptable")

const tagRotation = "assist/rotation/1"

// rotationVersion is the first line of a rotation.
const rotationVersion = "assist rotation 1\n"

// Limits of rotations.
const (
	MaxRotations = 16      // in one chain
	MaxRotation  = 1 << 10 // bytes of one
)

// Rotation hands a unit over from one key to the next, under the old one. From
// its epoch on only charters of the new key count; it is an epoch like theirs,
// higher than any charter of the old key. It does not run out, or a machine that
// was switched off for long could never follow.
type Rotation struct {
	Epoch    uint64
	Issued   int64 // Unix seconds
	From, To UnitPublic
}

// SignRotation names the key that follows this one; From is filled in.
func (k *UnitKey) SignRotation(r Rotation) ([]byte, error) {
	r.From = k.Public()
	text, err := formatRotation(&r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRotation, err)
	}
	return k.signText(tagRotation, text)
}

// VerifyRotation checks that a unit key hands over, by an epoch that is higher
// than any seen before. It proves nothing about who holds the new key: whoever
// signed with the old one vouches for that.
func VerifyRotation(b []byte, from UnitPublic, now time.Time, lastEpoch uint64) (*Rotation, error) {
	r, err := openRotation(b, from)
	switch {
	case err != nil:
	case r.Epoch <= lastEpoch:
		err = fmt.Errorf("%w: epoch %d after %d", ErrRollback, r.Epoch, lastEpoch)
	case now.Add(maxClockSkew).Unix() < r.Issued:
		err = ErrNotYetValid
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRotation, err)
	}
	return r, nil
}

func openRotation(b []byte, from UnitPublic) (*Rotation, error) {
	if len(b) > MaxRotation {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, MaxRotation)
	}
	text, err := openText(b, from, tagRotation)
	if err != nil {
		return nil, err
	}
	r, err := parseRotation(text)
	if err == nil && !bytes.Equal(r.From, from) {
		return nil, fmt.Errorf("%w: signed by another key than it names", ErrMalformed)
	}
	return r, err
}

// openClaimed opens a rotation with the key that it names itself. What it returns
// is worth as much as that key is.
func openClaimed(b []byte) (*Rotation, error) {
	if len(b) > MaxRotation {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, MaxRotation)
	}
	text, _, _ := strings.Cut(string(b), "\n\n")
	r, err := parseRotation(text + "\n")
	if err != nil {
		return nil, err
	}
	return openRotation(b, r.From)
}

// FollowRotations goes from a key that is trusted to the one in force: each link
// is signed by the key before it, at a higher epoch, and no key comes twice.
// Without a link the key in force is the one given, and the epoch lastEpoch. A
// chain that breaks anywhere leads nowhere.
func FollowRotations(chain [][]byte, from UnitPublic, now time.Time, lastEpoch uint64) (UnitPublic, uint64, error) {
	if len(chain) > MaxRotations {
		return nil, 0, fmt.Errorf("%w: more than %d of them", ErrRotation, MaxRotations)
	}
	key, epoch := from, lastEpoch
	used := map[string]bool{string(from): true}
	for i, b := range chain {
		r, err := VerifyRotation(b, key, now, epoch)
		if err != nil {
			return nil, 0, fmt.Errorf("link %d: %w", i+1, err)
		}
		if used[string(r.To)] {
			return nil, 0, fmt.Errorf("link %d: %w: %w", i+1, ErrRotation, ErrReplayed)
		}
		key, epoch, used[string(r.To)] = r.To, r.Epoch, true
	}
	return key, epoch, nil
}

func (r *Rotation) check() error {
	if r.Epoch == 0 || r.Epoch > MaxEpoch || r.Issued < minTime || r.Issued > maxTime {
		return fmt.Errorf("%w: epoch or date out of limits", ErrMalformed)
	}
	if err := errors.Join(CheckKey(r.From), CheckKey(r.To)); err != nil {
		return err
	}
	if bytes.Equal(r.From, r.To) {
		return fmt.Errorf("%w: from a key to itself", ErrMalformed)
	}
	return nil
}

func formatRotation(r *Rotation) (string, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	return fmt.Sprintf("%sepoch %d\nissued %s\nfrom %s\nto %s\n", rotationVersion,
		r.Epoch, formatTime(r.Issued), formatBytes(r.From), formatBytes(r.To)), nil
}

// parseRotation reads a text that formatRotation could have written, and no other.
func parseRotation(text string) (*Rotation, error) {
	rest, found := strings.CutPrefix(text, rotationVersion)
	if !found {
		return nil, ErrVersion
	}
	l := &lines{rest: rest}
	r := &Rotation{Epoch: l.number("epoch"), Issued: l.moment("issued"),
		From: l.key("from"), To: l.key("to")}
	if err := l.end(); err != nil {
		return nil, err
	}
	again, err := formatRotation(r)
	if err != nil {
		return nil, err
	}
	if again != text {
		return nil, fmt.Errorf("%w: written in another way than the one", ErrMalformed)
	}
	return r, nil
}

func (l *lines) key(word string) UnitPublic { return l.asBytes(word, l.next(word)) }
