// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/pelletier/go-toml/v2"

	"assist/internal/trust"
	"assist/internal/wire"
)

// Draft is a charter that nobody signed yet: what the server knows and the unit
// key needs. As a file it goes to the machine where the unit key is kept, which
// may know nothing else; a person can read it there.
type Draft struct {
	Unit        string            `toml:"unit"`
	UnitKey     string            `toml:"unit_key"` // that must sign: base64
	Epoch       uint64            `toml:"epoch"`    // the lowest that the signer may take
	Policy      DraftPolicy       `toml:"policy"`
	Sources     []string          `toml:"sources"`
	Servers     []DraftServer     `toml:"server"`
	Zones       []DraftZone       `toml:"zone"`
	Technicians []DraftTechnician `toml:"technician"`
}

// DraftPolicy is trust.Policy as it stands in a draft.
type DraftPolicy struct {
	Rights          string `toml:"rights"` // as in a charter: "view point control"
	IdleMinutes     int    `toml:"idle_minutes"`
	LeaseMinutes    int    `toml:"lease_minutes"`
	Relay           string `toml:"relay"`
	CertificateDays int    `toml:"certificate_days"`
}

// DraftServer is an address with the pin of its key, and of the next one or nothing.
type DraftServer struct {
	Address string `toml:"address"`
	Pin     string `toml:"pin"`
	Next    string `toml:"next"`
}

// DraftZone is a machine and a zone that it is in. The machine's key is there for a
// change of unit key, which changes the number; it is empty for one that never
// connected.
type DraftZone struct {
	Machine string `toml:"machine"`
	Zone    string `toml:"zone"`
	HostKey string `toml:"host_key"` // base64
}

// DraftTechnician is somebody to list. Without a certificate the signer makes one
// of what stands here; with one, that certificate says who it is.
type DraftTechnician struct {
	Login       string    `toml:"login"`
	Name        string    `toml:"name"`
	Role        string    `toml:"role"`
	Zones       []string  `toml:"zones"`
	State       string    `toml:"state"` // active, external-until, revoked
	Until       time.Time `toml:"until"` // of external-until
	DeviceKey   string    `toml:"device_key"`
	Photo       string    `toml:"photo,omitempty"` // SHA-256, hex; left out without one, as for signers that know none
	Certificate string    `toml:"certificate"`     // base64, or empty to be made
}

// maxDraft bounds the file, in bytes: a charter's limit and its words. It is read on the machine
// with the unit key, and came from one that is less trusted.
const maxDraft = 2 * trust.MaxCharter

// DraftHead begins the file of each draft, so that nobody takes it for a charter.
const DraftHead = "# Draft of a charter."

// WriteDraft leaves the draft of the next charter in a new file. Its epoch is above another one,
// 0 for none, too: a restored server does not know which ones the apps have seen. It is never
// lower than what the server does know.
func (s *Server) WriteDraft(ctx context.Context, path string, above uint64) error {
	if above >= trust.MaxEpoch {
		return fmt.Errorf("%w: no epoch is above %d: the last one is %d", ErrCharter, above, uint64(trust.MaxEpoch))
	}
	d, err := s.NextCharter(ctx)
	if err != nil {
		return err
	}
	d.Epoch = max(d.Epoch, above+1)
	b, err := toml.Marshal(d)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCharter, err)
	}
	head := DraftHead + " Nothing in it counts before the unit key has signed it:\n" +
		"#   assist-server charter sign --key unit.key --draft THIS --out FILE\n"
	return writeOpen(path, append([]byte(head), b...))
}

// ReadDraft reads a file that WriteDraft left.
func ReadDraft(path string) (*Draft, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxDraft {
		err = fmt.Errorf("longer than %d bytes", maxDraft)
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCharter, path, err)
	}
	d := toml.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var out Draft
	if err := d.Decode(&out); err != nil {
		return nil, fmt.Errorf("%w: %s is not a draft: %w", ErrCharter, path, err)
	}
	return &out, nil
}

