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

// Ends of what a unit may set before a rule is no longer met. They are this project's reading of
// rules that give no number (docs/compliance.md).
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
	Met     bool   `json:"met"`
	State   string `json:"state"`    // what was looked at, in English
	StateFR string `json:"state_fr"` // and in French
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
		seen := fine("par construction : aucun réglage n'y change rien", "by construction: no setting changes it")
		if r.Partly {
			seen = fine("en partie : docs/compliance.md dit ce qui manque", "in part: docs/compliance.md says what is missing")
		}
		if r.About != "" {
			look, known := s.looks()[r.About]
			if !known {
				return nil, fmt.Errorf("server: rules: %s: nothing looks at %q", r.ID, r.About)
			}
			seen = look(ctx, st)
		}
		if r.EN.Left != "" {
			seen.fr, seen.en = seen.fr+" ; "+r.FR.Left, seen.en+"; "+r.EN.Left
		}
		r.Partly = r.Partly || seen.partly
		out = append(out, Standpoint{Rule: r, Met: seen.met, State: seen.en, StateFR: french(seen.fr)})
	}
	return out, nil
}

// sight is what was seen, in both languages, and whether it meets a rule.
type sight struct {
	fr, en string
	met    bool
	partly bool // met, but for something that is named
}

// saw puts the same values into both sentences.
func saw(met bool, fr, en string, args ...any) sight {
	return sight{fr: fmt.Sprintf(fr, args...), en: fmt.Sprintf(en, args...), met: met}
}

// fine and unmet are for what has no number in it.
func fine(fr, en string) sight  { return sight{fr: fr, en: en, met: true} }
func unmet(fr, en string) sight { return sight{fr: fr, en: en} }

// look says what it saw.
type look func(ctx context.Context, st Standing) sight

// looks are named by rules.toml, where any other name is an error.
func (s *Server) looks() map[string]look {
	return map[string]look{
		"technicians": s.lookAtTechnicians, "presence": lookAtPresence, "path": s.lookAtPath, "zones": lookAtZones,
		"factors": s.lookAtFactors, "accounts": s.lookAtAccounts, "sources": lookAtSources,
		"retention": s.lookAtRetention, "journal": s.lookAtJournal, "unit key": s.lookAtUnitKey,
	}
}

// noCharter is what every look at a charter says where there is none that counts.
func noCharter(st Standing) (sight, bool) {
	switch {
	case st.Charter == nil:
		return unmet("il n'y a pas de charte : personne ne peut aider, et rien de l'unité n'est autorisé",
			"there is no charter: nobody may help, and nothing of the unit's is authorised"), true
	case st.Expired:
		return unmet("la charte a pris fin : personne ne peut aider tant qu'une autre n'est pas signée",
			"the charter ran out: nobody may help until another is signed"), true
	}
	return sight{}, false
}

// lookAtTechnicians measures the certificates themselves: the policy may have been tightened since
// the longest was signed.
func (s *Server) lookAtTechnicians(_ context.Context, st Standing) sight {
	if none, is := noCharter(st); is {
		return none
	}
	active, longest := 0, time.Duration(0)
	for i, card := range st.Charter.Cards() {
		if st.Charter.Technicians[i].State != trust.StateRevoked {
			active++
			longest = max(longest, time.Unix(card.NotAfter, 0).Sub(time.Unix(card.NotBefore, 0)))
		}
	}
	days := int(longest.Hours() / 24)
	return saw(days <= trust.MaxCertificateDays,
		"charte n° %d ; télé-assistants : %d ; certificat le plus long : %d jours, au plus %d selon la charte",
		"charter epoch %d; %d technicians; longest certificate %d days, at most %d by policy",
		st.Charter.Epoch, active, days, st.Charter.Policy.CertificateDays)
}

func lookAtPresence(_ context.Context, st Standing) sight {
	if none, is := noCharter(st); is {
		return none
	}
	p := st.Charter.Policy
	return saw(p.IdleMinutes <= mostIdle && p.LeaseMinutes <= mostLease,
		"question après %d minutes sans la personne (au plus %d), et de nouveau après %d dans tous les cas (au plus %d)",
		"asked after %d minutes without the person (at most %d), and again after %d in any case (at most %d)",
		p.IdleMinutes, mostIdle, p.LeaseMinutes, mostLease)
}

// lookAtPath has no wrong answer: each of these keeps pictures between the two ends.
func (s *Server) lookAtPath(_ context.Context, st Standing) sight {
	if none, is := noCharter(st); is {
		return none
	}
	fr, en := "STUN à l'adresse "+s.cfg.Server.STUN, "STUN at "+s.cfg.Server.STUN
	if s.cfg.Server.STUN == stunOff {
		fr, en = "STUN fermé", "STUN off"
	}
	relay := map[trust.Relay]string{trust.RelayNever: "jamais", trust.RelayInternal: "interne"}[st.Charter.Policy.Relay]
	return fine(fmt.Sprintf("serveur %s, TLS 1.3 seul ; %s ; relais : %s", s.cfg.Server.Address, fr, relay),
		fmt.Sprintf("server %s, TLS 1.3 alone; %s; relay: %s", s.cfg.Server.Address, en, st.Charter.Policy.Relay))
}

