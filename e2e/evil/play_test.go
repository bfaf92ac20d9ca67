// SPDX-License-Identifier: Apache-2.0

package evil

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"assist/internal/consent"
	"assist/internal/rendezvous"
	"assist/internal/screen"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/wire"
)

// outcome is what came of one run.
type outcome uint8

const (
	refused outcome = iota + 1 // nobody was asked, nothing moved
	asked                      // the person was asked, rightly, and nothing moved
	right                      // all went as if nobody had lied
)

func (o outcome) String() string { return [...]string{"nothing", "refused", "asked", "right"}[o] }

// settled is how long nothing may pass, once a lie was told that may leave the ends
// waiting for nothing, before the wait is cut short. It is never what a verdict hangs on:
// what must come is waited for with patience.
const settled = 1500 * time.Millisecond

// errWrong says that something was as it must never be; errSilence that nothing came, which
// was not waited for any longer.
var (
	errWrong   = errors.New("wrong")
	errSilence = errors.New("nothing comes")
)

// intervention plays a whole one, from the greeting if the ends have not met, and says
// what came of it; an error is a promise broken.
func (b *bench) intervention(fresh bool) (outcome, error) {
	b.t.Helper()
	e, err := b.ready(fresh)
	if err != nil {
		b.hindrance = err // how the lie was noticed
		return refused, e.untouched(0)
	}
	e.forget()
	before := e.app.State().RefusedToday
	var words [3]string
	tech, reason := e.asks(func(tech *session.Technician) { words, err = e.follow(tech) })
	tech.End()
	<-tech.Done()
	if b.linger && !until(patience, func() bool { return e.app.State().Phase == session.HostConnecting }) {
		return 0, fmt.Errorf("%w: what was kept back does not come", errWrong)
	}
	e.clear()
	if err != nil {
		return 0, err
	}
	e.end = tech.State()
	return e.judge(e.end, words, reason, e.app.State().RefusedToday-before)
}

// ready brings both ends to the server. The error says that one did not get there.
func (b *bench) ready(fresh bool) (*ends, error) {
	forgive(b.t, b.db)
	e := b.pair
	up := func() bool { return e.line.State().Phase == rendezvous.Ready }
	if fresh || e == nil || !up() || e.account.State().Phase != rendezvous.Ready {
		e = b.meet(b.stand)
		if !b.wait(func() bool { return up() || b.liedTo() && e.line.State().Err != nil }) || !up() {
			return e, fmt.Errorf("host not registered: %w", cmp.Or(e.line.State().Err, errSilence))
		}
		if err := e.signIn(); err != nil {
			return e, fmt.Errorf("technician not let in: %w", err)
		}
		for _, c := range e.charters {
			known := func() bool { _, err := c.Now(); return err == nil }
			if !b.wait(known) {
				return e, fmt.Errorf("no charter in force: %w", errSilence)
			}
		}
	}
	return e, nil
}

// signIn brings the technician to the server.
func (e *ends) signIn() error {
	ctx, cancel := e.b.awaiting()
	defer cancel()
	for {
		err := e.account.Login(ctx, e.who.login, password)
		if ctx.Err() != nil && err != nil {
			return errors.Join(errSilence, err)
		}
		if err == nil || e.b.liedTo() || !errors.Is(err, rendezvous.ErrLost) {
			return err
		}
	}
}

// untouched says whether nothing was asked, seen or done.
func (e *ends) untouched(dialogs int) error {
	dark := e.dark()
	frames, events := e.desktop.touched()
	if n := len(e.questions()); n > dialogs || frames+events > 0 || !dark {
		return fmt.Errorf("%w: %d dialogs, %d frames, %d events, banner dark: %v", errWrong, n, frames, events, dark)
	}
	return e.discreet()
}

// dark waits until there is no banner: it goes last of all.
func (e *ends) dark() bool { return until(patience, func() bool { return !e.lamp.Lit() }) }

// discreet: what is said in a log says nothing of people.
func (e *ends) discreet() error {
	log := e.log.String()
	for _, secret := range []string{password, "Imprimante muette", e.who.name, "mot0", "mot1"} {
		if strings.Contains(log, secret) {
			return fmt.Errorf("%w: the log says %q", errWrong, secret)
		}
	}
	return nil
}

// follow waits until the request is over or its session has shown a picture and done a
// key stroke; it returns the technician's check words. What waits in vain is given up.
func (e *ends) follow(tech *session.Technician) (words [3]string, err error) {
	for {
		select {
		case <-tech.Done():
			return words, nil
		case <-tech.Changed():
		case <-time.After(20 * time.Millisecond):
		}
		s := tech.State()
		words = s.Words
		if s.Phase == session.TechnicianLive {
			return words, e.use(tech)
		}
		if e.b.patient || !e.b.inVain() {
			continue
		}
		if p := e.app.State().Phase; p == session.HostIdle || p == session.HostConnecting {
			e.b.hindrance = errSilence // or on the way to each other
			return words, nil
		}
	}
}

// again is how often a technician asks once more.
const again = 5

// asks makes a request and waits for what comes of it; it is made again when it was not heard.
func (e *ends) asks(comes func(*session.Technician)) (tech *session.Technician, reason string) {
	e.b.t.Helper()
	for n := 0; ; n++ {
		tech, reason = e.request(wanted)
		comes(tech)
		if n == again || !e.unheard(tech) {
			return tech, reason
		}
		e.clear() // it may have come after all, late
		e.forget()
		forgive(e.b.t, e.b.db)
	}
}

