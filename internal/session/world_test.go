// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/consent"
	"assist/internal/consent/consenttest"
	"assist/internal/screen"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/wire"
)

var errFull = errors.New("no space left on device")

const viewPoint = consent.RightView | consent.RightPoint

// identity is who takes part. Making one takes long (see trust), so all tests
// share it.
type identity struct {
	host    *trust.HostKey
	unit    *trust.UnitKey
	device  *trust.DeviceKey
	machine string
	numbers trust.Numbers // each takes 0.3 s
}

var people = sync.OnceValues(func() (*identity, error) {
	i := &identity{}
	var err error
	if i.host, err = trust.NewHostKey(); err != nil {
		return nil, err
	}
	if i.unit, err = trust.NewUnitKey(); err != nil {
		return nil, err
	}
	if i.device, err = trust.NewDeviceKey(); err != nil {
		return nil, err
	}
	i.machine, err = i.host.MachineID(i.unit.Public())
	return i, err
})

// judge is a test, or one of many walks of one.
type judge interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Cleanup(f func())
}

// world is a host, a server, a network and whoever asks, all in memory and in a
// time that costs nothing.
type world struct {
	t       judge
	who     *identity
	lamp    *consenttest.Lamp
	log     logs // of both apps
	server  *server
	net     *network
	machine *machine
	nonces  *trust.Nonces
	zone    string    // that the host's administrator set
	unit    *charters // what the host's app knows
	own     *charters // what the technician's app knows
	refused func(what string, why error)
	host    *session.Host
	close   context.CancelFunc // closes the host's app
	closed  chan struct{}      // the host's app is gone

	mu        sync.Mutex
	resting   bool // the person's own hands have not moved since now
	person    consenttest.Person
	questions []consent.Question
	records   []session.Record
	kept      []session.Record // while they went on
	disk      func()           // what keeping a record takes; set before anybody asks
	full      bool             // nothing more can be kept
	late      bool             // a record was kept after the whole one of its session
	said      []session.Deed
}

// play runs a test in a world of its own. When it ends, not one goroutine may be
// left: synctest sees to that.
func play(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	who, err := people()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, who)
		w.open()
		defer func() {
			w.shut()
			w.checkDiscreet(t)
		}()
		f(t, w)
	})
}

func newWorld(t judge, who *identity) *world {
	w := &world{
		t: t, who: who, lamp: &consenttest.Lamp{}, server: newServer(), net: newNetwork(), machine: newMachine(),
		nonces: newNonces(t),
		person: func(_ context.Context, q consent.Question) (consent.Rights, error) { return q.Wanted, nil },
	}
	w.unit = newCharters(w.charter())
	w.own = newCharters(w.charter())
	return w
}

// newNonces are those of an app that was never started before.
func newNonces(t judge) *trust.Nonces {
	dir, err := os.MkdirTemp("", "nonces")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	n, err := trust.OpenNonces(filepath.Join(dir, "nonces"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// open starts the host's app.
func (w *world) open() {
	host, closed := w.newHost(), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	w.host, w.close, w.closed = host, cancel, closed
	go func() {
		defer close(closed)
		host.Run(ctx)
	}()
}

// shut closes the host's app.
func (w *world) shut() {
	w.close()
	<-w.closed
}

// newGate is a gate that minds the person's hands.
func (w *world) newGate() *consent.Gate {
	g := consent.NewGate(consenttest.Person(w.answer), w.lamp, consent.AllRights)
	g.Attend(consent.Hands{Last: func(bool) time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.resting {
			return time.Time{}
		}
		return time.Now()
	}})
	return g
}

// rest keeps the person's hands still from now on.
func (w *world) rest() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resting = true
}

func (w *world) hostConfig() session.HostConfig {
	return session.HostConfig{
		Key: w.who.host, Unit: w.who.unit.Public(), ID: w.who.machine, Zone: w.zone, WordList: words,
		Nonces: w.nonces, Charters: w.unit,
		Gate:    w.newGate(),
		Machine: w.machine.ports(), Next: w.server.Next,
		Identity: func() (session.HostDialer, error) { return hostDialer{newDialer(w.net)}, nil },
		Broke:    func(err error) bool { return err == errWrong },
		Barred:   func(err error) bool { return err == errBarred },
		Refused:  w.refused,
		Log:      w.log.logger(),
		Report: func(r session.Record) error {
			if w.disk != nil {
				w.disk()
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.full {
				return errFull
			}
			if r.End == 0 {
				w.kept = append(w.kept, r)
				w.late = w.late || slices.ContainsFunc(w.records, func(whole session.Record) bool { return whole.Session == r.Session })
				return nil
			}
			w.records = append(w.records, r)
			return nil
		},
		Say: func(d session.Deed) string {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.said = append(w.said, d)
			return "something was done"
		},
	}
}

func (w *world) newHost() *session.Host {
	h, err := session.NewHost(w.hostConfig())
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

func (w *world) answer(ctx context.Context, q consent.Question) (consent.Rights, error) {
	w.mu.Lock()
	w.questions = append(w.questions, q)
	person := w.person
	w.mu.Unlock()
	return person(ctx, q)
}

// now changes the person's mind.
func (w *world) now(person consenttest.Person) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.person = person
}

func says(r consent.Rights, err error) consenttest.Person {
	return func(context.Context, consent.Question) (consent.Rights, error) { return r, err }
}

// hesitant says yes to everything, after a while.
func hesitant(d time.Duration) consenttest.Person {
	return func(_ context.Context, q consent.Question) (consent.Rights, error) {
		time.Sleep(d)
		return q.Wanted, nil
	}
}

func silent(ctx context.Context, _ consent.Question) (consent.Rights, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// asked is every question put so far.
func (w *world) asked() []consent.Question {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]consent.Question(nil), w.questions...)
}

// record is the only record there is.
func (w *world) record() session.Record {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.records) != 1 {
		w.t.Fatalf("%d records", len(w.records))
	}
	return w.records[0]
}

