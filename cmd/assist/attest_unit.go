// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"assist/internal/attestation"
	"assist/internal/config"
	"assist/internal/consent"
	"assist/internal/rendezvous"
	"assist/internal/trust"
)

// pinned is the join code and what is remembered of its unit.
func pinned(dirs config.Dirs, file config.File) (*trust.JoinCode, *trust.Memory, error) {
	code, err := trust.ParseJoinCode(file.Unit.Join)
	if err != nil {
		return nil, nil, err
	}
	memory, err := trust.NewMemory(dirs.Data, code.Unit)
	return &code, memory, err
}

// byCharter adds what the unit's charter says, as it is remembered here. One that is not
// known yet, or has run out, is no fault, but no help is possible then: no right is told.
func byCharter(p *attestation.Policy, dirs config.Dirs, file config.File, keys *attestation.Keys) error {
	own := p.Rights
	p.Rights = nil
	_, memory, err := pinned(dirs, file)
	if err != nil {
		return err
	}
	c, err := memory.Newest()
	if errors.Is(err, trust.ErrNoCharter) {
		return nil
	}
	if err != nil {
		return err
	}
	p.CharterEpoch, p.InForce = c.Epoch, c.InForce(time.Now()) == nil
	p.IdleMinutes, p.LeaseMinutes = min(p.IdleMinutes, c.Policy.IdleMinutes), min(p.LeaseMinutes, c.Policy.LeaseMinutes)
	if file.Policy.IdleMinutes == 0 {
		p.IdleMinutes = c.Policy.IdleMinutes
	}
	most := uint16(0)
	if id, err := machineOf(keys); err == nil && p.InForce {
		most = c.Placing(id, file.Policy.Zone).Ceiling(id)
	}
	for one := consent.RightView; one <= consent.RightControl; one <<= 1 {
		if most&uint16(one) != 0 && slices.Contains(own, one.String()) {
			p.Rights = append(p.Rights, one.String())
		}
	}
	return nil
}

// machineOf is the number as charters write it, empty before there is one.
func machineOf(keys *attestation.Keys) (string, error) {
	if keys == nil || keys.Machine == "" {
		return "", nil
	}
	return trust.ParseMachineID(keys.Machine)
}

// keptOf reads what else is kept against a server that lies: the journal's checkpoint, and
// the requests that were heard.
func keptOf(dirs config.Dirs, file config.File) error {
	code, _, err := pinned(dirs, file)
	if err != nil {
		return err
	}
	witness, err := trust.NewWitness(dirs.Data, code.Unit, nil)
	if err != nil {
		return err
	}
	_, err = witness.Look()
	_, heard := trust.OpenNonces(filepath.Join(dirs.Data, "nonces"))
	return errors.Join(err, heard)
}

// serverKeys are the keys by which a connection made now would know the server.
func serverKeys(k *attestation.Keys, dirs config.Dirs, code *trust.JoinCode) error {
	charters, err := rendezvous.OpenCharters(dirs.Data, code.Unit, slog.New(slog.DiscardHandler)) // what is damaged is told by keysOf
	if err != nil {
		return err
	}
	for _, one := range (rendezvous.Config{Server: code.Server, Pin: code.Pin, Charters: charters}).Keys() {
		k.Servers = append(k.Servers, attestation.Seen{Server: one.Address, TLS: hex.EncodeToString(one.Pin[:]), Epoch: one.Epoch, Next: one.Next})
	}
	k.Server, k.TLS = k.Servers[0].Server, k.Servers[0].TLS
	return nil
}

// keysOf are the pinned keys, the unit's key in force, and this computer's own. Without a
// key of its own yet, there is no number.
func keysOf(dirs config.Dirs, file config.File) (*attestation.Keys, error) {
	code, memory, err := pinned(dirs, file)
	if err != nil {
		return nil, err
	}
	k := &attestation.Keys{Joined: hex.EncodeToString(code.Pin[:]), Pinned: fingerprint(code.Unit)}
	if err := serverKeys(k, dirs, code); err != nil {
		return k, err
	}
	unit, _, err := memory.Epoch()
	if err != nil {
		return k, err
	}
	k.Unit = fingerprint(unit)
	key, err := trust.LoadHostKey(filepath.Join(dirs.Data, "host.key"))
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return k, err
	}
	k.Host = fingerprint(key.Public())
	id, err := key.MachineID(unit)
	k.Machine = trust.FormatMachineID(id)
	return k, err
}
