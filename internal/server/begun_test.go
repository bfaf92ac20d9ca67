// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"
)

// begins runs a server to its end and returns what it logged.
func (r *rig) begins() string {
	r.t.Helper()
	log := &lockedBuffer{}
	r.log = textLog(log)
	r.run()
	r.dial() // it serves
	must(r.t, r.stop())
	return log.String()
}

// The log tells at the start what the server goes by, and names nobody.
func TestTheLogTellsWhatIsInForce(t *testing.T) {
	r := unserved(t)
	r.unsigned(Technician{Login: "claire", Name: "Claire Dubois", Role: "IT support"})
	must(t, r.ChangePolicy(t.Context(), PolicyChange{IdleMinutes: ptr(11)}))
	must(t, r.AnnounceTLS(t.Context()))
	epoch := r.sign()
	now, next := r.pins()
	said := r.begins()
	for _, want := range []string{
		"level=INFO msg=listening tcp=[127.0.0.1:", "stun=[127.0.0.1:",
		`msg="tls key" pin=` + hex.EncodeToString(now[:]) + " next=" + hex.EncodeToString(next[:]),
		fmt.Sprintf(`level=INFO msg="charter in force" epoch=%d expires=%s expired=false technicians=1 `, epoch,
			time.Unix(r.inForce().charter.Expires, 0).UTC().Format(time.RFC3339)),
		`level=INFO msg=policy rights="view point control" idleMinutes=11 leaseMinutes=30 relay=internal certificateDays=90 retentionMonths=12`,
	} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
	for _, never := range []string{"claire", "Claire", "IT support"} {
		if strings.Contains(said, never) {
			t.Errorf("%q is in\n%s", never, said)
		}
	}
}

func TestTheLogTellsThatNoCharterIsInForce(t *testing.T) {
	r := unserved(t)
	must(t, r.Listen())
	log := &lockedBuffer{}
	r.log = textLog(log)
	r.force.Store(&force{replaced: make(chan struct{})})
	r.tellBegin()
	if said := log.String(); !strings.Contains(said, `msg="no charter is in force: nobody may help`) || !strings.Contains(said, "next=none") {
		t.Errorf("the log says %q", said)
	}
}
