// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
)

// force is the newest charter, verified under the unit key. It may have run out.
type force struct {
	charter  *trust.Charter // nil before the first, and when the stored one is not to be believed
	text     []byte
	err      error         // why there is none
	replaced chan struct{} // closed when another takes its place
}

func (f *force) epoch() uint64 {
	if f.charter == nil {
		return 0
	}
	return f.charter.Epoch
}

// current is the charter if it counts at this moment, or nil.
func (f *force) current(now time.Time) *trust.Charter {
	if f.charter == nil || now.Unix() >= f.charter.Expires {
		return nil
	}
	return f.charter
}

// inForce is never nil.
func (s *Server) inForce() *force { return s.force.Load() }

// loadCharter takes up the newest charter of the database, which this process or
// another one published, and wakes who waits for it.
func (s *Server) loadCharter(ctx context.Context) error {
	s.loading.Lock()
	defer s.loading.Unlock()
	epoch, text, err := s.store.newestCharter(ctx)
	if err != nil {
		return err
	}
	old := s.force.Load()
	if old != nil && (epoch == old.epoch() || bytes.Equal(text, old.text)) {
		return nil
	}
	next := &force{text: text, replaced: make(chan struct{})}
	if len(text) > 0 {
		next.charter, next.err = trust.OpenCharter(text, s.unit)
	}
	s.force.Store(next)
	if old != nil {
		close(old.replaced)
	}
	return next.err
}

// PublishCharter makes a charter that the unit key signed the one that counts; a
// running server, this one or one in another process, tells every client within
// a second. It returns its epoch. One that was published before changes nothing;
// an older one, or another of the same epoch, is refused.
func (s *Server) PublishCharter(ctx context.Context, text []byte) (uint64, error) {
	var c *trust.Charter
	err := s.store.write(ctx, func(t *transaction) error {
		newest, err := t.newestEpoch()
		if err == nil {
			c, err = trust.VerifyCharter(text, s.unit, s.now(), newest)
		}
		if err != nil {
			return err
		}
		if c.Epoch == newest {
			return t.again(text, newest)
		}
		return t.publish(c, text, s.now())
	})
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrCharter, err)
	}
	return c.Epoch, s.loadCharter(ctx)
}

// again accepts the very charter that is there.
func (t *transaction) again(text []byte, epoch uint64) error {
	var have []byte
	err := t.QueryRowContext(t, `select text from charter where epoch = ?`, int64(epoch)).Scan(&have)
	if err != nil || !bytes.Equal(have, text) {
		return fmt.Errorf("%w: another one of epoch %d was published", trust.ErrForked, epoch)
	}
	return nil
}

// publish stores a charter and takes over its certificates.
func (t *transaction) publish(c *trust.Charter, text []byte, now time.Time) error {
	revoked, err := t.revocations()
	if err != nil {
		return err
	}
	people, err := accounts(t, t.Tx)
	if err != nil {
		return err
	}
	if err := checkRevoked(c, revoked, people); err != nil {
		return err
	}
	if _, err := t.exec(`insert into charter values (?, ?, ?)`, int64(c.Epoch), text, now.Unix()); err != nil {
		return err
	}
	for _, a := range people {
		if err := t.adopt(c, a, now); err != nil {
			return err
		}
	}
	sum := sha256.Sum256(text)
	return t.record(now, &journal.CharterPublished{Epoch: c.Epoch, Charter: hex.EncodeToString(sum[:]), Expires: c.Expires, By: t.by})
}

// checkRevoked refuses a charter that lets in somebody whose account was closed
// since its draft was made.
func checkRevoked(c *trust.Charter, revoked []revocation, people []*account) error {
	for _, r := range revoked {
		listed, _ := c.Listed(r.deviceKey)
		again := slices.ContainsFunc(people, func(a *account) bool {
			return a.state == dbEnrolled && bytes.Equal(a.deviceKey, r.deviceKey)
		})
		if listed != nil && listed.State != trust.StateRevoked && !again {
			return fmt.Errorf("%w: it lets in %s, whose account is closed; make a new draft", ErrStale, r.login)
		}
	}
	return nil
}

