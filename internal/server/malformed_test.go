// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"testing"

	"github.com/coder/websocket"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

// mutations are the encodings of m with one field spoiled, for every field that
// package wire says it has, and a few of the whole.
func mutations(t *testing.T, m wire.Message) map[string][]byte {
	t.Helper()
	good, err := wire.Marshal(m)
	must(t, err)
	spans, err := wire.Spans(m)
	must(t, err)
	out := map[string][]byte{"empty": {}, "longer": append(append([]byte(nil), good...), 0)}
	for _, s := range spans {
		if s.End == s.Start {
			continue
		}
		flipped := append([]byte(nil), good...)
		flipped[s.Start] ^= 0xff
		out[s.Name+" first byte"] = flipped
		last := append([]byte(nil), good...)
		last[s.End-1] ^= 0x01
		out[s.Name+" last bit"] = last
		out[s.Name+" cut"] = append([]byte(nil), good[:s.Start]...)
	}
	return out
}

// No mutation of a greeting is believed, and none of them brings the server down.
func TestMutatedGreetingsAreRefused(t *testing.T) {
	r := served(t)
	p := r.enrolled("claire")
	code, k := r.invite("paul")
	for name, make := range map[string]func(c *client) wire.Message{
		"host": func(c *client) wire.Message {
			return &wire.HostHello{Version: wire.Version, HostKey: r.fix.hosts[0].Public(), Signature: c.sign(r.fix.hosts[0], trust.RoleHost)}
		},
		"technician": func(c *client) wire.Message {
			return &wire.TechnicianHello{Version: wire.Version, Login: p.login, Password: testPassword,
				DeviceKey: p.device.Public(), Signature: c.sign(p.device, trust.RoleTechnician)}
		},
		"enrolment": func(c *client) wire.Message {
			return &wire.Enrol{Version: wire.Version, Code: code, Password: goodPassword, DeviceKey: k.Public(), Signature: c.sign(k, trust.RoleEnrol)}
		},
	} {
		for field := range mutations(t, make(r.dial())) {
			t.Run(name+" "+field, func(t *testing.T) {
				must(t, r.forgetAttempts(t))
				c := r.dial()
				must(t, c.sendRaw(mutations(t, make(c))[field]))
				m, err := c.read()
				if err != nil {
					return // closed without a word
				}
				if _, refused := m.(*wire.Refused); !refused && !harmless(name, field) {
					t.Errorf("answered with %T", m)
				}
			})
		}
	}
	r.host(0)
	r.technician(p)
}

// harmless mutations leave a greeting that is right: a password chosen at
// enrolment is not compared with anything.
func harmless(name, field string) bool {
	return name == "enrolment" && field == "password last bit"
}

func (r *rig) forgetAttempts(t *testing.T) error {
	return r.store.write(t.Context(), func(tx *transaction) error {
		_, err := tx.exec(`delete from attempt`)
		return err
	})
}

// Mutated messages inside a session end, at worst, the sender's connection, and
// what arrives on the other side was sent for that session.
func TestMutatedMessagesOfASession(t *testing.T) {
	r := served(t)
	m := granted(r)
	for _, raw := range mutations(t, &wire.Signal{Session: m.id, Sequence: 1, Body: []byte("body")}) {
		m.technician.sendRaw(raw)                                      // after a malformed one the connection may be
		m.technician.ws.Write(t.Context(), websocket.MessageText, nil) // gone; this ends it anyway
		m.technician.closed()
		m.technician, _ = r.technician(m.person)
	}
	m.technician.send(&wire.Bye{Session: m.id, Reason: wire.EndTechnician})
	var heard []wire.Signal
	for {
		got, err := m.host.read()
		must(t, err)
		s, ok := got.(*wire.Signal)
		if !ok {
			break // the Bye
		}
		heard = append(heard, *s)
	}
	// Whether number and content are right is for the two ends to judge; all
	// the other fields are the server's to refuse.
	opaque := map[string]bool{"\x9dody": true, "bodx": true, "body": true}
	if len(heard) != 4 {
		t.Errorf("%d mutations arrived, want 2 of the sequence and 2 of the body: %+v", len(heard), heard)
	}
	for _, s := range heard {
		if s.Session != m.id || !opaque[string(s.Body)] || (string(s.Body) == "body") == (s.Sequence == 1) {
			t.Errorf("the host heard %+v", s)
		}
	}
}

// A client may send only what its part of the dialogue allows.
func TestMessagesOutOfPlace(t *testing.T) {
	r := served(t)
	p := r.enrolled("claire")
	for name, m := range map[string]wire.Message{
		"ask":     &wire.Ask{},
		"signal":  &wire.Signal{},
		"pledged": &wire.Pledged{},
		"confirm": &wire.EnrolConfirm{},
	} {
		c := r.dial()
		c.send(m)
		if got := expect[*wire.Refused](c); got.Why != wire.RefusedProtocol {
			t.Errorf("%s instead of a greeting: refused for %d", name, got.Why)
		}
		c.closed()
	}
	c := r.host(0)
	c.send(&wire.Ask{})
	c.refused(wire.RefusedProtocol)
	c, _ = r.technician(p)
	c.send(&wire.Answered{})
	c.refused(wire.RefusedProtocol)
	c = r.dial()
	c.send(&wire.Refused{Why: wire.RefusedBusy}) // a server's message
	c.refused(wire.RefusedProtocol)
	code, k := r.invite("paul")
	c = r.dial()
	c.enrol(code, goodPassword, k)
	expect[*wire.EnrolSecret](c)
	c.send(&wire.Ask{})
	c.refused(wire.RefusedProtocol)
	if e := entries[*journal.SessionRequested](r); len(e) != 0 {
		t.Errorf("journal: %+v", e)
	}
}

func TestTextFramesAndGiantsAreRefused(t *testing.T) {
	r := served(t)
	c := r.dial()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, c.ws.Write(ctx, websocket.MessageText, []byte("hello")))
	c.refused(wire.RefusedProtocol)
	c.closed()
	c = r.dial()
	// It may be cut off while it is still being written.
	_ = c.ws.Write(ctx, websocket.MessageBinary, make([]byte, wire.MaxMessage+1))
	c.closed()
}
