// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"log/slog"
	"testing"

	"assist/internal/config"
	"assist/internal/server"
	"assist/internal/trust"
	"assist/internal/ui"
)

func TestTrialInvites(t *testing.T) {
	tr := newTrial(&program{dirs: config.At(t.TempDir()), log: slog.New(slog.DiscardHandler)})
	if _, err := tr.Invite(t.Context(), ui.Invitation{Name: "Denis", Role: "IT"}); !errors.Is(err, ui.ErrNoServer) {
		t.Errorf("without a server: %v", err)
	}
	if tr.Code() != "" {
		t.Error("a code without a server")
	}
	if err := errors.Join(tr.init(), tr.run()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.close)
	if code, err := trust.ParseJoinCode(tr.Code()); err != nil || !tr.serves(code) {
		t.Errorf("join code %q: %v", tr.Code(), err)
	}
	// A name may be anybody's: the second one does not take the first one's login.
	seen := map[string]bool{}
	for range 3 {
		code, err := tr.Invite(t.Context(), ui.Invitation{Name: "Hélène Dupont", Role: "IT"})
		if err != nil || seen[code] || len(code) != 23 {
			t.Fatalf("code %q: %v", code, err)
		}
		seen[code] = true
	}
	all, err := tr.running.server.Technicians(t.Context())
	if err != nil || len(all) != 3 || all[0].Login != "helene.dupont" || all[2].Login != "helene.dupont3" || all[0].State != server.StateInvited {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := tr.Invite(t.Context(), ui.Invitation{Name: "a\x1bb", Role: "IT"}); !errors.Is(err, ui.ErrNotInvited) {
		t.Errorf("a name of control characters: %v", err)
	}
}
