// SPDX-License-Identifier: Apache-2.0

package evil

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"assist/internal/consent"
	"assist/internal/consent/consenttest"
	"assist/internal/peer"
	"assist/internal/refusal"
	"assist/internal/rendezvous"
	"assist/internal/server"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/wire"
)

// What is asked for and what the person gives: less.
const (
	wanted  = consent.RightView | consent.RightPoint | consent.RightControl
	granted = consent.RightView | consent.RightControl
)

// wordList is long enough that words that differ are seen to.
func wordList() []string {
	var all []string
	for i := range 2048 {
		all = append(all, fmt.Sprintf("mot%04d", i))
	}
	return all
}

// bench is a place to play at: an honest server, the liar before it, and two ends.
type bench struct {
	t      testing.TB
	ground *ground
	honest *server.Server
	db     *sql.DB
	liar   *liar
	join   trust.JoinCode
	nonces *trust.Nonces
	asked  int    // requests so far, to tell reasons apart
	stand  int    // which of the two pairs plays
	dir    string // the honest server's
	pair   *ends

	folders  [2]string        // what the apps keep, if it is to outlive them
	believed session.Charters // what a patched technician's app goes by; nil for an honest one

	// What a lie makes of the waiting. Without one, all that was begun ends by itself.
	lied    func() bool // reports that it was told; nil is never
	vain    func() bool // reports that nothing more will come of it; nil is never
	patient bool        // a request is not given up all the same
	owed    func() bool // reports that an end has still to keep a line about it; nil is never
	linger  bool        // the request comes when the technician has gone

	hindrance error // why the ends did not get to the server
	novice    *ends // whoever enrols
}

func newBench(t testing.TB, nonces *trust.Nonces) *bench {
	t.Helper()
	g := grounds(t)
	dir := g.copyOf(t)
	s, stop, err := serve(dir)
	must(t, err)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("the honest server: %v", err)
		}
	})
	db, err := database(dir)
	must(t, err)
	t.Cleanup(func() { db.Close() })
	b := &bench{t: t, dir: dir, ground: g, honest: s, db: db, join: s.JoinCode(), nonces: nonces}
	var signers []trust.Signer
	for i := range g.people {
		signers = append(signers, g.people[i].device, g.machines[i].key)
	}
	b.liar = newLiar(t, s.Addr().String(), certificate(t, dir), signers...)
	t.Cleanup(func() { b.leave() })
	return b
}

func (b *bench) at(log *slog.Logger) rendezvous.Config {
	return rendezvous.Config{Server: b.join.Server, Pin: b.join.Pin, Near: b.liar.listener.Addr().String(), Log: log}
}

// ends are a host's app and a technician's, both the real code, over a desktop that is
// played.
type ends struct {
	b        *bench
	host     *machine
	who      *person
	desktop  *desktop
	lamp     *consenttest.Lamp
	log      *logged
	line     *rendezvous.Host
	app      *session.Host
	account  *rendezvous.Technician
	charters [2]*rendezvous.Charters // what the host's app knows of the unit, and the technician's
	folder   string
	books    [2]*refusal.Book // what the host's app refused, and the technician's
	files    [2]string        // of the books
	stop     context.CancelFunc
	over     sync.WaitGroup
	end      session.TechnicianState // of the last attempt

	mu      sync.Mutex
	dialogs []consent.Question
	records []session.Record
	answers consenttest.Person // what the person does
}

