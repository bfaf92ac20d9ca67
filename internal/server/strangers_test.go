// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

// Strangers from any number of addresses leave so many entries in a day and no more, the last
// of which says so. The next day is another, and a technician's own device is always recorded.
func TestStrangersDoNotFillTheJournal(t *testing.T) {
	r := unserved(t)
	key, err := trust.NewDeviceKey()
	must(t, err)
	come := func(n int) {
		for i := range n {
			from := netip.AddrPortFrom(netip.MustParseAddr(fmt.Sprintf("2001:db8:0:%x::1", i)), 1)
			if _, err := r.invited(t.Context(), &link{server: r.Server, from: from}, &wire.Enrol{Version: wire.Version, Code: "x", DeviceKey: key.Public()}); err == nil {
				t.Fatal("a stranger is in")
			}
		}
	}
	come(strangersPerDay + 20)
	all := entries[*journal.LoginRefused](r)
	if len(all) != strangersPerDay || all[len(all)-1].At != journal.AtMany || all[len(all)-2].At != "enrolment" {
		t.Fatalf("%d entries, the last %+v", len(all), all[len(all)-1])
	}
	must(t, r.recordRefusal(t.Context(), &link{server: r.Server, from: netip.MustParseAddrPort("192.0.2.1:1")}, nil, "login"))
	r.advance(24 * time.Hour)
	come(3)
	if n := len(entries[*journal.LoginRefused](r)); n != strangersPerDay+4 {
		t.Errorf("%d entries, after three of the next day", n)
	}
}
