// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"testing"

	"assist/internal/session"
)

// pledging is a request whose pledge comes, or does not.
type pledging struct {
	session.Outgoing
	err error
}

func (p pledging) Pledge(context.Context) ([]byte, error) { return []byte("pledge"), p.err }

func TestMachineIsRungOnceItPledged(t *testing.T) {
	told := 0
	if _, err := (rung{pledging{err: errors.New("offline")}, func() { told++ }}).Pledge(t.Context()); err == nil || told != 0 {
		t.Errorf("without a pledge: %v, told %d times", err, told)
	}
	if env, err := (rung{pledging{}, func() { told++ }}).Pledge(t.Context()); err != nil || string(env) != "pledge" || told != 1 {
		t.Errorf("%q, %v, told %d times", env, err, told)
	}
}
