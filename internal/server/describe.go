// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"time"

	"assist/internal/trust"
	"assist/internal/wire"
)

// Standing is where the charter stands, for people.
type Standing struct {
	Text        []byte         // as it was signed; empty when there is none
	Charter     *trust.Charter // nil when there is none to be believed
	Err         error          // why
	Pending     bool           // something awaits a signature
	KeyHere     bool           // the unit key lies on this server
	ExpiresSoon bool
	Expired     bool
}

// Standing reads where the charter stands.
func (s *Server) Standing(ctx context.Context) (Standing, error) {
	f, now := s.inForce(), s.now()
	pending, err := s.Pending(ctx)
	if err != nil {
		return Standing{}, err
	}
	_, keyErr := os.Stat(s.path(fileUnitKey))
	st := Standing{Text: f.text, Charter: f.charter, Err: f.err, Pending: pending, KeyHere: keyErr == nil}
	if f.charter != nil {
		st.Expired, st.ExpiresSoon = f.current(now) == nil, f.charter.ExpiresSoon(now)
	}
	return st, nil
}

// CharterText is the signed text of an epoch, the newest for 0.
func (s *Server) CharterText(ctx context.Context, epoch uint64) ([]byte, error) {
	text := s.inForce().text
	if epoch != 0 {
		var err error
		if text, err = s.store.charterAt(ctx, epoch); err != nil {
			return nil, err
		}
	}
	if len(text) == 0 {
		return nil, fmt.Errorf("%w: there is none of this epoch; without --epoch the newest one is shown", ErrCharter)
	}
	return text, nil
}

// Describe writes a charter as lines that a person can read, one fact each, so
// that two charters can be compared line by line. Dates of the charter itself are
// left out: they differ each time.
func Describe(c *trust.Charter) []string {
	p := c.Policy
	out := []string{
		"unit " + c.Unit,
		fmt.Sprintf("rights at most: %s", trust.FormatRights(p.Rights)),
		fmt.Sprintf("input freezes after %d minutes without the person; the person is asked again after %d", p.IdleMinutes, p.LeaseMinutes),
		fmt.Sprintf("relay: %s; certificates live %d days at most", p.Relay, p.CertificateDays),
	}
	for _, s := range c.Servers {
		line := "server " + s.Address + ", key " + short(s.Pin)
		if s.Next != [32]byte{} {
			line += ", next key " + short(s.Next)
		}
		out = append(out, line)
	}
	if len(c.Sources) == 0 {
		out = append(out, "no source address: nobody may help from anywhere")
	}
	for _, source := range sourcesOf(c) {
		out = append(out, "technicians may help from "+source)
	}
	for _, z := range c.Zones {
		out = append(out, "machine "+trust.FormatMachineID(z.Machine)+" is in zone "+z.Zone)
	}
	cards := c.Cards()
	for i, t := range c.Technicians {
		if i < len(cards) {
			out = append(out, describeCard(t, cards[i]))
		}
	}
	return out
}

func describeCard(t trust.Technician, card *wire.Certificate) string {
	state := string(t.State)
	if t.State == trust.StateExternal {
		state = "external, let in until " + moment(t.Until)
		if t.Until == 0 {
			state = "external, not let in"
		}
	}
	zones := ""
	if len(card.Zones) > 0 {
		zones = ", zones " + strings.Join(card.Zones, " and ")
	}
	photo := ""
	if card.Photo != [32]byte{} {
		photo = ", photo " + short(card.Photo)
	}
	return fmt.Sprintf("technician %s, %s%s: %s; certificate until %s, device %s%s",
		card.Name, card.Role, zones, state, moment(card.NotAfter), short(trust.PinOf(card.DeviceKey)), photo)
}

// Changes are the lines that one charter has and the other has not, with + and -.
// Nil stands for no charter.
func Changes(from, to *trust.Charter) []string {
	old := map[string]bool{}
	var out, before []string
	if from != nil {
		before = Describe(from)
	}
	for _, line := range before {
		old[line] = true
	}
	kept := map[string]bool{}
	var added []string
	for _, line := range Describe(to) {
		if kept[line] = true; !old[line] {
			added = append(added, "+ "+line)
		}
	}
	for _, line := range before {
		if !kept[line] {
			out = append(out, "- "+line)
		}
	}
	return append(out, added...)
}

// Fingerprint is by what people compare a unit key: half of its SHA-256.
func Fingerprint(key trust.UnitPublic) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:len(sum)/2])
}

// short is enough of a hash to compare by eye.
func short(sum [32]byte) string { return hex.EncodeToString(sum[:8]) }

func moment(t int64) string { return time.Unix(t, 0).UTC().Format("2006-01-02 15:04 UTC") }
