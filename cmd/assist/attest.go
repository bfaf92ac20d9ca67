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
	"assist/internal/trust"
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
	f.Raise = filepath.Join(dirs.Data, "raise.sock")
	if pid := process.Running(dirs.Data); pid != 0 {
		sockets, err := process.Sockets(pid)
		f.Running = &attestation.Running{PID: pid, Known: err == nil, Sockets: sockets}
	}
	file, err := config.Load(dirs)
	note(err)
	f.Policy = policyOf(dirs, file)
	if file.Unit.Join != "" {
		f.Keys, err = keysOf(dirs, file)
		note(err)
		f.Trial = trialPorts(dirs, f.Keys)
		note(byCharter(&f.Policy, dirs, file))
	}
	return f
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

func policyOf(dirs config.Dirs, file config.File) attestation.Policy {
	p := attestation.Policy{
		MachineFile: existing(filepath.Join(dirs.Machine, "assist.toml")), UserFile: existing(filepath.Join(dirs.User, "assist.toml")),
		IdleMinutes: file.Policy.IdleMinutes, LeaseMinutes: int(consent.LeaseLife.Minutes()), Locked: file.Policy.Lock,
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

// byCharter adds what the unit's charter says, as it is remembered here. One that is not
// known yet, or has run out, is no fault: no help is possible until there is one.
func byCharter(p *attestation.Policy, dirs config.Dirs, file config.File) error {
	code, err := trust.ParseJoinCode(file.Unit.Join)
	if err != nil {
		return err
	}
	memory, err := trust.NewMemory(dirs.Data, code.Unit)
	if err != nil {
		return err
	}
	c, err := memory.Newest()
	if err != nil || c == nil {
		return nil
	}
	p.CharterEpoch = uint64(c.Epoch)
	p.IdleMinutes, p.LeaseMinutes = min(p.IdleMinutes, c.Policy.IdleMinutes), min(p.LeaseMinutes, c.Policy.LeaseMinutes)
	if file.Policy.IdleMinutes == 0 {
		p.IdleMinutes = c.Policy.IdleMinutes
	}
	p.Rights = slices.DeleteFunc(p.Rights, func(name string) bool {
		for one := consent.RightView; one <= consent.RightControl; one <<= 1 {
			if one.String() == name {
				return c.Policy.Rights&uint16(one) == 0
			}
		}
		return true
	})
	return nil
}

// existing is path if there is something.
func existing(path string) string {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
}

// keysOf are the pinned keys and this computer's own. Without a key of its own yet,
// there is no number.
func keysOf(dirs config.Dirs, file config.File) (*attestation.Keys, error) {
	code, err := trust.ParseJoinCode(file.Unit.Join)
	if err != nil {
		return nil, err
	}
	k := &attestation.Keys{Server: code.Server, TLS: hex.EncodeToString(code.Pin[:]), Unit: fingerprint(code.Unit)}
	key, err := trust.LoadHostKey(filepath.Join(dirs.Data, "host.key"))
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return k, err
	}
	k.Host = fingerprint(key.Public())
	id, err := key.MachineID(code.Unit)
	k.Machine = trust.FormatMachineID(id)
	return k, err
}

func fingerprint(spki []byte) string {
	sum := sha256.Sum256(spki)
	return hex.EncodeToString(sum[:])
}

// trialPorts is where the server on this computer listens, if there is one.
func trialPorts(dirs config.Dirs, keys *attestation.Keys) []string {
	if keys == nil || existing(filepath.Join(dirs.Data, "server", passFile)) == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(keys.Server)
	if err != nil {
		return nil
	}
	return []string{port}
}