// lookAtZones counts. Whether a unit has restricted zones, and which, is not ours to judge.
func lookAtZones(_ context.Context, st Standing) sight {
	if none, is := noCharter(st); is {
		return none
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
	return saw(true, "postes en zone : %d ; zones : %d ; télé-assistants habilités à une zone : %d",
		"%d machines in %d zones; %d technicians bear a zone", len(st.Charter.Zones), len(zones), bearers)
}

func (s *Server) lookAtFactors(context.Context, Standing) sight {
	n := s.cfg.Accounts.PasswordMin
	return saw(n >= leastPassword, "appareil certifié, code à usage unique et mot de passe de %d caractères ou plus (au moins %d)",
		"certified device, one-time code and a password of %d characters or more (at least %d)", n, leastPassword)
}

// lookAtAccounts: a revocation that was not signed yet is one that machines do not obey.
func (s *Server) lookAtAccounts(_ context.Context, st Standing) sight {
	if none, is := noCharter(st); is {
		return none
	}
	count := map[trust.TechnicianState]int{}
	open := 0
	for _, t := range st.Charter.Technicians {
		count[t.State]++
		if t.State == trust.StateExternal && t.Until > s.now().Unix() {
			open++
		}
	}
	state := saw(true, "externes : %d, dont admis en ce moment : %d ; révoqués : %d", "%d external, %d of them let in now; %d revoked",
		count[trust.StateExternal], open, count[trust.StateRevoked])
	if st.Pending {
		return unmet(state.fr+" ; une modification attend une signature, et les postes ne la connaissent pas encore",
			state.en+"; a change awaits a signature, which machines do not know of yet")
	}
	return state
}

// lookAtSources takes a prefix that is wider than any site's own range for no list at all.
func lookAtSources(_ context.Context, st Standing) sight {
	if none, is := noCharter(st); is {
		return none
	}
	var wide []string
	for _, p := range st.Charter.Sources {
		if least := map[bool]int{true: widestSourceV4, false: widestSourceV6}[p.Addr().Is4()]; p.Bits() < least {
			wide = append(wide, p.String())
		}
	}
	if len(wide) > 0 {
		return saw(false, "ce ne sont pas des adresses identifiées, mais presque toutes : %s",
			"not identified addresses, but nearly all there are: %s", strings.Join(wide, " "))
	}
	return saw(true, "préfixes (%d) : %s", "%d prefixes: %s", len(st.Charter.Sources), strings.Join(sourcesOf(st.Charter), " "))
}

func (s *Server) lookAtRetention(context.Context, Standing) sight {
	c := s.cfg.Journal
	state := saw(c.RetentionMonths <= journal.MaxMonths || c.RetentionReason != "",
		"les inscriptions sont effacées après %d mois", "entries are erased after %d months", c.RetentionMonths)
	if c.RetentionReason != "" {
		state.fr += " ; motif : " + c.RetentionReason
		state.en += "; reason: " + c.RetentionReason
	}
	return state
}

// lookAtJournal computes the whole journal again: what it says today is worth more than that it
// verified once.
func (s *Server) lookAtJournal(ctx context.Context, _ Standing) sight {
	r, err := s.VerifyJournal(ctx)
	if err == nil && r.Doubts.All > 0 {
		return s.doubted(r.Doubts)
	}
	if err == nil {
		_, err = s.VerifySessions(ctx)
	}
	if err != nil {
		return unmet("il ne se vérifie pas : « assist-server journal verify » dit où, en anglais ; remettez une sauvegarde entière en place, ou prévenez "+
			"le responsable de la sécurité", "it does not verify: "+err.Error())
	}
	c := s.lookAtCopy(ctx)
	return sight{fr: fmt.Sprintf("%d inscriptions vérifiées ; %s", r.Entries, c.fr), en: fmt.Sprintf("%d entries verify; %s", r.Entries, c.en), met: c.met}
}

// doubted says of wrong times what is to be done. The rule stays unmet while they are kept:
// no word of an administrator could show that a clock was wrong and nobody made them up.
func (s *Server) doubted(d journal.Doubts) sight {
	months := s.cfg.Journal.RetentionMonths
	return saw(false, "des heures y sont impossibles (%d), la dernière à l'inscription %d ; après elle, tout est en ordre. Une horloge était fausse, ou "+
		"quelqu'un a inventé : « journal verify » les nomme ; comparez avec ce qui est connu de ce jour et gardez l'explication hors du serveur. "+
		"Cela reste dit tant que ces inscriptions sont gardées (%d mois)",
		"%d times in it cannot be, the last one at entry %d; after it, all is in order. A clock was wrong, or somebody made them up: "+
			"\"journal verify\" names them; compare with what is known of that day, and keep the explanation elsewhere than on the server. "+
			"This is said for as long as these entries are kept (%d months)", d.All, d.Last, months)
}

// lookAtUnitKey: a key under its passphrase meets half of the rule, a key beside its passphrase none.
func (s *Server) lookAtUnitKey(_ context.Context, st Standing) sight {
	switch {
	case s.SignsItself():
		return unmet("la clé de l'unité et sa phrase secrète sont toutes deux sur ce serveur : qui s'y introduit peut signer des télé-assistants",
			"the unit key and its passphrase both lie on this server: who breaks in can sign technicians")
	case st.KeyHere:
		return sight{fr: "la clé de l'unité est ici, sous sa phrase secrète : déplacez-la sur une machine à vous",
			en: "the unit key lies here under its passphrase: move it to a machine of your own", met: true, partly: true}
	}
	return fine("la clé de l'unité est gardée ailleurs", "the unit key is kept elsewhere")
}