// meet starts both apps; the technician is not logged in yet.
func (b *bench) meet(which int) *ends {
	b.t.Helper()
	b.leave()
	who := b.ground.people[which] // benches play at the same time, and one uses a wrong secret
	e := &ends{b: b, host: &b.ground.machines[which], who: &who,
		desktop: &desktop{}, lamp: &consenttest.Lamp{}, log: &logged{}}
	log := e.logger()
	e.keep(log)
	ctx, cancel := context.WithCancel(context.Background())
	e.stop = cancel
	var err error
	charters := func(app int) *rendezvous.Charters {
		c, err := rendezvous.OpenCharters(e.folder, b.ground.unit.Public(), log)
		must(b.t, err)
		c.Refused = e.refuses(app)
		e.over.Go(func() { _ = c.Run(ctx) })
		return c
	}
	here, there := b.at(log), b.at(log)
	e.folder = b.folder(0)
	here.Charters, here.Refused = charters(0), e.refuses(0)
	here.Witness = e.witness(here.Charters)
	e.folder = b.folder(1)
	there.Charters, there.Refused = charters(1), e.refuses(1)
	there.Witness = e.witness(there.Charters)
	e.charters = [2]*rendezvous.Charters{here.Charters, there.Charters}
	e.line, err = rendezvous.NewHost(here, e.host.key)
	must(b.t, err)
	e.app, err = session.NewHost(e.hostConfig(log))
	must(b.t, err)
	e.over.Go(func() { _ = e.line.Run(ctx) })
	e.over.Go(func() { _ = e.app.Run(ctx) })
	e.account, err = rendezvous.NewTechnician(there, e.who.device)
	must(b.t, err)
	b.pair = e
	return e
}

// newNonces are those of an app that was never started before.
func newNonces(t testing.TB) *trust.Nonces {
	t.Helper()
	n, err := trust.OpenNonces(filepath.Join(t.TempDir(), "nonces"))
	must(t, err)
	return n
}

// folder is where an app keeps what it has seen.
func (b *bench) folder(app int) string {
	if b.folders[app] != "" {
		return b.folders[app]
	}
	return b.t.TempDir()
}

// goesBy is the charter that a technician's app goes by.
func (e *ends) goesBy() session.Charters {
	if e.b.believed != nil {
		return e.b.believed
	}
	return e.charters[1]
}

// witness is what an app keeps of the server's journal.
func (e *ends) witness(c *rendezvous.Charters) *trust.Witness {
	w, err := trust.NewWitness(e.folder, e.b.ground.unit.Public(), c.Unit)
	must(e.b.t, err)
	return w
}

// leave closes both apps.
func (b *bench) leave() {
	if b.pair == nil {
		return
	}
	b.pair.account.Logout()
	b.pair.stop()
	b.pair.over.Wait()
	b.pair = nil
}

func (e *ends) hostConfig(log *slog.Logger) session.HostConfig {
	return session.HostConfig{
		Key: e.host.key, Unit: e.b.ground.unit.Public(), Charters: e.charters[0], Nonces: e.b.nonces, ID: e.host.number, WordList: wordList,
		Gate: consent.NewGate(consenttest.Person(e.ask), e.lamp, consent.AllRights), Machine: e.desktop.ports(),
		Next: func(ctx context.Context) (session.Call, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case c := <-e.line.Calls():
				return c, nil
			}
		},
		Identity: func() (session.HostDialer, error) {
			id, err := peer.NewIdentity()
			return hostDialer{id, e.line.State().STUN, e.listed}, err
		},
		Report: func(r session.Record) error {
			e.mu.Lock()
			defer e.mu.Unlock()
			if r.End != 0 { // else it goes on
				e.records = append(e.records, r)
			}
			return nil
		},
		Broke: broke, Barred: func(err error) bool { return errors.Is(err, peer.ErrSource) }, Refused: e.refuses(0), Log: log,
	}
}

// ask is the person: they count, and say what they were told to say.
func (e *ends) ask(ctx context.Context, q consent.Question) (consent.Rights, error) {
	e.mu.Lock()
	e.dialogs = append(e.dialogs, q)
	answers := e.answers
	e.mu.Unlock()
	if answers != nil {
		return answers(ctx, q)
	}
	return q.Wanted & granted, nil
}

func (e *ends) questions() []consent.Question {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]consent.Question(nil), e.dialogs...)
}

func (e *ends) kept() []session.Record {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]session.Record(nil), e.records...)
}

// forget begins to count anew.
func (e *ends) forget() {
	e.mu.Lock()
	e.dialogs, e.records = nil, nil
	e.mu.Unlock()
	e.desktop.get(func() { e.desktop.reads, e.desktop.events, e.desktop.points = 0, 0, 0 })
}

