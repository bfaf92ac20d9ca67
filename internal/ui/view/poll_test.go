// SPDX-License-Identifier: Apache-2.0

package view

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/wire"
)

func TestPollWhileUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		box := newOutbox(nil)
		var polls atomic.Int64
		ended := make(chan struct{})
		go func() {
			pollWhileUsed(ctx, box.used, func() { polls.Add(1) })
			close(ended)
		}()
		after := func(d time.Duration) int64 {
			polls.Store(0)
			<-time.After(d)
			synctest.Wait()
			return polls.Load()
		}
		if n := after(time.Hour); n != 0 {
			t.Errorf("%d looks while nothing is used", n)
		}
		box.put(item{call: func() {}})
		if n := after(time.Hour); n != 0 {
			t.Errorf("%d looks for what is not of mouse or keyboard", n)
		}
		box.put(item{input: &wire.Key{Usage: 4, Down: true}})
		if n := after(pollFor / 2); n < 100 {
			t.Errorf("%d looks in half a second of use", n)
		}
		box.put(item{input: &wire.Key{Usage: 4}})
		if n := after(pollFor - 10*pollEvery); n < 200 {
			t.Errorf("%d looks: use did not count", n)
		}
		if n := after(time.Hour); n > 12 {
			t.Errorf("%d looks long after the last use", n)
		}
		cancel()
		<-ended
	})
}
