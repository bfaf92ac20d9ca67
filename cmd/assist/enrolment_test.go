// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"assist/internal/rendezvous"
	"assist/internal/ui"
	"assist/internal/wire"
)

// talk plays the server's side of an enrolment: it takes the code "123456" and
// gives up after three others.
func talk(_ context.Context, confirm confirmer) error {
	for range 3 {
		code, err := confirm("anne", "otpauth://totp/x")
		if err != nil {
			return err
		}
		if code == "123456" {
			return nil
		}
	}
	return &rendezvous.RefusedError{Why: wire.RefusedIdentity}
}

func TestEnrolmentTriesAgainAfterAWrongCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := begin(t.Context(), t.Context(), talk)
		if err != nil || e.Secret().Login != "anne" {
			t.Fatal(e, err)
		}
		var refused *ui.Refused
		if err := e.Confirm(t.Context(), "000000"); !errors.As(err, &refused) {
			t.Fatalf("a wrong code: %v", err)
		}
		if err := e.Confirm(t.Context(), "123456"); err != nil {
			t.Fatalf("the right code: %v", err)
		}
		if err := e.Confirm(t.Context(), "123456"); err != nil {
			t.Fatalf("once more: %v", err)
		}
	})
}

func TestEnrolmentEndsAfterTooManyCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := begin(t.Context(), t.Context(), talk)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if err := e.Confirm(t.Context(), "000000"); err == nil {
				t.Fatal("taken")
			}
		}
	})
}

func TestEnrolmentIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := begin(t.Context(), t.Context(), talk)
		if err != nil {
			t.Fatal(err)
		}
		e.Cancel()
		if err := e.Confirm(t.Context(), "123456"); err == nil {
			t.Fatal("confirmed after it was given up")
		}
	})
}

func TestEnrolmentCodeRefusedAtOnce(t *testing.T) {
	_, err := begin(t.Context(), t.Context(), func(context.Context, confirmer) error {
		return &rendezvous.RefusedError{Why: wire.RefusedIdentity}
	})
	if err == nil {
		t.Fatal("begun")
	}
}