// request is a technician's request as their app makes it.
func (e *ends) request(rights consent.Rights) (*session.Technician, string) {
	e.b.t.Helper()
	e.b.asked++
	reason := fmt.Sprintf("Imprimante muette no %d", e.b.asked)
	t, err := session.NewTechnician(e.technicianConfig(), session.Wish{
		Machine: e.host.number, Reason: reason, TOTP: e.who.code(e.b.t, time.Now()), Rights: rights})
	must(e.b.t, err)
	t.Start(context.Background())
	return t, reason
}

func (e *ends) technicianConfig() session.TechnicianConfig {
	return session.TechnicianConfig{
		Key: e.who.device, Certificate: e.account.Certificate(), Unit: e.b.ground.unit.Public(), WordLists: [2][]string{wordList(), wordList()},
		Charters: e.goesBy(), Numbers: &e.b.ground.numbers,
		Ask: func(ctx context.Context, totp string, request []byte) (session.Outgoing, error) {
			o, err := e.account.Ask(ctx, totp, request)
			if err != nil {
				return nil, err
			}
			return o, nil
		},
		Identity: func() (session.TechnicianDialer, error) {
			id, err := peer.NewIdentity()
			return technicianDialer{id, e.account.STUN()}, err
		},
		Refusal: func(err error) (wire.Refusal, time.Duration, bool) {
			var no *rendezvous.RefusedError
			if errors.As(err, &no) {
				return no.Why, no.Wait, true
			}
			return 0, 0, false
		},
		Broke: broke, Refused: e.refuses(1), Log: e.logger(),
	}
}

// listed says whether the charter lets anybody help from an address.
func (e *ends) listed(a netip.Addr) bool {
	c, err := e.charters[0].Now()
	return near(a) && err == nil && c.AllowsSource(a)
}

// near is this computer: paths over whatever networks it is in are no matter of these tests,
// and many of them take long to try.
func near(a netip.Addr) bool { return a.IsLoopback() }

func broke(err error) bool {
	return errors.Is(err, peer.ErrProtocol) || errors.Is(err, peer.ErrFingerprint)
}

// hostDialer and technicianDialer are those of the app.
type hostDialer struct {
	*peer.Identity
	stun  string
	allow func(netip.Addr) bool
}

// Connect reaches the technician.
func (d hostDialer) Connect(ctx context.Context, remote [32]byte, s session.Signals) (session.HostLink, error) {
	h, err := peer.ConnectHost(ctx, peer.Config{Identity: d.Identity, Remote: remote, Signaler: s, STUN: d.stun, Allow: d.allow})
	if err != nil {
		return nil, err
	}
	return h, nil
}

type technicianDialer struct {
	*peer.Identity
	stun string
}

// Connect reaches the host.
func (d technicianDialer) Connect(ctx context.Context, remote [32]byte, s session.Signals) (session.TechnicianLink, error) {
	t, err := peer.ConnectTechnician(ctx, peer.Config{Identity: d.Identity, Remote: remote, Signaler: s, STUN: d.stun, Allow: near})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// logged is a log that several goroutines write to.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends.
func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// inVain reports that what is waited for will not come.
func (b *bench) inVain() bool { return b.vain != nil && b.vain() }

// owes reports that a line is still to come, unless that takes too long.
func (b *bench) owes() bool { return b.owed != nil && b.owed() && b.liar.still() < patience/4 }

// liedTo reports that a lie was told. Before that a server that does not answer is merely
// slow, and asked again.
func (b *bench) liedTo() bool { return b.lied != nil && b.lied() }

// wait waits for something, and reports whether it came.
func (b *bench) wait(is func() bool) bool {
	came := false
	until(patience, func() bool {
		came = is()
		return came || b.inVain()
	})
	return came
}

// awaiting is for calls that wait: it ends when that is in vain.
func (b *bench) awaiting() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		until(patience, func() bool { return ctx.Err() != nil || b.inVain() && !b.owes() })
		cancel()
	}()
	return ctx, func() { cancel(); <-watched }
}

// until waits for something that others bring about; false when it takes too long.
func until(limit time.Duration, is func() bool) bool {
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); !is(); <-tick.C {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

func (e *ends) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(e.log, &slog.HandlerOptions{Level: slog.LevelInfo}))
}
