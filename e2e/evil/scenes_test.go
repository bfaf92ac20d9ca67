// SPDX-License-Identifier: Apache-2.0

package evil

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/pquerna/otp/totp"

	"assist/internal/consent"
	"assist/internal/rendezvous"
	"assist/internal/server"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/wire"
)

// scene is one dialogue between ends and server. Together they have every message in
// them that there is: see TestEveryMessageIsPlayed.
type scene struct {
	name string
	play func(b *bench, fresh bool) (outcome, error)
	ends outcome // when nobody lies
	only string  // the one message that is lied about here; empty is any
}

func scenes() []scene {
	return []scene{
		{"intervention", (*bench).intervention, right, ""},
		{"wrong code", (*bench).wrongCode, refused, ""},
		{"report", (*bench).report, right, ""},
		{"enrolment", (*bench).enrolment, right, ""},
		{"withdrawn", (*bench).withdrawn, asked, "Bye"},
		{"closed", (*bench).closed, asked, "Bye"},
	}
}

// has reports whether a message is lied about in this scene. At the end of an intervention
// both say goodbye, and whose reaches the server first is left to chance.
func (s scene) has(kind string) bool { return s.only == kind || s.only == "" && kind != "Bye" }

// withdrawn plays a request that the technician takes back while the person is asked.
func (b *bench) withdrawn(fresh bool) (outcome, error) {
	return b.unanswered(fresh, func(_ *ends, tech *session.Technician) { tech.End() })
}

// closed plays one that ends because the host's app is closed while the person is asked.
func (b *bench) closed(fresh bool) (outcome, error) {
	return b.unanswered(fresh, func(e *ends, _ *session.Technician) { e.app.Cut(wire.EndHostClosed) })
}

// unanswered plays a request that ends while the person is asked, who says yes too late.
func (b *bench) unanswered(fresh bool, end func(*ends, *session.Technician)) (outcome, error) {
	e, err := b.ready(fresh)
	if err != nil {
		return refused, e.untouched(0)
	}
	e.forget()
	e.say(func(ctx context.Context, _ consent.Question) (consent.Rights, error) {
		<-ctx.Done()
		return granted, nil
	})
	defer e.say(nil)
	waits := false
	tech, reason := e.asks(func(tech *session.Technician) {
		until(patience, func() bool {
			waits = len(e.questions()) > 0 && tech.State().Phase == session.TechnicianWaiting
			return waits || e.unheard(tech)
		})
	})
	if !waits {
		return 0, fmt.Errorf("%w: nobody is asked", errWrong)
	}
	end(e, tech)
	words, err := e.follow(tech)
	tech.End()
	<-tech.Done()
	e.clear()
	e.end = tech.State()
	if err != nil {
		return 0, err
	}
	return e.judge(e.end, words, reason, 0)
}

// wrongCode plays a request with a one-time code that is wrong: whatever the server
// says of it, nobody is asked.
func (b *bench) wrongCode(fresh bool) (outcome, error) {
	e, err := b.ready(fresh)
	if err != nil {
		return refused, e.untouched(0)
	}
	e.forget()
	secret := e.who.secret
	e.who.secret = "JBSWY3DPEHPK3PXP"
	tech, _ := e.request(wanted)
	e.who.secret = secret
	if _, err = e.follow(tech); err != nil {
		return 0, err
	}
	tech.End()
	<-tech.Done()
	if s := tech.State(); s.End == 0 || s.Verdict != 0 || s.Words != [3]string{} {
		return 0, fmt.Errorf("%w: it ended as %+v", errWrong, s)
	}
	return refused, errors.Join(e.untouched(0), idle(e))
}

func idle(e *ends) error {
	if s := e.app.State(); s.Phase != session.HostIdle {
		return fmt.Errorf("%w: the host is %v", errWrong, s.Phase)
	}
	return nil
}

