// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"assist/internal/journal"
	"assist/internal/trust"
)

// Rotate hands a draft's unit over from one key to the next: the rotation is
// signed by the old key, the charter and every certificate in it by the new one.
func (d *Draft) Rotate(from, to *trust.UnitKey, o SignOptions) (rotation, charter []byte, err error) {
	if base64.StdEncoding.EncodeToString(from.Public()) != d.UnitKey {
		return nil, nil, fmt.Errorf("%w: the draft is for another unit key than this one", ErrUnitKey)
	}
	at := max(d.Epoch, o.After+1)
	rotation, err = from.SignRotation(trust.Rotation{Epoch: at, Issued: o.Now.Unix(), To: to.Public()})
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrUnitKey, err)
	}
	next := *d
	if next.Zones, err = renumbered(d.Zones, from.Public(), to.Public()); err != nil {
		return nil, nil, err
	}
	next.Epoch, next.UnitKey, next.Technicians = at+1, base64.StdEncoding.EncodeToString(to.Public()), nil
	for _, t := range d.Technicians {
		if t.State == string(trust.StateRevoked) {
			continue // what the old key certified is void by itself
		}
		t.Certificate = ""
		next.Technicians = append(next.Technicians, t)
	}
	o.After = 0
	charter, err = next.Sign(to, o)
	return rotation, charter, err
}

// PrepareRotation makes a new unit key, and what hands the unit over to it. Nothing counts, and
// nothing is kept, before Rotate.
func (s *Server) PrepareRotation(ctx context.Context, passphrase string) (*Succession, error) {
	if err := s.idle(); err != nil { // before anybody has read and confirmed
		return nil, err
	}
	from, err := s.unlock(passphrase)
	if err != nil {
		return nil, err
	}
	d, err := s.NextCharter(ctx)
	if err != nil {
		return nil, err
	}
	return d.succeed(from, s.inForce().charter, SignOptions{Now: s.now()})
}

// succeed hands a draft's unit over to a new key. What changes is told as a signature tells it,
// for this certifies as much: since a charter that was signed before, if there is one.
func (d *Draft) succeed(from *trust.UnitKey, before *trust.Charter, o SignOptions) (*Succession, error) {
	to, err := trust.NewUnitKey()
	if err != nil {
		return nil, err
	}
	rotation, text, err := d.Rotate(from, to, o)
	if err != nil {
		return nil, err
	}
	c, err := trust.OpenCharter(text, to.Public())
	if err != nil {
		return nil, err
	}
	told := *c // with the machines' old numbers, which a person knows: Rotate made the new ones of them
	told.Zones = nil
	for _, z := range d.Zones {
		told.Zones = append(told.Zones, trust.MachineZone{Machine: z.Machine, Zone: z.Zone})
	}
	return &Succession{Signed: Signed{text, c, Changes(before, &told)}, From: from.Public(), to: to, rotation: rotation}, nil
}

// idle reports that no server runs on the data directory. One that starts later is found out
// when the change is published.
func (s *Server) idle() error {
	held, err := s.alone()
	if err != nil {
		return err
	}
	return held.Close()
}

// Rotate seals a new unit key under a passphrase, that of the old one, and hands the unit over
// to it. The server must not run meanwhile: every machine's number changes with the key.
func (s *Server) Rotate(ctx context.Context, next *Succession, passphrase string) error {
	if err := trust.SealUnitKey(next.to, s.path(fileUnitNext), passphrase); err != nil {
		return fullFile(s.path(fileUnitNext), err)
	}
	if err := s.PublishRotation(ctx, next.rotation, next.Text); err != nil {
		return errors.Join(err, os.Remove(s.path(fileUnitNext)))
	}
	// unlock finds the key under either name.
	return os.Rename(s.path(fileUnitNext), s.path(fileUnitKey))
}

// PublishRotation makes a new unit key the one in force, with its first charter.
func (s *Server) PublishRotation(ctx context.Context, rotation, charter []byte) error {
	held, err := s.alone()
	if err != nil {
		return err
	}
	defer held.Close()
	var r *trust.Rotation
	err = s.store.write(ctx, func(t *transaction) error {
		newest, err := t.newestEpoch()
		if err != nil {
			return err
		}
		if r, err = trust.VerifyRotation(rotation, s.unit, s.now(), newest); err != nil {
			return err
		}
		if len(s.chain) >= trust.MaxRotations {
			return fmt.Errorf("%w: the unit key was changed %d times; start a new unit", trust.ErrRotation, len(s.chain))
		}
		c, err := trust.VerifyCharter(charter, r.To, s.now(), r.Epoch)
		if err != nil {
			return err
		}
		return t.rekey(r, rotation, c, charter, s)
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnitKey, err)
	}
	s.chain, s.unit = append(s.chain, rotation), r.To
	return s.loadCharter(ctx)
}

// rekey stores the change. Numbers of machines depend on the unit key: the rows
// there are stay for the sessions that name them, under a key that no host has.
func (t *transaction) rekey(r *trust.Rotation, rotation []byte, c *trust.Charter, charter []byte, s *Server) error {
	now := s.now()
	if _, err := t.exec(`insert into rotation values (?, ?, ?)`, int64(r.Epoch), rotation, now.Unix()); err != nil {
		return err
	}
	if err := t.renumberZones(c, s.unit, r.To, now); err != nil {
		return err
	}
	if _, err := t.exec(`update machine set host_key = randomblob(16), duplicate = 0`); err != nil {
		return err
	}
	if _, err := t.exec(`delete from revoked`); err != nil {
		return err
	}
	if _, err := t.exec(`update technician set certificate = null, certificate_until = 0`); err != nil {
		return err
	}
	sum := sha256.Sum256(r.To)
	if err := t.record(now, &journal.UnitKeyChanged{Epoch: r.Epoch, Key: hex.EncodeToString(sum[:]), By: t.by}); err != nil {
		return err
	}
	return t.publish(c, charter, now)
}

// rekeyed reports that another process changed the unit key: this one must be
// started anew.
func (s *Server) rekeyed(ctx context.Context) error {
	chain, err := s.store.rotations(ctx)
	if err == nil && len(chain) != len(s.chain) {
		return fmt.Errorf("%w: it was changed; start the server anew", ErrUnitKey)
	}
	return err
}
