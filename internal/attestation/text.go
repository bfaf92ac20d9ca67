// SPDX-License-Identifier: Apache-2.0

package attestation

import (
	"fmt"
	"slices"
	"strings"
)

// Words returns the words of a key, each {name} replaced; pairs are name, value.
type Words func(key string, pairs ...string) string

// Text is the report for people.
func (r Report) Text(say Words) string {
	t := &page{say: say}
	t.line("attest.title")
	r.build(t)
	r.rights(t)
	r.sockets(t)
	r.keys(t)
	r.policy(t)
	t.head("attest.absent")
	for _, a := range r.Absent {
		t.item(say("attest.absent." + strings.ReplaceAll(a, " ", "-")))
	}
	t.head("attest.promises")
	for _, p := range r.Promises {
		promise := say("attest.promise." + p.Name)
		if p.Kept {
			t.item(say("attest.kept", "promise", promise))
			continue
		}
		t.item(say("attest.broken", "promise", promise, "why", say("attest.why."+p.cause, "what", p.what)))
	}
	t.head("")
	if r.OK {
		t.line("attest.ok")
	} else {
		t.line("attest.notOK")
	}
	return t.b.String()
}

// page is a text that grows.
type page struct {
	b   strings.Builder
	say Words
}

func (t *page) line(key string, pairs ...string) { fmt.Fprintln(&t.b, t.say(key, pairs...)) }

// head begins a part, after a blank line.
func (t *page) head(key string) {
	t.b.WriteString("\n")
	if key != "" {
		t.line(key)
	}
}

func (t *page) item(s string) { fmt.Fprintln(&t.b, "  "+s) }

// fact is one line of a part; what is unknown is a dash.
func (t *page) fact(key, value string) {
	if value == "" {
		value = "—"
	}
	t.item(t.say("attest.fact", "name", t.say(key), "value", value))
}

func (r Report) build(t *page) {
	commit := r.Build.Commit
	if r.Build.Modified {
		commit += " " + t.say("attest.modified")
	}
	t.head("attest.build")
	t.fact("attest.version", r.Build.Version)
	t.fact("attest.commit", commit)
	t.fact("attest.go", r.Build.Go+" "+r.Build.System)
	t.fact("attest.path", r.Build.Path)
	t.fact("attest.sha256", r.Build.SHA256)
}

func (r Report) rights(t *page) {
	t.head("attest.rights")
	if r.Rights.User >= 0 {
		t.fact("attest.user", fmt.Sprintf("%d, %d %v", r.Rights.User, r.Rights.Group, r.Rights.Groups))
	}
	t.fact("attest.capabilities", strings.Join(r.Rights.Capabilities, " "))
	if r.Shares {
		t.item(t.say("attest.shares"))
	} else {
		t.item(t.say("attest.refuses"))
	}
	who := strings.Join(r.Presence, ", ")
	if who == "" {
		who = t.say("attest.presence.none")
	}
	t.fact("attest.presence", who)
}

func (r Report) sockets(t *page) {
	t.head("attest.sockets")
	switch {
	case r.Running == nil:
		t.item(t.say("attest.notRunning"))
	default:
		t.fact("attest.pid", fmt.Sprint(r.Running.PID))
		t.fact("attest.path", r.Running.Path)
		t.fact("attest.sha256", r.Running.SHA256)
		for _, s := range r.Running.Sockets {
			key := "attest.socket.open"
			if s.Listens {
				key = "attest.socket.listens"
			}
			t.item(t.say(key, "protocol", s.Protocol, "at", s.Local))
		}
	}
	t.fact("attest.starters", strings.Join(r.Starters, ", "))
}

func (r Report) keys(t *page) {
	t.head("attest.keys")
	if r.Keys == nil {
		t.item(t.say("attest.noUnit"))
		return
	}
	r.servers(t)
	t.fact("attest.unit", r.Keys.Unit)
	if r.Keys.Pinned != r.Keys.Unit {
		t.fact("attest.pinned", r.Keys.Pinned)
	}
	t.fact("attest.host", r.Keys.Host)
	t.fact("attest.machine", r.Keys.Machine)
}

// servers are the server's keys, each with who says so: the charter replaces what the join
// code said.
func (r Report) servers(t *page) {
	at := ""
	for _, s := range r.Keys.Servers {
		if s.Server != at {
			at = s.Server
			t.fact("attest.server", at)
		}
		says := "attest.tls.code"
		switch {
		case s.Next:
			says = "attest.tls.next"
		case s.Epoch > 0:
			says = "attest.tls.charter"
		}
		t.fact("attest.tls", s.TLS+" "+t.say(says, "n", fmt.Sprint(s.Epoch)))
	}
	if !slices.ContainsFunc(r.Keys.Servers, func(s Seen) bool { return s.TLS == r.Keys.Joined }) {
		t.fact("attest.tls.joined", r.Keys.Joined)
	}
}

func (r Report) policy(t *page) {
	t.head("attest.policy")
	t.fact("attest.machineFile", r.Policy.MachineFile)
	t.fact("attest.userFile", r.Policy.UserFile)
	rights := make([]string, len(r.Policy.Rights))
	for i, one := range r.Policy.Rights {
		rights[i] = t.say("attest.right." + one)
	}
	t.fact("attest.ceiling", strings.Join(rights, ", "))
	t.fact("attest.idle", fmt.Sprint(r.Policy.IdleMinutes, " min"))
	t.fact("attest.lease", fmt.Sprint(r.Policy.LeaseMinutes, " min"))
	t.fact("attest.zone", r.Policy.Zone)
	t.fact("attest.locked", strings.Join(r.Policy.Locked, ", "))
	if r.Policy.CharterEpoch > 0 {
		edition := fmt.Sprint(r.Policy.CharterEpoch)
		if !r.Policy.InForce {
			edition += " " + t.say("attest.charter.out")
		}
		t.fact("attest.charter", edition)
	}
}