// certificate is good for a day around the bubble's time.
func (w *world) certificate(zones ...string) []byte {
	w.t.Helper()
	env, err := w.who.unit.IssueCertificate(wire.Certificate{
		Name: canaryName, Role: "Assistance", Unit: "INCI", DeviceKey: w.who.device.Public(), Zones: zones,
		NotBefore: time.Now().Add(-time.Hour).Unix(), NotAfter: time.Now().Add(24 * time.Hour).Unix(),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return env
}

func (w *world) technicianConfig() session.TechnicianConfig {
	return session.TechnicianConfig{
		Key: w.who.device, Certificate: w.certificate(), Unit: w.who.unit.Public(), Charters: w.own,
		WordLists: [2][]string{words(), otherWords()}, Numbers: &w.who.numbers,
		Ask: w.server.Ask, Refusal: refusal, Log: w.log.logger(),
		Broke:    func(err error) bool { return err == errWrong },
		Identity: func() (session.TechnicianDialer, error) { return helperDialer{newDialer(w.net)}, nil },
	}
}

func (w *world) wish(r consent.Rights) session.Wish {
	return session.Wish{Machine: w.who.machine, Reason: canaryReason, TOTP: canaryCode, Rights: r}
}

// ask starts a request.
func (w *world) ask(r consent.Rights) *session.Technician {
	w.t.Helper()
	t, err := session.NewTechnician(w.technicianConfig(), w.wish(r))
	if err != nil {
		w.t.Fatal(err)
	}
	t.Start(context.Background())
	w.t.Cleanup(func() {
		t.End()
		<-t.Done()
	})
	return t
}

// meet starts a request and waits until both ends are live.
func (w *world) meet(r consent.Rights) *session.Technician {
	w.t.Helper()
	t := w.ask(r)
	until(w.t, t.Changed(), func() bool { return t.State().Phase >= session.TechnicianLive })
	synctest.Wait()
	if s := t.State(); s.Phase != session.TechnicianLive || w.host.State().Phase != session.HostLive {
		w.t.Fatalf("not live: technician %+v, host %+v", s, w.host.State())
	}
	return t
}

// until waits for a condition, which each value of changed may have made true.
func until(t judge, changed <-chan struct{}, ok func() bool) {
	t.Helper()
	limit := time.After(2 * time.Hour)
	for !ok() {
		select {
		case <-changed:
		case <-limit:
			t.Fatal("it never came true")
		}
	}
}

// over waits until both ends are done with an intervention.
func (w *world) over(t *session.Technician) session.TechnicianState {
	w.t.Helper()
	<-t.Done()
	until(w.t, w.host.Changed(), func() bool { return w.host.State().Phase == session.HostIdle })
	synctest.Wait()
	return t.State()
}

// pass lets time go by, and everybody do what they had to do.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// shows is how many pictures of a monitor left the host.
func (w *world) shows(id screen.MonitorID) int {
	l := w.link()
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, s := range l.shown {
		if s.frame.Monitor == id {
			n++
		}
	}
	return n
}

// link is the newest link.
func (w *world) link() *link {
	w.net.mu.Lock()
	defer w.net.mu.Unlock()
	return w.net.links[len(w.net.links)-1]
}

// words is the list of the person's language.
func words() []string { return []string{"citron", "valise", "orage", "lune"} }

// otherWords is the list of the other language.
func otherWords() []string { return []string{"lemon", "suitcase", "storm", "moon"} }
