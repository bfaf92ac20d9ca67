// SPDX-License-Identifier: Apache-2.0

// Package attestation says what this app is, what it may do here, and what it keeps,
// and judges whether that is as promised. It is handed facts and looks at nothing
// itself, so that a security officer can read how they are judged, and a test can
// put every fault before it.
package attestation

import (
	"encoding/json"
	"fmt"
	"slices"

	"assist/internal/process"
)

// Schema names the form of the JSON; it changes when a field changes its meaning.
const Schema = "assist/attest/1"

// Build is the program.
type Build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`   // of the source, empty when unknown
	Modified bool   `json:"modified"` // the source differed from the commit
	Go       string `json:"go"`
	System   string `json:"system"` // GOOS/GOARCH
	Path     string `json:"path"`
	SHA256   string `json:"sha256"` // of the program file
}

// Running is the app of the same folder that runs now.
type Running struct {
	PID     int              `json:"pid"`
	Known   bool             `json:"known"` // it could be looked at
	Path    string           `json:"path"`
	SHA256  string           `json:"sha256"` // of the program that runs
	Rights  process.Rights   `json:"rights"`
	Sockets []process.Socket `json:"sockets"`
}

// Seen is one key by which the server is known at one address.
type Seen struct {
	Server string `json:"server"`        // host:port
	TLS    string `json:"tls_pin"`       // SHA-256 of its key, hexadecimal
	Epoch  uint64 `json:"charter_epoch"` // of the charter that says so; 0: the join code does
	Next   bool   `json:"next"`          // announced for later
}

// Keys are what is pinned, as fingerprints (SHA-256, hexadecimal) and the number.
type Keys struct {
	Server  string `json:"server"`          // host:port, where it is looked for first
	TLS     string `json:"tls_pin"`         // of the server's key in force there
	Servers []Seen `json:"servers"`         // all keys by which the server is known, in the order in which it is looked for
	Joined  string `json:"tls_pin_joined"`  // of the join code; when Servers lacks it, a charter has replaced it
	Unit    string `json:"unit_key"`        // the one in force, which signs technicians and the charter
	Pinned  string `json:"unit_key_pinned"` // of the join code; rotations lead from it to the one in force
	Host    string `json:"host_key"`        // of this computer and user
	Machine string `json:"machine"`         // 12 digits
}

// Policy is what may happen here at most.
type Policy struct {
	MachineFile  string   `json:"machine_file"`
	UserFile     string   `json:"user_file"`
	Rights       []string `json:"rights"`
	IdleMinutes  int      `json:"idle_minutes"`
	LeaseMinutes int      `json:"lease_minutes"`
	Zone         string   `json:"zone"` // of the machine's file, empty without one
	Locked       []string `json:"locked"`
	CharterEpoch uint64   `json:"charter_epoch"` // 0: none known
	InForce      bool     `json:"charter_in_force"`
}

// Facts is everything that was found.
type Facts struct {
	Build    Build          `json:"build"`
	Rights   process.Rights `json:"rights"`
	Presence []string       `json:"presence"` // who tells whether the session is locked
	Running  *Running       `json:"running"`  // null when no app runs
	Starters []string       `json:"starters"` // files that would start the app by themselves
	Keys     *Keys          `json:"keys"`     // null before the app belongs to a unit
	Policy   Policy         `json:"policy"`
	Trial    []string       `json:"trial"`  // ports of the server on this computer
	Faults   []string       `json:"faults"` // what could not be read
	Raise    string         `json:"raise"`  // the local socket of a second start; empty: none
}

// Promise is one thing that is promised, and whether it is so here and now.
type Promise struct {
	Name string `json:"name"`
	Kept bool   `json:"kept"`
	Why  string `json:"why,omitempty"` // what breaks it, in English

	cause, what string // the same for Text: the end of a key, and the one value in its words
}

// Report is the facts and the judgement.
type Report struct {
	Schema string `json:"schema"`
	OK     bool   `json:"ok"`     // every promise is kept
	Shares bool   `json:"shares"` // an app started now could share at all
	Facts
	Promises []Promise `json:"promises"`
	Absent   []string  `json:"absent"` // what no code exists for
}

// Names of the promises.
const (
	PromiseBuild    = "build"     // built from a commit as it is
	PromiseRights   = "rights"    // shares with an ordinary user's rights or not at all
	PromiseListener = "listeners" // nothing can connect to it to control anything
	PromiseStarters = "starters"  // nothing starts it but the person
	PromiseFiles    = "files"     // keys and policy are readable and whole
)

// absent is what no code exists for.
func absent() []string {
	return []string{"unattended access", "permanent password", "service", "autostart", "screen blanking", "blocking of local input",
		"remote shell", "tunnel", "elevation", "recording", "clipboard transfer", "file transfer"}
}

// Judge holds the facts against the promises.
func Judge(f Facts) Report {
	r := Report{Schema: Schema, Facts: f, Absent: absent(), Shares: !f.Rights.Privileged()}
	r.Promises = []Promise{
		source(f),
		rights(f.Running),
		listeners(f),
		listed(PromiseStarters, f.Starters, "started by %s", "started"),
		listed(PromiseFiles, f.Faults, "not readable: %s", "unreadable"),
	}
	r.OK = !slices.ContainsFunc(r.Promises, func(p Promise) bool { return !p.Kept })
	return r
}

// source wants to know what the program was built from.
func source(f Facts) Promise {
	b := f.Build
	if r := f.Running; r != nil && r.Known && r.SHA256 != b.SHA256 {
		return named(PromiseBuild, "another program runs: %s", "another", r.Path)
	}
	if b.Commit == "" {
		return broken(PromiseBuild, "the commit is not known", "commit")
	}
	if b.Modified {
		return broken(PromiseBuild, "the source was modified after the commit", "modified")
	}
	return kept(PromiseBuild)
}

// rights allows this process, which only looks, any: with more than an ordinary user's the
// app refuses to share, see Shares. One that runs must not have them.
func rights(r *Running) Promise {
	if r != nil && r.Known && r.Rights.Privileged() {
		return broken(PromiseRights, "the app that runs has more", "rights")
	}
	return kept(PromiseRights)
}

func kept(name string) Promise { return Promise{Name: name, Kept: true} }

func broken(name, why, cause string) Promise { return Promise{Name: name, Why: why, cause: cause} }

// named is broken by one thing, which form has a place for.
func named(name, form, cause, what string) Promise {
	return Promise{Name: name, Why: fmt.Sprintf(form, what), cause: cause, what: what}
}

// listed is broken by whatever is in a list.
func listed(name string, all []string, form, cause string) Promise {
	if len(all) == 0 {
		return kept(name)
	}
	return named(name, form, cause, fmt.Sprintf("%q", all))
}

// listeners allows the socket of a second start and, in a trial, the port of the
// server on this computer; nothing else may be connected to.
func listeners(f Facts) Promise {
	if f.Running == nil {
		return kept(PromiseListener)
	}
	if !f.Running.Known {
		return named(PromiseListener, "process %s cannot be looked at", "unseen", fmt.Sprint(f.Running.PID))
	}
	for _, s := range f.Running.Sockets {
		if s.Listens && !allowed(f, s) {
			return named(PromiseListener, "listens at %s", "listens", s.Protocol+" "+s.Local)
		}
	}
	return kept(PromiseListener)
}

func allowed(f Facts, s process.Socket) bool {
	if s.Protocol == "unix" {
		return s.Local == f.Raise && f.Raise != ""
	}
	return slices.ContainsFunc(f.Trial, func(port string) bool {
		return len(s.Local) > len(port) && s.Local[len(s.Local)-len(port)-1:] == ":"+port
	})
}

// JSON is the report for programs. Lists are never null.
func (r Report) JSON() ([]byte, error) {
	for _, list := range []*[]string{&r.Presence, &r.Starters, &r.Trial, &r.Faults, &r.Policy.Rights, &r.Policy.Locked} {
		if *list == nil {
			*list = []string{}
		}
	}
	if r.Keys != nil && r.Keys.Servers == nil {
		keys := *r.Keys
		keys.Servers = []Seen{}
		r.Keys = &keys
	}
	filled(&r.Rights)
	if r.Running != nil {
		run := *r.Running
		filled(&run.Rights)
		if run.Sockets == nil {
			run.Sockets = []process.Socket{}
		}
		r.Running = &run
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("attestation: %w", err)
	}
	return append(b, '\n'), nil
}

func filled(r *process.Rights) {
	if r.Groups == nil {
		r.Groups = []int{}
	}
	if r.Capabilities == nil {
		r.Capabilities = []string{}
	}
}
