// SPDX-License-Identifier: Apache-2.0

package session

import (
	"errors"
	"image"
	"time"

	"assist/internal/consent"
	"assist/internal/photo"
	"assist/internal/trust"
	"assist/internal/wire"
)

// reviewEvery is how often an intervention is held against the charter when nothing
// new came: certificates and opening hours run out by the clock.
const reviewEvery = 4 * time.Second

// ErrBeyond says that the unit's charter does not let these rights be asked for here.
var ErrBeyond = errors.New("session: rights beyond the charter")

// admission is what the charter in force lets the technician do here, or why not. The
// device key is that of the request: the card comes from the charter, never from it.
func (s *intervention) admission(deviceKey []byte) (*trust.Admission, error) {
	cfg := &s.host.cfg
	charter, err := cfg.Charters.Now()
	if err != nil {
		return nil, err
	}
	a, err := charter.Placing(cfg.ID, cfg.Zone).Admit(deviceKey, cfg.ID, time.Now())
	if err != nil {
		return nil, err
	}
	return a, charter.CheckSource(s.call.Ring().Address)
}

// admits is asked of a request that is proved, before its nonce is remembered. A photo
// that is not the one which the certificate names is a lie of whoever brought it.
func (s *intervention) admits(r *wire.Request, card *wire.Certificate) error {
	a, err := s.admission(card.DeviceKey)
	if err == nil {
		err = trust.CheckPhoto(card, s.call.Ring().Photo)
	}
	switch {
	case err == nil:
		s.admitted = a
	case r.Session == s.call.Ring().Session && !s.host.cfg.Nonces.Knows(r.Nonce): // nobody repeats what was let in before
		s.barred = s.listed(card.DeviceKey)
	}
	return err
}

// listed is the name on the charter's card of a device key; empty without one.
func (s *intervention) listed(deviceKey []byte) string {
	charter, err := s.host.cfg.Charters.Now()
	if err != nil {
		return ""
	}
	if _, card := charter.Listed(deviceKey); card != nil {
		return card.Name
	}
	return ""
}

// portrait is the photo that came with a request which was admitted, nil without one. It
// is that of the card which is shown, or none: the request may bring an older card's. One
// that the unit signed and nobody can read is the unit's fault, and keeps nobody from help.
func (s *intervention) portrait() image.Image {
	b := s.call.Ring().Photo
	if len(b) == 0 || trust.CheckPhoto(s.admitted.Card, b) != nil {
		return nil
	}
	m, err := photo.Open(b)
	if err != nil {
		s.host.cfg.Log.Warn("a photo that the unit signed cannot be read", "error", err)
		return nil
	}
	return m
}

// obey holds the intervention against each new charter, and against the clock, until
// it ends.
func (s *intervention) obey() {
	tick := time.NewTicker(reviewEvery)
	defer tick.Stop()
	for {
		changed := s.host.cfg.Charters.Changed() // before the review, so that none is missed
		s.review()
		select {
		case <-s.ctx.Done():
			return
		case <-changed:
		case <-tick.C:
		}
	}
}

// review ends what the charter no longer allows: all of it, or some rights.
func (s *intervention) review() {
	a, err := s.admission(s.request.Certificate.DeviceKey)
	if err != nil {
		s.host.cfg.Log.Warn("the charter no longer allows this", "error", err)
		s.cut(wire.EndRevoked)
		return
	}
	l := s.leased()
	if l == nil {
		return
	}
	if taken := l.Limit(consent.Rights(a.Rights)); taken != 0 && l.Cause() == nil {
		s.note(Deed{Act: ActLimited, Rights: taken})
	}
}

// admits says why a request need not be made: the host would refuse it.
func (c TechnicianConfig) admits(w Wish) error {
	charter, err := c.Charters.Now()
	if err != nil {
		return err
	}
	a, err := charter.Admit(c.Key.Public(), w.Machine, time.Now())
	if err != nil {
		return err
	}
	if !consent.Rights(a.Rights).Has(w.Rights) {
		return ErrBeyond
	}
	return nil
}
