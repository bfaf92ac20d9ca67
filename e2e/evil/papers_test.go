// SPDX-License-Identifier: Apache-2.0

package evil

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"assist/internal/rendezvous"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/wire"
)

// Where a server publishes, and what the apps log when they do not take it.
const (
	charterPath   = "/v1/charter"
	rotationsPath = "/v1/rotations"

	notBelieved = "the server's charter is not believed"
	notFetched  = "no charter from the server"
)

// page is what a server makes of what it publishes.
type page func(path string, body []byte) []byte

// stack is what the liar can publish besides the truth.
type stack struct {
	f       *forger
	truth   []byte // what the unit published
	epoch   uint64
	revised []byte // the next one: the technician may help no more
	softer  []byte // another of that epoch: she may
}

// newStack has the unit sign what a test needs.
func newStack(t *testing.T, b *bench) *stack {
	t.Helper()
	s := &stack{f: newForger(b)}
	var err error
	s.truth, err = b.honest.CharterText(t.Context(), 0)
	must(t, err)
	c, err := trust.OpenCharter(s.truth, b.ground.unit.Public())
	must(t, err)
	s.epoch = c.Epoch
	c.Epoch++
	s.softer, err = b.ground.unit.SignCharter(*c)
	must(t, err)
	c.Technicians = slices.Clone(c.Technicians)
	for i := range c.Technicians {
		c.Technicians[i].State = trust.StateRevoked
	}
	s.revised, err = b.ground.unit.SignCharter(*c)
	must(t, err)
	return s
}

// instead puts something in the charter's place.
func instead(with []byte) page {
	return func(path string, body []byte) []byte {
		if path == charterPath {
			return with
		}
		return body
	}
}

// chained puts rotations before a charter, each after its length.
func chained(charter []byte, rotations ...[]byte) page {
	var chain []byte
	for _, r := range rotations {
		chain = append(binary.BigEndian.AppendUint32(chain, uint32(len(r))), r...)
	}
	return func(path string, body []byte) []byte {
		switch {
		case path == rotationsPath:
			return chain
		case path == charterPath && charter != nil:
			return charter
		}
		return body
	}
}

// paper is one lie about what the unit has signed.
type paper struct {
	name   string
	page   page
	knows  bool   // the apps have seen the revised charter before
	claims uint64 // the epoch that the server says it has; 0 is the truth
	why    error  // what both apps say of it; nil: that there is nothing to be had
	bars   error  // what then keeps the technician from being heard
}

// flips are bit-flips at places spread over a document.
func flips(name string, doc []byte, n int, of func([]byte) page, why error) []paper {
	var all []paper
	for i := range n {
		at := i * (len(doc) - 1) / (n - 1)
		all = append(all, paper{name: fmt.Sprintf("%s, byte %d of %d flipped", name, at, len(doc)),
			page: of(flipped(doc, at, 1<<(i%8))), why: why, bars: trust.ErrNoCharter})
	}
	return all
}

// papers are the lies.
func (s *stack) papers(t *testing.T) []paper {
	t.Helper()
	unit, own := s.f.b.ground.unit, s.f.unit
	late := s.changed(t, unit, func(c *trust.Charter) {
		c.Issued, c.Expires = time.Now().Add(-48*time.Hour).Unix(), time.Now().Add(-time.Hour).Unix()
	})
	foreign := s.changed(t, own, func(c *trust.Charter) {
		k := *s.f.b.ground.people[0].device
		c.Technicians = []trust.Technician{{State: trust.StateActive, Envelope: s.f.card(own, &k, time.Hour)}}
	})
	handover := func(by *trust.UnitKey, epoch uint64) []byte {
		r, err := by.SignRotation(trust.Rotation{Epoch: epoch, Issued: time.Now().Unix(), To: own.Public()})
		must(t, err)
		return r
	}
	good := handover(unit, s.epoch+1)
	third, err := trust.NewUnitKey()
	must(t, err)
	none := trust.ErrNoCharter
	list := []paper{
		{name: "cut in half", page: instead(s.truth[:len(s.truth)/2]), why: trust.ErrCharter, bars: none},
		{name: "its last byte cut", page: instead(s.truth[:len(s.truth)-1]), why: trust.ErrCharter, bars: none},
		{name: "a line more", page: instead(append(bytes.Clone(s.truth), '\n')), why: trust.ErrCharter, bars: none},
		{name: "nothing in it", page: instead([]byte{}), why: trust.ErrCharter, bars: none},
		{name: "as large as may be and more", page: instead(append(bytes.Clone(s.truth), make([]byte, trust.MaxCharter)...)), bars: none},
		{name: "not to be had", page: instead(nil), bars: none},
		{name: "its own unit's", page: instead(foreign), why: trust.ErrSignature, bars: none},
		{name: "one that ran out", page: instead(late), why: trust.ErrExpired, bars: none},
		{name: "its own unit's, after a hand-over by a key that is not the unit's", page: chained(foreign, handover(third, s.epoch+1)), why: trust.ErrRotation, bars: none},
		{name: "a hand-over cut in half", page: chained(nil, good[:len(good)/2]), why: trust.ErrRotation, bars: none},
		{name: "hand-overs without end", page: chained(nil, slices.Repeat([][]byte{good}, 17)...), bars: none},

		{name: "the one before", knows: true, page: instead(s.truth), claims: s.epoch + 2, why: trust.ErrRollback, bars: trust.ErrRevoked},
		{name: "the one before, and says so", knows: true, claims: s.epoch, why: trust.ErrRollback, bars: trust.ErrRevoked},
		{name: "another of the same epoch", knows: true, page: instead(s.softer), claims: s.epoch + 1, why: trust.ErrForked, bars: trust.ErrRevoked},
		{name: "a hand-over from before", knows: true, page: chained(foreign, good), claims: s.epoch + 2, why: trust.ErrRollback, bars: trust.ErrRevoked},
	}
	list = append(list, flips("the charter", s.truth, 12, instead, trust.ErrCharter)...)
	return append(list, flips("a hand-over", good, 6, func(r []byte) page { return chained(nil, r) }, trust.ErrRotation)...)
}

