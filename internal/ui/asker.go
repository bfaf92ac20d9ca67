// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"

	"assist/internal/consent"
)

// Times of the dialog.
const (
	inertTime  = time.Second            // accept does nothing for so long
	settleTime = 2 * time.Second        // the system may still move a new dialog for so long
	raiseEvery = time.Second            // the dialog comes to the front again
	tickEvery  = 200 * time.Millisecond // how often the dialog looks at the clock
	noticeTime = 12 * time.Second       // how long the word at the end stays
	missedTime = 3 * time.Second        // how long a press that did not count is spoken of
)

// answer is what the person decided.
type answer struct {
	rights consent.Rights
	err    error
}

// Ask implements consent.Asker. The time-out and the context are watched here, off the
// toolkit's goroutine, so that a stuck screen ends in a refusal too.
func (a *App) Ask(ctx context.Context, q consent.Question) (consent.Rights, error) {
	a.open.Add(1)
	d := newQuestion(a, q)
	fyne.Do(d.show)
	got := d.wait(ctx)
	fyne.Do(func() {
		d.finish(got.err)
		a.open.Add(-1)
	})
	return got.rights, got.err
}

// wait returns the person's answer, or why there is none.
func (d *question) wait(ctx context.Context) answer {
	limit := time.NewTimer(d.deadline.Sub(d.a.cfg.Now()))
	defer limit.Stop()
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	var pending atomic.Bool // a tick waits for the toolkit: no second one piles up
	for {
		select {
		case <-ctx.Done():
			return answer{err: ctx.Err()}
		case <-limit.C:
			return answer{err: consent.ErrNoAnswer}
		case got := <-d.answers:
			if err := ctx.Err(); err != nil {
				return answer{err: err}
			}
			return got
		case <-tick.C:
			if pending.CompareAndSwap(false, true) {
				fyne.Do(func() { pending.Store(false); d.tick() })
			}
		}
	}
}
