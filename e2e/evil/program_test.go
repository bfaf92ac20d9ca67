// SPDX-License-Identifier: Apache-2.0

package evil

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/pquerna/otp/totp"

	"assist/internal/rendezvous"
	"assist/internal/trust"
	"assist/internal/wire"
)

// programEnv makes the test binary the liar as a program of its own, before whole apps: its
// value is a cast as JSON. The end-to-end tests use it so.
const programEnv = "ASSIST_LIAR"

// cast is where the program stands.
type cast struct {
	Listen   string   // host:port, where the apps look for their server
	Upstream string   // host:port of the honest one
	Server   string   // its folder: the liar owns the server
	Apps     []string // their folders: it greets the honest server for them
	Control  string   // the socket that takes orders
}

// actor is the program at work.
type actor struct {
	cast
	liar   *liar
	pin    [32]byte
	unit   *trust.UnitKey   // its own
	device *trust.DeviceKey // likewise

	mu     sync.Mutex
	lie    string
	told   int
	ring   *wire.Ring // the last one that the host was meant to hear
	host   *leg
	second []byte // the certificate of a technician whom the unit knows, by device
	page   []byte // the charter that was served last
	served int    // how often
}

// act is the program; it ends when it is killed.
func act(config string) error {
	a := &actor{}
	if err := json.Unmarshal([]byte(config), &a.cast); err != nil {
		return err
	}
	cert, err := pair(a.Server)
	if err != nil {
		return err
	}
	a.pin = trust.PinOf(cert.Leaf.RawSubjectPublicKeyInfo)
	var errs [2]error
	a.unit, errs[0] = trust.NewUnitKey()
	a.device, errs[1] = trust.NewDeviceKey()
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	l, err := net.Listen("tcp", a.Listen)
	if err != nil {
		return err
	}
	complain := func(format string, args ...any) { fmt.Fprintf(os.Stderr, "FAIL "+format+"\n", args...) }
	a.liar = newLiarOn(l, a.Upstream, cert, complain)
	a.liar.seek = a.keys
	a.liar.tell(a.pass, a.publish)
	orders, err := net.Listen("unix", a.Control)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: a, ReadHeaderTimeout: patience}
	return server.Serve(orders)
}

// keys are the apps' own, once they have made them.
func (a *actor) keys() []trust.Signer {
	var all []trust.Signer
	for _, dir := range a.Apps {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && (d.Name() == "host.key" || d.Name() == "device.key") {
				if k, err := signer(path); err == nil {
					all = append(all, k)
				}
			}
			return nil
		})
	}
	return all
}

// signer reads a key of either kind. What it greets as is said beside it.
func signer(path string) (trust.Signer, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "liar-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	copied := filepath.Join(dir, "key")
	if err := os.WriteFile(copied, bytes.ReplaceAll(b, []byte("ASSIST DEVICE KEY"), []byte("ASSIST HOST KEY")), 0o600); err != nil {
		return nil, err
	}
	return trust.LoadHostKey(copied)
}

// ServeHTTP takes an order: which lie to tell from now on, how often it was told, to say a
// request once more, to make a second technician, whether both apps know of them.
func (a *actor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var err error
	answer := ""
	switch q := r.URL.Query(); r.URL.Path {
	case "/tell":
		a.mu.Lock()
		a.lie, a.told = q.Get("lie"), 0
		a.mu.Unlock()
	case "/told":
		a.mu.Lock()
		answer = strconv.Itoa(a.told)
		a.mu.Unlock()
	case "/again":
		a.mu.Lock()
		ring, host := a.ring, a.host
		a.told++
		a.mu.Unlock()
		err = host.inject(ring)
	case "/enrol":
		err = a.enrol(r.Context(), q.Get("code"))
	case "/served":
		a.mu.Lock()
		answer = strconv.Itoa(a.served)
		a.mu.Unlock()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write([]byte(answer))
}

// publish is the truth; it counts how often the newest charter was fetched.
func (a *actor) publish(path string, body []byte) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	if path == charterPath {
		if !bytes.Equal(body, a.page) {
			a.page, a.served = body, 0
		}
		a.served++
	}
	return body
}