// unheard reports that the honest server took the host for away before anybody lied, or for
// busy with the request before: on a busy machine seconds can be too short for it.
func (e *ends) unheard(tech *session.Technician) bool {
	s := tech.State()
	return s.Phase == session.TechnicianEnded && !e.b.liedTo() &&
		(s.Refusal == wire.RefusedOffline || s.Refusal == wire.RefusedBusy)
}

// use sees a picture and strikes a key.
func (e *ends) use(tech *session.Technician) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := tech.Watch([]screen.MonitorID{0, 1}); err != nil {
		return e.lost(tech, err)
	}
	if _, err := tech.Picture(ctx, 0); err != nil {
		return e.lost(tech, err)
	}
	if s := tech.State(); s.Rights != granted {
		return fmt.Errorf("%w: rights %v at the technician", errWrong, s.Rights)
	}
	for _, down := range []bool{true, false} {
		if err := tech.Input(&wire.Key{Usage: 4, Down: down}); err != nil {
			return e.lost(tech, err)
		}
	}
	if tech.Point(wire.Point{X: 1, Y: 1, Visible: true}) == nil {
		return fmt.Errorf("%w: a pointer that was not granted", errWrong)
	}
	if !until(patience, func() bool { _, n := e.desktop.touched(); return n >= 2 }) {
		return e.lost(tech, errors.New("no key arrives"))
	}
	if h := e.app.State(); h.Rights != granted {
		return fmt.Errorf("%w: rights %v at the host", errWrong, h.Rights)
	}
	return nil
}

// lost says that a session which stood did not do what it is for. A server that ends
// it may; nothing else may.
func (e *ends) lost(tech *session.Technician, err error) error {
	if tech.State().Phase == session.TechnicianEnded {
		return nil
	}
	return fmt.Errorf("%w: a session that does not work: %w", errWrong, err)
}

// clear waits until nothing of a request is left at the host. One of which a lie has kept
// from it that the technician has gone is cut short by the person.
func (e *ends) clear() {
	free := func() bool { return e.app.State().Phase == session.HostIdle }
	alone := func() bool { return e.b.inVain() && e.app.State().Phase < session.HostLive }
	if until(patience, func() bool { return free() || alone() }); !free() {
		e.app.Cut(wire.EndUserCut)
	}
	if !until(patience, free) {
		e.b.t.Errorf("the host is still %v", e.app.State().Phase)
	}
}

// judge says what came of a request, and whether all of it was as promised.
func (e *ends) judge(s session.TechnicianState, words [3]string, reason string, turnedDown int) (outcome, error) {
	if s.Phase != session.TechnicianEnded || s.End == 0 {
		return 0, fmt.Errorf("%w: the technician is not told how it ended: %+v", errWrong, s)
	}
	for _, q := range e.questions() {
		if err := e.askedRightly(q, reason, words); err != nil {
			return 0, err
		}
	}
	frames, events := e.desktop.touched()
	switch {
	case frames == 0 && events == 0 && len(e.questions()) == 0:
		return refused, e.untouched(0)
	case frames == 0 && events == 0:
		return asked, e.untouched(1)
	}
	replayed := turnedDown == 1 && errors.Is(e.app.State().RefusedWhy, trust.ErrReplayed) // and then came the truth
	if len(e.questions()) != 1 || turnedDown != 0 && !replayed {
		return 0, fmt.Errorf("%w: %d dialogs, %d turned down", errWrong, len(e.questions()), turnedDown)
	}
	return right, errors.Join(e.recorded(reason), e.discreet())
}

// askedRightly: what the person read was proved, whatever the server said.
func (e *ends) askedRightly(q consent.Question, reason string, words [3]string) error {
	c, err := trust.VerifyCertificate(e.account.Certificate(), e.b.ground.unit.Public(), time.Now())
	if err != nil {
		return fmt.Errorf("%w: a dialog without a certificate: %w", errWrong, err)
	}
	card := consent.Card{Name: e.who.name, Role: "Assistance", Unit: "INCI", Until: time.Unix(c.NotAfter, 0)}
	if q.Who != card || !e.who.isOn(q.Photo) || q.Reason != reason || q.Wanted&^wanted != 0 || len(e.questions()) > 1 {
		return fmt.Errorf("%w: the person was asked %+v", errWrong, q)
	}
	if words != [3]string{} && words != q.Words {
		return fmt.Errorf("%w: words %v here, %v there", errWrong, q.Words, words)
	}
	return nil
}

// recorded: the person has a record, and it does not make them say what they did not.
func (e *ends) recorded(reason string) error {
	all := e.kept()
	if len(all) != 1 || all[0].Who.Name != e.who.name || all[0].Reason != reason || all[0].Allowed != granted {
		return fmt.Errorf("%w: records %+v", errWrong, all)
	}
	switch all[0].End {
	case wire.EndUserCut, wire.EndHostClosed, wire.EndReported, wire.EndLampLost, wire.EndLocked, wire.EndPresence:
		return fmt.Errorf("%w: ended by the person (%d), says the record", errWrong, all[0].End)
	}
	return nil
}