// NextCharter is what the next charter would say.
func (s *Server) NextCharter(ctx context.Context) (*Draft, error) {
	var w *wish
	var people []*account
	err := s.store.read(ctx, func(t *transaction) error {
		var err error
		if w, err = t.readWish(); err != nil {
			return err
		}
		people, err = accounts(t, t.Tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	at, err := s.draftServer()
	if err != nil {
		return nil, err
	}
	p := w.policy
	d := &Draft{
		Unit: s.cfg.Unit.Name, UnitKey: base64.StdEncoding.EncodeToString(s.unit), Epoch: w.epoch + 1,
		Policy:  DraftPolicy{trust.FormatRights(p.Rights), p.IdleMinutes, p.LeaseMinutes, string(p.Relay), min(p.CertificateDays, s.cfg.Accounts.CertificateDays)},
		Servers: []DraftServer{at},
	}
	for _, source := range w.sources {
		d.Sources = append(d.Sources, source.String())
	}
	d.Zones = draftZones(w.zones)
	d.list(people, s)
	d.revoke(w.revoked, s.now())
	return d, nil
}

// list adds those who enrolled. A certificate is kept while it says what it should.
func (d *Draft) list(people []*account, s *Server) {
	f := s.inForce()
	for _, a := range people {
		if a.state != dbEnrolled || len(a.deviceKey) == 0 {
			continue
		}
		t := DraftTechnician{Login: a.Login, Name: a.Name, Role: a.Role, Zones: a.Zones, State: string(trust.StateActive),
			DeviceKey: base64.StdEncoding.EncodeToString(a.deviceKey), Photo: a.photo}
		if a.External {
			t.State, t.Until = string(trust.StateExternal), time.Unix(a.openUntil, 0).UTC()
		}
		if env := f.reusable(a, s.cfg.Unit.Name, d.Policy.CertificateDays, s.now()); env != nil {
			t.Certificate = base64.StdEncoding.EncodeToString(env)
		}
		d.Technicians = append(d.Technicians, t)
	}
}

// reusable is an account's certificate in the charter in force, if it need not be
// made anew.
func (f *force) reusable(a *account, unit string, days int, now time.Time) []byte {
	if f.charter == nil {
		return nil
	}
	listed, card := f.charter.Listed(a.deviceKey)
	life := time.Duration(days) * 24 * time.Hour
	switch {
	case listed == nil || card.Name != a.Name || card.Role != a.Role || card.Unit != unit || !slices.Equal(card.Zones, a.Zones),
		formatPin(card.Photo) != a.photo:
		return nil
	case card.NotAfter-card.NotBefore > int64((life + cardSlack).Seconds()):
		return nil // the policy became stricter
	case time.Unix(card.NotAfter, 0).Sub(now) <= min(renewBefore, life/2):
		return nil
	}
	return listed.Envelope
}

// revoke adds certificates that would still be valid, of devices that nobody uses.
func (d *Draft) revoke(list []revocation, now time.Time) {
	used := map[string]bool{}
	for _, t := range d.Technicians {
		used[t.DeviceKey] = true
	}
	for _, r := range list {
		key := base64.StdEncoding.EncodeToString(r.deviceKey)
		if r.until > now.Unix() && len(r.certificate) > 0 && !used[key] {
			d.Technicians = append(d.Technicians, DraftTechnician{Login: r.login, State: string(trust.StateRevoked),
				DeviceKey: key, Certificate: base64.StdEncoding.EncodeToString(r.certificate)})
		}
	}
}

// Sign makes the charter of a draft: certificates first, then the whole. The
// epoch is the draft's, or one above what this signer has signed before.
func (d *Draft) Sign(key *trust.UnitKey, o SignOptions) ([]byte, error) {
	if base64.StdEncoding.EncodeToString(key.Public()) != d.UnitKey {
		return nil, fmt.Errorf("%w: the draft is for another unit key than this one", ErrUnitKey)
	}
	c, err := d.charter()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCharter, err)
	}
	c.Epoch = max(c.Epoch, o.After+1)
	c.Issued, c.Expires = o.Now.Unix(), o.Now.Add(o.life()).Unix()
	for i, t := range d.Technicians {
		if t.Certificate != "" {
			continue
		}
		if c.Technicians[i].Envelope, err = d.certify(key, t, o.Now); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrCharter, t.Login, err)
		}
	}
	b, err := key.SignCharter(*c)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCharter, err)
	}
	return b, nil
}