// changed is the charter in another form, signed by a key.
func (s *stack) changed(t *testing.T, by *trust.UnitKey, change func(*trust.Charter)) []byte {
	t.Helper()
	c, err := trust.OpenCharter(s.truth, s.f.b.ground.unit.Public())
	must(t, err)
	change(c)
	signed, err := by.SignCharter(*c)
	must(t, err)
	return signed
}

// publishes is a server that says which epoch it has, and publishes a page.
func (b *bench) publishes(epoch uint64, p page) {
	b.liar.tell(func(p passing) [][]byte {
		if n, ok := p.message().(*wire.CharterNotice); ok && !p.up && epoch != 0 {
			n.Epoch = epoch
			if raw, err := wire.Marshal(n); err == nil {
				return [][]byte{raw}
			}
		}
		return [][]byte{p.raw}
	}, p)
}

// fixed is what a patched app of a technician believes: whatever lets them ask.
type fixed struct{ charter *trust.Charter }

// Now is that charter.
func (f fixed) Now() (*trust.Charter, error) { return f.charter, nil }

// Changed never happens.
func (f fixed) Changed() <-chan struct{} { return nil }

// TestServerLiesAboutTheCharter: whatever the server publishes in the place of what the unit
// signed, or of what the apps have seen of it, nobody is asked whom the truth bars, not even
// by a technician's app that asks all the same, and both apps say what they do not believe.
func TestServerLiesAboutTheCharter(t *testing.T) {
	t.Parallel()
	b := newBench(t, newNonces(t))
	s := newStack(t, b)
	charter, err := trust.OpenCharter(s.truth, b.ground.unit.Public())
	must(t, err)
	b.believed = fixed{charter}
	if came, err := b.intervention(true); err != nil || came != right {
		t.Fatalf("the truth: %v, %v, %v", came, err, b.hindrance)
	}
	for _, p := range s.papers(t) {
		b.folders = [2]string{t.TempDir(), t.TempDir()}
		if p.knows {
			b.publishes(s.epoch+1, instead(s.revised))
			b.reads(t, func(c *rendezvous.Charters) bool { now, err := c.Now(); return err == nil && now.Epoch == s.epoch+1 })
		}
		b.publishes(p.claims, p.page)
		e := b.reads(t, func(c *rendezvous.Charters) bool { return p.why == nil || errors.Is(c.Problem(), p.why) })
		if err := e.barred(p); err != nil {
			t.Errorf("%s: %v\n%s", p.name, err, e.log)
		}
	}
}

// reads brings both ends to the server, and waits until the charters of both are as they
// must be.
func (b *bench) reads(t *testing.T, is func(*rendezvous.Charters) bool) *ends {
	t.Helper()
	forgive(t, b.db)
	e := b.meet(0)
	if !until(patience, func() bool { return e.line.State().Phase == rendezvous.Ready }) {
		t.Fatalf("host not registered: %v", e.line.State().Err)
	}
	must(t, e.account.Login(t.Context(), e.who.login, password))
	for _, c := range e.charters {
		if !until(patience, func() bool { return is(c) }) {
			t.Errorf("an app says of the charter: %v\n%s", c.Problem(), e.log)
		}
	}
	return e
}

// barred has the technician ask all the same.
func (e *ends) barred(p paper) error {
	said := notBelieved
	if p.why == nil {
		said = notFetched
	}
	if !until(patience, func() bool { return strings.Count(e.log.String(), said) >= len(e.charters) }) {
		return fmt.Errorf("%w: not both say so in their logs", errWrong)
	}
	config := e.technicianConfig()
	config.Charters = e.charters[1]
	if _, err := session.NewTechnician(config, session.Wish{Machine: e.host.number, Reason: "Imprimante", TOTP: "000000", Rights: wanted}); !errors.Is(err, p.bars) {
		return fmt.Errorf("%w: the technician's own app says %w", errWrong, err)
	}
	var words [3]string
	var err error
	before := e.b.asked
	tech, reason := e.asks(func(tech *session.Technician) { words, err = e.follow(tech) })
	tech.End()
	<-tech.Done()
	e.clear()
	if err != nil {
		return err
	}
	came, err := e.judge(tech.State(), words, reason, 0)
	made := e.b.asked - before // each is turned down, those too of which the server said that they did not come
	if h := e.app.State(); came != refused || !errors.Is(h.RefusedWhy, p.bars) || h.RefusedToday < 1 || h.RefusedToday > made {
		return errors.Join(err, fmt.Errorf("%w: %v, %d turned down, because %w", errWrong, came, h.RefusedToday, h.RefusedWhy))
	}
	return err
}