// report plays an intervention and then tells the administrator of it. It is right
// when the app says that this was heard.
func (b *bench) report(fresh bool) (outcome, error) {
	if o, err := b.intervention(fresh); o != right || err != nil {
		return o, err
	}
	e := b.pair
	ctx, cancel := b.awaiting()
	defer cancel()
	frames, events := e.desktop.touched()
	kept := e.kept()[0]
	hash, err := trust.RequestHash(kept.Proof.Request)
	must(b.t, err)
	proof, err := e.host.key.SignRecord(wire.Record{Session: kept.Session, RequestHash: hash, At: time.Now().Unix(), Deed: wire.DeedReported})
	must(b.t, err)
	err = e.line.Report(ctx, kept.Session, proof)
	if f, n := e.desktop.touched(); f != frames || n != events || len(e.questions()) != 1 {
		return 0, fmt.Errorf("%w: a report moved something", errWrong)
	}
	if err != nil {
		return refused, nil
	}
	return right, nil
}

// enrolment makes one more technician. It is right when their app holds a certificate
// that the unit signed for its key.
func (b *bench) enrolment(bool) (outcome, error) {
	for range again {
		came, err := b.enrols()
		if err == nil || b.liedTo() {
			b.hindrance = err
			return came, nil
		}
		b.leave() // a server at its limit is asked again, as long as nobody lied
	}
	return 0, fmt.Errorf("%w: nobody can enrol", errWrong)
}

// enrols is one try; the error says why the server did not make a technician of them.
func (b *bench) enrols() (outcome, error) {
	forgive(b.t, b.db)
	b.asked++
	login := fmt.Sprintf("novice%d", time.Now().UnixNano())
	code, err := b.honest.AddTechnician(b.t.Context(), server.Technician{Login: login, Name: "Anne Roux", Role: "Assistance"})
	must(b.t, err)
	device, err := trust.NewDeviceKey()
	must(b.t, err)
	b.liar.learn(device)
	e := &ends{b: b, log: &logged{}}
	e.keep(e.logger())
	b.novice = e
	ctx, cancel := b.awaiting()
	defer cancel()
	at := b.at(e.logger())
	at.Refused = e.refuses(1)
	at.Charters, err = rendezvous.OpenCharters(b.t.TempDir(), b.ground.unit.Public(), e.logger())
	must(b.t, err)
	at.Witness, err = trust.NewWitness(b.t.TempDir(), b.ground.unit.Public(), nil)
	must(b.t, err)
	account, err := rendezvous.NewTechnician(at, device)
	must(b.t, err)
	env, err := account.Enrol(ctx, code, password, func(_, text string) (string, error) {
		u, err := url.Parse(text)
		if err != nil {
			return "", err
		}
		return totp.GenerateCode(u.Query().Get("secret"), time.Now())
	})
	if err != nil && (ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded)) {
		return refused, errors.Join(errSilence, err)
	}
	if err != nil {
		return refused, err
	}
	c, err := trust.VerifyCertificate(env, b.ground.unit.Public(), time.Now())
	if err != nil || string(c.DeviceKey) != string(device.Public()) || c.Name != "Anne Roux" {
		return refused, errors.New("a certificate that proves nothing") // the app shows nobody's card, and asks for nothing that is heard
	}
	return right, nil
}

// recording is what passed in one run, by who, whither and what.
type recording map[track][][]byte

// aged is a message of the past as it would be from an hour ago: the one-time code of a
// moment ago may be good still, here where the server forgets which were used.
func (r *repertoire) aged(raw []byte) []byte {
	ask, ok := (passing{up: true, raw: raw}).message().(*wire.Ask)
	if !ok {
		return raw
	}
	ask.TOTP = r.spent
	if old, err := wire.Marshal(ask); err == nil {
		return old
	}
	return raw
}

// track is one kind of message between one end and the server, in one direction.
type track struct {
	side side
	up   bool
	kind string
}

// String says it as the report does.
func (k track) String() string {
	if k.up {
		return fmt.Sprintf("%s, from the %s", k.kind, k.side)
	}
	return fmt.Sprintf("%s, to the %s", k.kind, k.side)
}

// trackOf is the track of a message; before the greeting the side is not known, so the
// challenge is one track for all.
func trackOf(p passing) track {
	p.leg.mu.Lock()
	defer p.leg.mu.Unlock()
	return track{p.leg.side, p.up, p.kind()}
}

// messageOf reads recorded bytes.
func (k track) messageOf(raw []byte) wire.Message { return passing{up: k.up, raw: raw}.message() }