// pass tells the lie of the moment.
func (a *actor) pass(p passing) [][]byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := p.message()
	if ring, ok := m.(*wire.Ring); ok && !p.up {
		kept := *ring
		a.ring, a.host = &kept, p.leg
	}
	if with := a.instead(p, m); with != nil {
		if raw, err := wire.Marshal(with); err == nil {
			a.told++
			return [][]byte{raw}
		}
	}
	return [][]byte{p.raw}
}

// instead is what goes on in place of a message, nil for the message itself.
func (a *actor) instead(p passing, m wire.Message) wire.Message {
	ring, ringing := m.(*wire.Ring)
	var q *wire.Request
	if ringing && !p.up {
		q, _ = within(ring.Request).(*wire.Request)
	}
	switch {
	case a.lie == "fingerprint":
		return describing(strange)(nil, p)
	case q == nil:
	case a.lie == "name":
		return a.renamed(ring, q)
	case a.lie == "rights":
		return widened(ring, q)
	case a.lie == "swapped":
		return a.swapped(ring, q)
	}
	return nil
}

// renamed asks in the name of somebody whom the server made up.
func (a *actor) renamed(ring *wire.Ring, q *wire.Request) wire.Message {
	card, err := a.unit.IssueCertificate(wire.Certificate{Version: 1, Serial: [16]byte{7}, Name: "Direction informatique", Role: "Sécurité", Unit: "CNRS",
		DeviceKey: a.device.Public(), NotBefore: time.Now().Add(-time.Hour).Unix(), NotAfter: time.Now().Add(time.Hour).Unix()})
	if err != nil {
		return nil
	}
	q.Certificate = card
	if ring.Request, err = a.device.SignRequest(q); err != nil {
		return nil
	}
	return ring
}

// widened asks for more under the signature that was given for less.
func widened(ring *wire.Ring, q *wire.Request) wire.Message {
	e, err := wire.UnmarshalEnvelope(ring.Request)
	if err != nil {
		return nil
	}
	q.Rights |= uint16(wanted)
	if e.Body, err = wire.Marshal(q); err != nil {
		return nil
	}
	if ring.Request, err = wire.Marshal(e); err != nil {
		return nil
	}
	return ring
}

// swapped is the request of the second technician, who never asked the server.
func (a *actor) swapped(ring *wire.Ring, q *wire.Request) wire.Message {
	own := &wire.Request{Machine: q.Machine, Certificate: a.second, Rights: 1, Reason: "Autre demande", Expires: q.Expires}
	rand.Read(own.Session[:])
	rand.Read(own.Nonce[:])
	rand.Read(own.Fingerprint[:])
	env, err := a.device.SignRequest(own)
	if err != nil {
		return nil
	}
	return &wire.Ring{Session: own.Session, Login: "paul", Address: ring.Address, Request: env}
}

// enrol makes the second technician, at the honest server.
func (a *actor) enrol(ctx context.Context, code string) error {
	a.mu.Lock()
	a.page = nil // the next one that is fetched names them
	a.mu.Unlock()
	dir, err := os.MkdirTemp("", "liar-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	witness, err := trust.NewWitness(dir, a.unit.Public(), nil)
	if err != nil {
		return err
	}
	account, err := rendezvous.NewTechnician(rendezvous.Config{Server: a.Upstream, Pin: a.pin, Witness: witness, Log: slog.New(slog.DiscardHandler)}, a.device)
	if err != nil {
		return err
	}
	env, err := account.Enrol(ctx, code, password, func(_, text string) (string, error) {
		u, err := url.Parse(text)
		if err != nil {
			return "", err
		}
		return totp.GenerateCode(u.Query().Get("secret"), time.Now())
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	a.second = env
	return err
}
