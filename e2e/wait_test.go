// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// Waits: how long something may take at most, on a busy machine. They cost nothing when all
// is well; what is promised to be quick is measured.
const (
	soon   = 20 * time.Second
	aWhile = 40 * time.Second
	poll   = 20 * time.Millisecond
)

// errNotYet is what a condition returns that has nothing better to say.
var errNotYet = errors.New("not yet")

// wait polls until cond returns nil, and says why it did not. The last look begins after the
// limit: a machine that stood still until then has shown nothing.
func wait(limit time.Duration, cond func() error) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	end := time.Now().Add(limit)
	for {
		last := time.Now().After(end)
		err := cond()
		if err == nil {
			return nil
		}
		if last {
			return fmt.Errorf("not within %v: %w", limit, err)
		}
		<-tick.C
	}
}

// eventually is wait, fatal to the test.
func eventually(t *testing.T, limit time.Duration, what string, cond func() error) {
	t.Helper()
	if err := wait(limit, cond); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// always checks that cond holds all through d.
func always(t *testing.T, d time.Duration, what string, cond func() error) {
	t.Helper()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); <-tick.C {
		if err := cond(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// passes lets d go by while nothing is expected, such as the time in which the
// person at the machine outranks the technician.
func passes(d time.Duration) { <-time.After(d) }

// yes turns a boolean into a condition's answer.
func yes(ok bool) error {
	if ok {
		return nil
	}
	return errNotYet
}
