// SPDX-License-Identifier: Apache-2.0

package input

import (
	"log/slog"
	"sync"

	"assist/internal/x11"
)

// watchFakes learns of programs that make a device of the person do something, until stop
// is called. Where that cannot be learnt only XTEST's own devices are told from the
// person's; where it could be and cannot any more, some program has seen to that, and nothing is
// believed where only devices count.
func (w *Watcher) watchFakes(display string, log *slog.Logger) (stop func()) {
	var first sync.Once
	fakes, err := x11.DialFakes(display, func(from, to uint32) {
		w.feign(from, to)
		first.Do(func() { log.Warn("a program plays a device of this computer, by its number") })
	})
	if err != nil {
		log.Warn("a program that plays a real device cannot be told from the device", slog.Any("error", err))
		return func() {}
	}
	w.vet = fakes.Sync
	stopped := make(chan struct{})
	over := make(chan struct{})
	go func() {
		defer close(over)
		<-fakes.Lost()
		select {
		case <-stopped:
		default:
			log.Warn("another program broke off the record of played devices: until the next start no device is believed to be a hand")
		}
	}()
	return func() {
		close(stopped)
		fakes.Close()
		<-over
	}
}