// adopt notes the certificate that a charter gives an account, or that it gives none.
func (t *transaction) adopt(c *trust.Charter, a *account, now time.Time) error {
	if a.state != dbEnrolled {
		return nil
	}
	var env []byte
	var until int64
	serial := ""
	if listed, card := c.Listed(a.deviceKey); listed != nil && listed.State != trust.StateRevoked {
		env, until, serial = listed.Envelope, card.NotAfter, hex.EncodeToString(card.Serial[:])
	}
	if bytes.Equal(env, a.certificate) {
		return nil
	}
	if _, err := t.exec(`update technician set certificate = ?, certificate_until = ? where id = ?`, env, until, a.id); err != nil {
		return err
	}
	if env == nil {
		return nil
	}
	return t.record(now, &journal.TechnicianCertified{Login: a.Login, Serial: serial, Until: until, By: t.by})
}

// SignCharter draws up the next charter, signs it with the unit key that lies
// here, and publishes it.
func (s *Server) SignCharter(ctx context.Context, passphrase string, o SignOptions) (uint64, error) {
	key, err := s.unlock(passphrase)
	if err != nil {
		return 0, err
	}
	return s.signAndPublish(ctx, key, o)
}

// Prepared is a charter that is signed and not published: somebody reads it first.
type Prepared struct {
	Text    []byte
	Charter *trust.Charter
	Changes []string // against the one in force
}

// PrepareCharter draws up the next charter and signs it with the unit key that lies here.
// It counts for nothing before PublishCharter.
func (s *Server) PrepareCharter(ctx context.Context, passphrase string, o SignOptions) (*Prepared, error) {
	key, err := s.unlock(passphrase)
	if err != nil {
		return nil, err
	}
	d, err := s.NextCharter(ctx)
	if err != nil {
		return nil, err
	}
	o.Now = s.now()
	text, err := d.Sign(key, o)
	if err != nil {
		return nil, err
	}
	c, err := trust.OpenCharter(text, s.unit)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCharter, err)
	}
	return &Prepared{text, c, Changes(s.inForce().charter, c)}, nil
}

// signAndPublish draws up anew when another process was faster.
func (s *Server) signAndPublish(ctx context.Context, key *trust.UnitKey, o SignOptions) (uint64, error) {
	for attempt := 0; ; attempt++ {
		d, err := s.NextCharter(ctx)
		if err != nil {
			return 0, err
		}
		o.Now = s.now()
		text, err := d.Sign(key, o)
		if err != nil {
			return 0, err
		}
		epoch, err := s.PublishCharter(ctx, text)
		if attempt < 3 && (errors.Is(err, trust.ErrRollback) || errors.Is(err, trust.ErrForked) || errors.Is(err, ErrStale)) {
			continue
		}
		return epoch, err
	}
}

// refresh publishes what has changed, when the unit key is open.
func (s *Server) refresh(ctx context.Context) error {
	if s.unitKey == nil {
		return nil
	}
	s.signing.Lock()
	defer s.signing.Unlock()
	due, err := s.Pending(ctx)
	if err != nil {
		return err
	}
	if f := s.inForce(); !due && f.charter != nil && !f.charter.ExpiresSoon(s.now()) {
		return nil
	}
	epoch, err := s.signAndPublish(ctx, s.unitKey, SignOptions{})
	if err == nil {
		s.log.Info("charter published", "epoch", epoch)
	}
	return err
}

// Pending reports whether the next charter would say something else than the one
// in force: it awaits a signature.
func (s *Server) Pending(ctx context.Context) (bool, error) {
	d, err := s.NextCharter(ctx)
	if err != nil {
		return false, err
	}
	c := s.inForce().charter
	if c == nil {
		return true, nil
	}
	want, err := d.charter()
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrCharter, err)
	}
	same := want.Unit == c.Unit && want.Policy == c.Policy && slices.Equal(want.Servers, c.Servers) &&
		slices.Equal(want.Sources, c.Sources) && slices.Equal(want.Zones, c.Zones) &&
		slices.EqualFunc(s.alive(want), s.alive(c), func(a, b trust.Technician) bool {
			return a.State == b.State && a.Until == b.Until && len(a.Envelope) > 0 && bytes.Equal(a.Envelope, b.Envelope)
		})
	return !same, nil
}

// alive leaves out revoked certificates that ran out: whether they stand in a
// charter makes no difference.
func (s *Server) alive(c *trust.Charter) []trust.Technician {
	cards := c.Cards()
	var out []trust.Technician
	for i, t := range c.Technicians {
		if t.State == trust.StateRevoked && i < len(cards) && cards[i].NotAfter <= s.now().Unix() {
			continue
		}
		out = append(out, t)
	}
	return out
}
