// SPDX-License-Identifier: Apache-2.0

package consent_test

import (
	"errors"
	"time"

	"assist/internal/consent"
)

// model is what a gate and its lease must be, said as plainly as can be: no locks, no
// goroutines, a clock that is a number. Times count from the birth of the lease.
type model struct {
	ceiling consent.Rights
	grant   time.Duration // how long the next lease lasts
	asked   int           // questions that the person was put
	lit     int           // times that the banner was lit
	covered bool          // something hides the banner
	shut    time.Duration // of the walk: until when the gate has an asker that is late

	born, alive       bool
	causes            []error                // why it ended; two when both came in the same instant
	rights, most      consent.Rights         // held, and allowed by policy
	generation        map[consent.Rights]int // rises when a right is taken back
	user              bool                   // paused by the person
	now, walked       time.Duration
	lasts             time.Duration  // between two grants
	seen, renew, life time.Duration  // when the banner was last seen, when to ask again, when to end
	lateUntil         time.Duration  // of a late asker about this lease; input is held back
	mood              mood           // how the person takes a renewal
	renewing          *mood          // of the open one
	wanted            consent.Rights // of the open one
	unsure            bool           // whether the person was asked once more in the instant of an end
}

// tick is how often the banner says that it is seen. Steps of the walk stand between
// two ticks, so that nothing ever happens in the same instant as a step.
const tick = 100 * time.Millisecond

// mood is how the person takes the next question.
type mood struct {
	grant consent.Rights
	err   error
	after time.Duration // how long they think
	deaf  bool          // the dialog stays after its time
}

// answers is what a question comes to, and when.
func (p mood) answers(wanted consent.Rights) (consent.Rights, time.Duration, error) {
	if p.after >= consent.AnswerTime {
		return 0, consent.AnswerTime, consent.ErrNoAnswer
	}
	return p.grant & wanted, p.after, p.err
}

// late is how long the asker stays after the answer no longer counts.
func (p mood) late() time.Duration {
	if p.deaf && p.after > consent.AnswerTime {
		return p.after - consent.AnswerTime
	}
	return 0
}

// ask is Gate.Ask.
func (m *model) ask(wanted consent.Rights, p mood) error {
	wanted &= m.ceiling
	switch {
	case !wanted.Has(consent.RightView):
		return consent.ErrNotGranted
	case m.alive, m.walked < m.shut:
		return consent.ErrBusy
	}
	m.asked++
	granted, took, err := p.answers(wanted)
	m.pass(took)
	switch {
	case err != nil:
		m.shut = m.walked + p.late()
		return err
	case !granted.Has(consent.RightView):
		return consent.ErrRefused
	}
	m.lit++
	*m = model{
		ceiling: m.ceiling, asked: m.asked, lit: m.lit, covered: m.covered, walked: m.walked, shut: m.shut, grant: m.grant, mood: m.mood, unsure: m.unsure,
		born: true, alive: true, rights: granted, most: m.ceiling, generation: map[consent.Rights]int{},
		lasts: min(m.grant, consent.LeaseLife),
	}
	m.granted(0)
	return nil
}

// granted starts another life.
func (m *model) granted(at time.Duration) {
	m.life, m.renew = at+m.lasts, at+max(m.lasts-consent.RenewBefore, m.lasts/2)
}

// limit is Lease.Limit.
func (m *model) limit(most consent.Rights) {
	if m.born {
		m.most &= most
		m.take(m.rights &^ m.most)
	}
}

// widen is Lease.Widen.
func (m *model) widen(want consent.Rights, p mood) (consent.Rights, error) {
	more := want & m.most &^ m.held()
	switch {
	case more == 0 && m.held().Has(want):
		return m.held(), nil
	case more == 0:
		return m.held(), consent.ErrNotGranted
	case !m.alive:
		return 0, consent.ErrRevoked
	case m.asking():
		return m.held(), consent.ErrBusy
	}
	m.asked++
	granted, took, err := p.answers(more)
	m.lateUntil = m.now + took
	m.pass(took)
	if !m.alive {
		return 0, consent.ErrRevoked
	}
	if err != nil {
		m.lateUntil = m.now + p.late()
		return m.held(), err
	}
	m.rights |= granted
	if granted == 0 {
		return m.held(), consent.ErrRefused
	}
	return m.held(), nil
}

func (m *model) held() consent.Rights {
	if !m.alive {
		return 0
	}
	return m.rights
}

// asking reports whether a question about the lease is open.
func (m *model) asking() bool { return m.renewing != nil || m.now < m.lateUntil }

func (m *model) frozen() bool { return m.now-m.seen >= consent.FreezeAfter }

// take takes rights back.
func (m *model) take(r consent.Rights) {
	if !m.alive {
		return
	}
	if r.Has(consent.RightView) {
		m.end(consent.ErrRevoked)
		return
	}
	for _, one := range []consent.Rights{consent.RightPoint, consent.RightControl} {
		if r&m.rights&one != 0 {
			m.generation[one]++
		}
	}
	m.rights &^= r
}

func (m *model) end(cause error) {
	if m.alive {
		m.alive, m.causes = false, []error{cause}
	}
}

// pass lets time go by, tick by tick.
func (m *model) pass(d time.Duration) {
	for ; d > 0; d -= tick {
		m.walked += tick
		m.now += tick
		if m.alive {
			m.minute()
		}
	}
}

// minute is what the clock does at the tick that has just gone by.
func (m *model) minute() {
	at := m.now.Truncate(tick)
	if !m.covered {
		m.seen = at
	}
	lost, opens := at-m.seen >= consent.LoseAfter, m.renewing == nil && at == m.renew
	m.renewal(at)
	over := at >= m.life
	switch {
	case lost && !m.alive: // both in one instant: either may have come first
		m.causes = append(m.causes, consent.ErrLampLost)
	case lost && over:
		m.alive, m.causes = false, []error{consent.ErrLampLost, consent.ErrExpired}
	case lost:
		m.end(consent.ErrLampLost)
	case over:
		m.end(consent.ErrExpired)
	}
	m.unsure = m.unsure || (lost && opens)
}

// renewal asks the person again, and does what they say.
func (m *model) renewal(at time.Duration) {
	if m.renewing == nil && at == m.renew {
		if at < m.lateUntil { // another question is open: ask after it
			m.renew += time.Second
			return
		}
		p := m.mood
		m.asked++
		m.renewing, m.wanted = &p, m.rights
	}
	if m.renewing == nil {
		return
	}
	granted, took, err := m.renewing.answers(m.wanted)
	if at < m.renew+took {
		return
	}
	m.renewing = nil
	switch {
	case err == nil:
		m.take(m.wanted &^ granted)
		m.granted(at)
	case !errors.Is(err, consent.ErrNoAnswer): // else life runs out by itself
		m.end(err)
	}
}

// allows says what Do must return under a right of some generation.
func (m *model) allows(right consent.Rights, generation int) error {
	switch {
	case !m.alive, !m.rights.Has(right), m.generation[right] != generation:
		return consent.ErrRevoked
	case m.user, m.frozen(), right == consent.RightControl && m.asking():
		return consent.ErrPaused
	}
	return nil
}

// causedBy reports whether err is why the lease ended.
func (m *model) causedBy(err error) bool {
	if m.alive || !m.born {
		return err == nil
	}
	for _, c := range m.causes {
		if errors.Is(err, c) {
			return true
		}
	}
	return false
}
