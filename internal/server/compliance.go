// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"strings"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
)

// Ends of what a unit may set before a rule is no longer met.
const (
	leastPassword  = 12 // characters
	mostIdle       = 30 // minutes
	mostLease      = 60 // minutes
	widestSourceV4 = 8  // bits of a prefix: 10.0.0.0/8 is one site's own
	widestSourceV6 = 7  // fc00::/7 likewise
)

// Standpoint is where one rule stands in this unit.
type Standpoint struct {
	Rule
	Met   bool   `json:"met"`
	State string `json:"state"` // what was looked at, in English
}

// Compliance says of each rule where it stands now. It reads, and changes nothing; it
// may be used beside a running server.
func (s *Server) Compliance(ctx context.Context) ([]Standpoint, error) {
	rules, err := Rules()
	if err != nil {
		return nil, err
	}
	st, err := s.Standing(ctx)
	if err != nil {
		return nil, err
	}
	var out []Standpoint
	for _, r := range rules {
		p := Standpoint{Rule: r, Met: true, State: "by construction: no setting changes it"}
		if r.Partly {
			p.State = "in part: docs/compliance.md says what is missing"
		}
		if r.About != "" {
			look, known := s.looks()[r.About]
			if !known {
				return nil, fmt.Errorf("server: rules: %s: nothing looks at %q", r.ID, r.About)
			}
			p.State, p.Met = look(ctx, st)
		}
		out = append(out, p)
	}
	return out, nil
}

// look says what it saw, and whether that meets a rule.
type look func(ctx context.Context, st Standing) (string, bool)

func (s *Server) looks() map[string]look {
	return map[string]look{
		"technicians": s.lookAtTechnicians, "presence": lookAtPresence, "path": s.lookAtPath, "zones": lookAtZones,
		"factors": s.lookAtFactors, "accounts": s.lookAtAccounts, "sources": lookAtSources,
		"retention": s.lookAtRetention, "journal": s.lookAtJournal, "unit key": s.lookAtUnitKey,
	}
}

// noCharter is what every look at a charter says where there is none that counts.
func noCharter(st Standing) string {
	switch {
	case st.Charter == nil:
		return "there is no charter: nobody may help, and nothing of the unit's is authorised"
	case st.Expired:
		return "the charter ran out: nobody may help until another is signed"
	}
	return ""
}

func (s *Server) lookAtTechnicians(_ context.Context, st Standing) (string, bool) {
	if why := noCharter(st); why != "" {
		return why, false
	}
	active, longest := 0, time.Duration(0)
	for i, card := range st.Charter.Cards() {
		if st.Charter.Technicians[i].State != trust.StateRevoked {
			active++
			longest = max(longest, time.Unix(card.NotAfter, 0).Sub(time.Unix(card.NotBefore, 0)))
		}
	}
	days := int(longest.Hours() / 24)
	return fmt.Sprintf("charter epoch %d; %d technicians; longest certificate %d days, at most %d by policy",
		st.Charter.Epoch, active, days, st.Charter.Policy.CertificateDays), days <= trust.MaxCertificateDays
}

func lookAtPresence(_ context.Context, st Standing) (string, bool) {
	if why := noCharter(st); why != "" {
		return why, false
	}
	p := st.Charter.Policy
	return fmt.Sprintf("asked after %d minutes without the person (at most %d), and again after %d in any case (at most %d)",
		p.IdleMinutes, mostIdle, p.LeaseMinutes, mostLease), p.IdleMinutes <= mostIdle && p.LeaseMinutes <= mostLease
}

func (s *Server) lookAtPath(_ context.Context, st Standing) (string, bool) {
	if why := noCharter(st); why != "" {
		return why, false
	}
	stun := "STUN at " + s.cfg.Server.STUN
	if s.cfg.Server.STUN == stunOff {
		stun = "STUN off"
	}
	return fmt.Sprintf("server %s, TLS 1.3 alone; %s; relay: %s", s.cfg.Server.Address, stun, st.Charter.Policy.Relay), true
}

func lookAtZones(_ context.Context, st Standing) (string, bool) {
	if why := noCharter(st); why != "" {
		return why, false
	}
	zones, bearers := map[string]bool{}, 0
	for _, z := range st.Charter.Zones {
		zones[z.Zone] = true
	}
	for _, card := range st.Charter.Cards() {
		if len(card.Zones) > 0 {
			bearers++
		}
	}
	return fmt.Sprintf("%d machines in %d zones; %d technicians bear a zone", len(st.Charter.Zones), len(zones), bearers), true
}

func (s *Server) lookAtFactors(context.Context, Standing) (string, bool) {
	n := s.cfg.Accounts.PasswordMin
	return fmt.Sprintf("certified device, one-time code and a password of %d characters or more (at least %d)", n, leastPassword), n >= leastPassword
}

func (s *Server) lookAtAccounts(_ context.Context, st Standing) (string, bool) {
	if why := noCharter(st); why != "" {
		return why, false
	}
	count := map[trust.TechnicianState]int{}
	open := 0
	for _, t := range st.Charter.Technicians {
		count[t.State]++
		if t.State == trust.StateExternal && t.Until > s.now().Unix() {
			open++
		}
	}
	state := fmt.Sprintf("%d external, %d of them let in now; %d revoked", count[trust.StateExternal], open, count[trust.StateRevoked])
	if st.Pending {
		return state + "; a change awaits a signature, which machines do not know of yet", false
	}
	return state, true
}

func lookAtSources(_ context.Context, st Standing) (string, bool) {
	if why := noCharter(st); why != "" {
		return why, false
	}
	var wide []string
	for _, p := range st.Charter.Sources {
		if least := map[bool]int{true: widestSourceV4, false: widestSourceV6}[p.Addr().Is4()]; p.Bits() < least {
			wide = append(wide, p.String())
		}
	}
	if len(wide) > 0 {
		return "not identified addresses, but nearly all there are: " + strings.Join(wide, " "), false
	}
	return fmt.Sprintf("%d prefixes: %s", len(st.Charter.Sources), strings.Join(sourcesOf(st.Charter), " ")), true
}

func (s *Server) lookAtRetention(context.Context, Standing) (string, bool) {
	c := s.cfg.Journal
	state := fmt.Sprintf("entries are erased after %d months", c.RetentionMonths)
	if c.RetentionReason != "" {
		state += "; reason: " + c.RetentionReason
	}
	return state, c.RetentionMonths <= journal.MaxMonths || c.RetentionReason != ""
}

func (s *Server) lookAtJournal(ctx context.Context, _ Standing) (string, bool) {
	r, err := s.VerifyJournal(ctx)
	if err != nil {
		return "it does not verify: " + err.Error(), false
	}
	if r.Doubts.All > 0 {
		return fmt.Sprintf("%d times in it cannot be (journal verify): %s", r.Doubts.All, r.Doubts.Told[0]), false
	}
	if _, err := s.VerifySessions(ctx); err != nil {
		return "it does not verify: " + err.Error(), false
	}
	to := "no syslog"
	if s.cfg.Journal.Syslog != "" {
		to = "copied to " + s.cfg.Journal.Syslog
	}
	return fmt.Sprintf("%d entries verify; %s", r.Entries, to), true
}

func (s *Server) lookAtUnitKey(_ context.Context, st Standing) (string, bool) {
	switch {
	case s.SignsItself():
		return "the unit key and its passphrase both lie on this server: who breaks in can sign technicians", false
	case st.KeyHere:
		return "the unit key lies here under its passphrase: move it to a machine of your own", true
	}
	return "the unit key is kept elsewhere", true
}
