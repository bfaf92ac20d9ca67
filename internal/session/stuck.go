// SPDX-License-Identifier: Apache-2.0

package session

import (
	"errors"
	"time"

	"assist/internal/consent"
	"assist/internal/wire"
)

// muteTime is how long input waits for the person's windows to answer again; what waited
// longer is not done any more.
const muteTime = time.Second

// errMute says that the person's windows do not answer.
var errMute = errors.New("session: the windows do not answer")

// permit is what something of the screens leaves under: the view, while the person's own
// windows answer.
func (l *live) permit(f func() error) error {
	if answer, _ := l.machine().Windows(); !answer {
		return consent.ErrPaused
	}
	return l.view.Do(f)
}

// feel wakes every pump when the windows answer again.
func (l *live) feel() {
	for {
		_, changed := l.machine().Windows()
		l.spread() // a change before this look counts, too
		select {
		case <-l.ctx.Done():
			return
		case <-changed:
		}
	}
}

// answered waits for the windows for a moment, with all keys up. Letting go need not wait.
// The receive pump calls it.
func (l *live) answered(in wire.Input) bool {
	if _, nothing := in.(*wire.ReleaseAll); nothing {
		return true
	}
	for {
		answer, changed := l.machine().Windows()
		if answer {
			l.driver.mute = time.Time{}
			return true
		}
		if l.driver.mute.IsZero() {
			l.driver.mute = time.Now()
		}
		left := muteTime - time.Since(l.driver.mute)
		if left <= 0 {
			return false
		}
		if l.driver.holding {
			l.unhold(errMute)
		}
		late := time.NewTimer(left)
		select {
		case <-l.ctx.Done():
			late.Stop()
			return false
		case <-changed:
		case <-late.C:
		}
		late.Stop()
	}
}
