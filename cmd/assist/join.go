// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"assist/internal/config"
	"assist/internal/hardware"
	"assist/internal/trust"
	"assist/internal/ui"
)

// Join makes this app part of the unit whose code was pasted.
func (p *program) Join(_ context.Context, code string) error {
	parsed, err := trust.ParseJoinCode(strings.TrimSpace(code))
	if err != nil {
		return ui.ErrBadCode
	}
	return p.join(parsed)
}

// JoinFile makes this app part of the unit that an assist.toml names.
func (p *program) JoinFile(_ context.Context, path string) error {
	file, err := config.Read(path)
	var bad *config.Error
	if errors.As(err, &bad) {
		return &ui.BadFile{File: bad.File, Line: bad.Line, Key: bad.Key}
	}
	if err != nil || file.Unit.Join == "" {
		return &ui.BadFile{File: path, Key: "unit.join"}
	}
	err = p.Join(context.Background(), file.Unit.Join)
	if err == nil && ruled(file.Policy) {
		return &ui.Unruled{File: filepath.Join(p.dirs.Machine, "assist.toml")}
	}
	return err
}

// ruled reports whether a file holds rules, which count where the administrator put them.
func ruled(p config.Policy) bool {
	return p.Rights != nil || p.IdleMinutes != 0 || p.Zone != "" || len(p.Lock) > 0
}

// join remembers the unit, then becomes its member.
func (p *program) join(code trust.JoinCode) error {
	err := p.settings.change(func(f *config.File) { f.Unit.Join = code.String() })
	switch {
	case errors.Is(err, config.ErrLocked):
		return ui.ErrFixed
	case err != nil:
		p.log.Error("the join code is not kept", "error", err)
		return ui.ErrDisk
	}
	return p.unit.member(code)
}

// Fixed reports whether the administrator has decided which unit this is.
func (p *program) Fixed() bool { return p.settings.get().Locks("unit.join") }

// thisComputer is what keys are tied to, so that they do not follow a cloned disk.
func thisComputer() trust.Computer {
	return trust.Computer{System: osIdentity(), Marks: hardware.Marks()}
}

// osIdentity names the installed system.
func osIdentity() string {
	for _, path := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id"} {
		if b, err := os.ReadFile(path); err == nil && len(b) > 0 {
			return strings.TrimSpace(string(b))
		}
	}
	name, err := os.Hostname()
	if err != nil {
		name = "unnamed"
	}
	return runtime.GOOS + " " + name
}
