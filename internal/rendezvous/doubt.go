// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"errors"
	"slices"
	"time"

	"github.com/coder/websocket"

	"assist/internal/trust"
	"assist/internal/wire"
)

// maxGone is how many sessions that were here a moment ago are told from those that never
// were.
const maxGone = 64

// forget makes a line unknown: what still comes for it is dropped.
func (c *client) forget(id wire.SessionID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lines[id] == nil {
		return
	}
	delete(c.lines, id)
	if len(c.gone) == maxGone {
		c.gone = slices.Delete(c.gone, 0, 1)
	}
	c.gone = append(c.gone, id)
}

// strange notes a message about a session that this app never had, or had long ago: a
// goodbye and what comes may cross, nothing else.
func (c *client) strange(id wire.SessionID) {
	c.mu.Lock()
	known := slices.Contains(c.gone, id)
	c.mu.Unlock()
	if !known {
		c.cfg.Refused(AboutMessage, ErrStrange)
	}
}

// doubt notes an error that says something of the server. That it cannot be reached, or
// goes away, does not.
func (c *client) doubt(what string, err error) {
	switch {
	case err == nil:
	case isRefusal(err), errors.Is(err, ErrServer):
		c.cfg.Refused(what, err)
	case websocket.CloseStatus(err) == websocket.StatusPolicyViolation:
		c.cfg.Refused(what, ErrBrokenOff)
	}
}

// turnedAway is what a no at the door is about: a technician's own login or password, which may
// just be mistyped, or the server.
func (c *client) turnedAway(err error) string {
	var no *RefusedError
	if c.person && errors.As(err, &no) {
		return AboutSignIn
	}
	return AboutServer
}

// certified notes an enrolment that ended with a certificate which is not the unit's for
// this key. There may be none yet: the administrator has still to sign it.
func (t *Technician) certified(env []byte) {
	if len(env) == 0 || t.cfg.Charters == nil {
		return
	}
	if err := trust.VerifyOwn(env, t.cfg.Charters.Unit(), t.key.Public(), time.Now()); err != nil {
		t.cfg.Refused(AboutEnrolment, err)
	}
}

// about is what a line is there for.
func (l *line) about() string {
	if l.report {
		return AboutReport
	}
	return AboutAsk
}