// SignOptions are what the signer decides.
type SignOptions struct {
	Now   time.Time
	Days  int    // that the charter is good for; 0 for the usual
	After uint64 // the highest epoch that clients may have seen
}

// charterDays is how long a charter is good for unless the signer says otherwise:
// as long as the certificates in it, so that both are renewed in one go.
const charterDays = 90

// life is checked where the charter is signed: trust.MaxCharterLife is the most.
func (o SignOptions) life() time.Duration {
	if o.Days == 0 {
		o.Days = charterDays
	}
	return time.Duration(o.Days) * 24 * time.Hour
}

// certify makes a certificate of what the draft says. The unit key is here.
func (d *Draft) certify(key *trust.UnitKey, t DraftTechnician, now time.Time) ([]byte, error) {
	device, err := base64.StdEncoding.DecodeString(t.DeviceKey)
	if err != nil {
		return nil, fmt.Errorf("its device key: %w", err)
	}
	photo, err := readPin(t.Photo)
	if err != nil {
		return nil, fmt.Errorf("its photo: %w", err)
	}
	life := time.Duration(min(d.Policy.CertificateDays, trust.MaxCertificateDays)) * 24 * time.Hour
	return key.IssueCertificate(wire.Certificate{
		Serial: [16]byte(randomBytes(16)), Name: t.Name, Role: t.Role, Unit: d.Unit, Zones: t.Zones, DeviceKey: device,
		NotBefore: now.Add(-5 * time.Minute).Unix(), // for clocks that are behind
		NotAfter:  now.Add(life).Unix(),
		Photo:     photo,
	})
}

// charter is the draft as package trust has it, without dates. Technicians who
// await a certificate have none.
func (d *Draft) charter() (*trust.Charter, error) {
	rights, err := trust.ParseRights(d.Policy.Rights)
	if err != nil {
		return nil, err
	}
	c := &trust.Charter{Unit: d.Unit, Epoch: d.Epoch, Policy: trust.Policy{Rights: rights, IdleMinutes: d.Policy.IdleMinutes,
		LeaseMinutes: d.Policy.LeaseMinutes, Relay: trust.Relay(d.Policy.Relay), CertificateDays: d.Policy.CertificateDays}}
	for _, s := range d.Servers {
		one := trust.Server{Address: s.Address}
		if one.Pin, err = readPin(s.Pin); err != nil {
			return nil, err
		}
		if one.Next, err = readPin(s.Next); err != nil {
			return nil, err
		}
		c.Servers = append(c.Servers, one)
	}
	for _, text := range d.Sources {
		p, err := trust.ParseSource(text)
		if err != nil {
			return nil, err
		}
		c.Sources = append(c.Sources, p)
	}
	for _, z := range d.Zones {
		c.Zones = append(c.Zones, trust.MachineZone{Machine: z.Machine, Zone: z.Zone})
	}
	for _, t := range d.Technicians {
		env, err := base64.StdEncoding.DecodeString(t.Certificate)
		if err != nil {
			return nil, fmt.Errorf("certificate of %s: %w", t.Login, err)
		}
		one := trust.Technician{State: trust.TechnicianState(t.State), Envelope: env}
		if one.State == trust.StateExternal {
			one.Until = t.Until.Unix()
		}
		c.Technicians = append(c.Technicians, one)
	}
	return c, nil
}

// readPin reads a SHA-256 of 64 hexadecimal digits, or nothing.
func readPin(s string) (pin [32]byte, err error) {
	if s == "" {
		return pin, nil
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(pin) {
		return pin, fmt.Errorf("a hash has 64 hexadecimal digits, not %q", s)
	}
	return [32]byte(b), nil
}

// formatPin is what readPin reads.
func formatPin(pin [32]byte) string {
	if pin == [32]byte{} {
		return ""
	}
	return hex.EncodeToString(pin[:])
}

// parseSources reads prefixes, or addresses that stand for themselves.
func parseSources(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range list {
		if a, err := netip.ParseAddr(text); err == nil {
			text = netip.PrefixFrom(a, a.BitLen()).String()
		}
		p, err := trust.ParseSource(text)
		if err != nil {
			return nil, fmt.Errorf("%w: %q: %w", ErrSetting, text, err)
		}
		out = append(out, p)
	}
	return out, nil
}
