// SPDX-License-Identifier: Apache-2.0

package server

import (
	"strings"
	"testing"

	"assist/internal/journal"
)

// Each entry of what an administrator does names the account that did it.
func TestAdministrativeEntriesSayWho(t *testing.T) {
	r := unserved(t)
	ctx := t.Context()
	r.store.by = "rssi as root"
	r.unsigned(Technician{Login: "denis", Name: "Denis", Role: "supplier", External: true})
	r.sign()
	_, err := r.OpenTechnician(ctx, "denis", 2)
	must(t, err)
	_, err = r.SetPhoto(ctx, "denis", picture(t, 0x40))
	must(t, err)
	must(t, r.ChangePolicy(ctx, PolicyChange{IdleMinutes: ptr(10), AddSources: []string{"192.0.2.7"}}))
	must(t, r.AnnounceTLS(ctx))
	r.sign()
	must(t, r.SwitchTLS(ctx))
	must(t, r.DisableTechnician(ctx, "denis"))
	must(t, r.store.write(ctx, func(tx *transaction) error {
		_, err := tx.exec(`update machine set duplicate = 1 where id = ?`, r.fix.numbers[0])
		return err
	}))
	must(t, r.ReleaseMachine(ctx, r.fix.numbers[0]))
	must(t, r.rotate())

	list, err := r.Journal(ctx, JournalFilter{Limit: 1000}, Who{By: "rssi as root", Reason: "a test"})
	must(t, err)
	seen := map[string]bool{}
	for _, e := range list {
		named := strings.Contains(string(e.Body), `"by":"rssi as root"`)
		if charter, is := e.Event.(*journal.CharterPublished); is && charter.Epoch == 1 {
			named = !named // when the data directory was made
		}
		seen[e.Event.Type()] = seen[e.Event.Type()] || named
		if !named && e.Event.Type() != "machine.registered" {
			t.Errorf("nobody did %s", e.Body)
		}
	}
	for _, name := range []string{"technician.added", "technician.opened", "technician.certified", "technician.disabled", "technician.photo-changed", "policy.changed",
		"charter.published", "unit.rekeyed", "server.key-announced", "server.key-changed", "machine.released", "journal.read"} {
		if !seen[name] {
			t.Errorf("%s is not there", name)
		}
	}
}

// What the running server does by itself is nobody else's doing.
func TestWhatTheServerDoesByItselfIsSaid(t *testing.T) {
	r := unserved(t)
	r.unsigned(Technician{Login: "claire", Name: "Claire Dubois", Role: "IT support"})
	must(t, r.refresh(t.Context()))
	if e := entries[*journal.TechnicianCertified](r); len(e) != 1 || e[0].By != bySelf {
		t.Errorf("journal: %+v", e)
	}
}
