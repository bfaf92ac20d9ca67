// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"

	"assist/assets"
	"assist/internal/attestation"
	"assist/internal/config"
	"assist/internal/consent"
	"assist/internal/presence"
	"assist/internal/process"
)

// attestForm is what --attest asks for: "" nothing, else "text" or "json".
type attestForm string

// String is the form.
func (f *attestForm) String() string { return string(*f) }

// IsBoolFlag lets --attest stand alone.
func (f *attestForm) IsBoolFlag() bool { return true }

// Set takes --attest and --attest=json.
func (f *attestForm) Set(s string) error {
	switch s {
	case "true", "text":
		*f = "text"
	case "json":
		*f = "json"
	default:
		return fmt.Errorf("%q is neither text nor json", s)
	}
	return nil
}

// attest looks at everything and changes nothing; it returns the exit status: 1
// when something is not as promised.
func attest(form attestForm, dir string, out io.Writer, text assets.Text) int {
	report := attestation.Judge(gather(dir))
	page := []byte(report.Text(attestation.Words(text)))
	if form == "json" {
		var err error
		if page, err = report.JSON(); err != nil {
			return fail(out, "", err)
		}
	}
	if _, err := out.Write(page); err != nil || !report.OK {
		return 1
	}
	return 0
}

// gather finds the facts. What cannot be read is a fact, too.
func gather(dir string) attestation.Facts {
	f := attestation.Facts{Build: build(), Rights: process.Own(), Presence: whoTells()}
	f.Starters = process.Starters(f.Build.Path, os.Getenv)
	note := func(err error) {
		if err != nil {
			f.Faults = append(f.Faults, err.Error())
		}
	}
	dirs, err := directories(dir)
	if err != nil {
		note(err)
		return f
	}
	f.Raise = process.RaiseSocket(dirs.Data)
	f.Running = whatRuns(dirs.Data)
	for _, err := range writers(dirs) {
		note(err)
	}
	file, err := config.Load(dirs)
	note(err)
	f.Policy = policyOf(dirs, file)
	if file.Unit.Join != "" {
		f.Keys, err = keysOf(dirs, file)
		note(err)
		f.Trial = trialPorts(dirs, f.Keys)
		note(byCharter(&f.Policy, dirs, file, f.Keys))
		note(keptOf(dirs, file))
	}
	return f
}

// writers tells who else can write the settings: the administrator's, then the person's.
func writers(dirs config.Dirs) []error {
	return []error{
		process.CheckAdministrators(filepath.Join(dirs.Machine, "assist.toml")),
		process.CheckWriters(filepath.Join(dirs.User, "assist.toml")),
	}
}

// whatRuns is the app that keeps its files in dir. One that runs and cannot be looked at
// is told of as such.
func whatRuns(dir string) *attestation.Running {
	pid, err := process.Running(dir)
	if pid == 0 && err == nil {
		return nil
	}
	r := &attestation.Running{PID: pid}
	if err == nil {
		r.Sockets, err = process.Sockets(pid)
	}
	var p process.Program
	if err == nil {
		p, err = process.Inspect(pid)
	}
	r.Path, r.SHA256, r.Rights, r.Known = p.Path, p.SHA256, p.Rights, err == nil
	return r
}

// build is this program.
func build() attestation.Build {
	b := attestation.Build{Version: buildVersion(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	path, err := os.Executable()
	if err != nil {
		return b
	}
	b.Path = path
	f, err := os.Open(path)
	if err != nil {
		return b
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err == nil {
		b.SHA256 = hex.EncodeToString(h.Sum(nil))
	}
	return b
}

// whoTells asks once who tells of the person's presence.
func whoTells() []string {
	w := presence.Watch(presence.Options{})
	defer w.Close()
	return w.Sources()
}

// policyOf says what is in force, defaults included: a reader must not have to know them.
func policyOf(dirs config.Dirs, file config.File) attestation.Policy {
	p := attestation.Policy{
		MachineFile: existing(filepath.Join(dirs.Machine, "assist.toml")), UserFile: existing(filepath.Join(dirs.User, "assist.toml")),
		IdleMinutes: file.Policy.IdleMinutes, LeaseMinutes: int(consent.LeaseLife.Minutes()), Zone: file.Policy.Zone, Locked: file.Policy.Lock,
	}
	if p.IdleMinutes == 0 {
		p.IdleMinutes = int(consent.IdleTime.Minutes())
	}
	most := ceiling(file)
	for one := consent.RightView; one <= consent.RightControl; one <<= 1 {
		if most.Has(one) {
			p.Rights = append(p.Rights, one.String())
		}
	}
	return p
}

// existing is path if there is something.
func existing(path string) string {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
}

// fingerprint is what certificate pins are made of, too.
func fingerprint(spki []byte) string {
	sum := sha256.Sum256(spki)
	return hex.EncodeToString(sum[:])
}

// trialPorts is where the server on this computer listens, if there is one.
func trialPorts(dirs config.Dirs, keys *attestation.Keys) []string {
	if keys == nil || existing(filepath.Join(dirs.Data, "server", passFile)) == "" {
		return nil
	}
	var ports []string
	for _, s := range keys.Servers {
		if _, port, err := net.SplitHostPort(s.Server); err == nil && !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	return ports
}
