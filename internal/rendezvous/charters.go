// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"assist/internal/trust"
	"assist/internal/wire"
)

// Charters is what this app knows of its unit's charter. Host and technician of one
// app share it: both tell it what the server says, and one of the two connections is
// enough. It fetches what is newer and gives it to trust.Memory, which alone decides
// what is believed. The server is not trusted with anything: it can keep a newer
// charter from an app, never give it an older one or its own.
//
// Its methods may be called from any goroutine.
type Charters struct {
	// Refused keeps a line about a charter that was not believed. It is set before Run, and
	// may be nil.
	Refused func(what string, why error)

	memory  *trust.Memory
	log     *slog.Logger
	pace    pace
	notices chan notice // one slot: the newest

	mu      sync.Mutex
	unit    trust.UnitPublic // in force
	epoch   uint64
	charter *trust.Charter // nil: none of the key in force
	joined  [32]byte       // the join code's key under which a charter was last learned
	damage  error          // the memory cannot be used: nothing is believed
	problem error          // why the server's newest was not taken
	checked bool           // this process has seen what the server has
	changed chan struct{}  // closed and replaced at each change
}

// notice is the server's word that there is a charter, and where to get it.
type notice struct {
	epoch uint64
	from  target
	open  dialFunc
	pin   [32]byte // of the join code
	soon  bool     // somebody depends on it now
}

// OpenCharters takes up what was remembered of the unit with this key, in a folder.
// A memory that cannot be used is no error here: Now says so from then on.
func OpenCharters(dir string, unit trust.UnitPublic, log *slog.Logger) (*Charters, error) {
	memory, err := trust.NewMemory(dir, unit)
	if err != nil {
		return nil, err
	}
	c := &Charters{
		memory: memory, log: log, pace: standardPace(), unit: unit,
		notices: make(chan notice, 1), changed: make(chan struct{}),
		joined: memory.Settled(),
	}
	c.recall()
	return c, nil
}

// Now is the charter in force, or why there is none.
func (c *Charters) Now() (*trust.Charter, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.damage != nil:
		return nil, c.damage
	case c.charter == nil:
		return nil, trust.ErrNoCharter
	}
	if err := c.charter.InForce(time.Now()); err != nil {
		return nil, err
	}
	return c.charter, nil
}

// Unit is the key in force: the pinned one, or the one it handed over to.
func (c *Charters) Unit() trust.UnitPublic {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unit
}

// Problem is why the newest that the server offered was not believed, or nil. What
// was believed before stays in force.
func (c *Charters) Problem() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.problem
}

// Changed is closed at the next change of anything above.
func (c *Charters) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// servers are the server's addresses and keys as the newest charter has them, also
// when it ran out, and that charter's epoch.
func (c *Charters) servers() ([]trust.Server, uint64) {
	if c == nil {
		return nil, 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.charter == nil {
		return nil, 0
	}
	return c.charter.Servers, c.charter.Epoch
}

// learnedUnder notes that a charter was learned under a join code with this key: from
// then on the charter alone says by which keys the addresses that it lists are known.
// Run alone calls it.
func (c *Charters) learnedUnder(pin [32]byte) {
	c.mu.Lock()
	known := c.joined == pin
	c.joined = pin
	c.mu.Unlock()
	if known {
		return
	}
	if err := c.memory.Settle(pin); err != nil {
		c.log.Error("the join code's key is not noted", "error", err)
	}
}

// replaces reports whether the charter, not the join code with this key, says by which
// keys an address is known. A code that was handed out since counts until a charter
// was learned under it: an app that missed a change of key comes back by it.
func (c *Charters) replaces(address string, pin [32]byte) bool {
	servers, _ := c.servers()
	for _, s := range servers {
		if strings.EqualFold(s.Address, address) {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.joined == pin
		}
	}
	return false
}

// recall takes in what the memory holds.
func (c *Charters) recall() {
	unit, epoch, err := c.memory.Epoch()
	var charter *trust.Charter
	if err == nil {
		charter, err = c.memory.Newest()
	}
	if errors.Is(err, trust.ErrNoCharter) {
		err = nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.log.Error("what was remembered of the unit cannot be used", "error", err)
		c.damage, c.charter = err, nil
		c.tell()
		return
	}
	c.damage, c.unit, c.epoch, c.charter = nil, unit, epoch, charter
	c.tell()
}

// tell wakes who waits for a change; mu is held.
func (c *Charters) tell() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// noticed takes the server's word that there is a charter. It never waits. A process
// asks for what it has already once, to see that it is the same; after that, only
// for what is newer.
func (c *Charters) noticed(n notice) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case n.epoch < c.epoch:
		if !errors.Is(c.problem, trust.ErrRollback) { // said once, however often the server says it
			c.log.Warn("the server's charter is not believed", "error", trust.ErrRollback, "epoch", n.epoch, "seen", c.epoch)
			c.doubt(trust.ErrRollback)
		}
		c.problem = fmt.Errorf("%w: epoch %d after %d", trust.ErrRollback, n.epoch, c.epoch)
		c.tell()
		return
	case n.epoch == c.epoch && c.settled():
		if c.problem != nil {
			c.problem = nil // it came back to what is believed
			c.tell()
		}
		return
	}
	n.soon = n.soon || c.charter == nil
	select { // only the newest counts; whoever fills the slot holds mu
	case <-c.notices:
	default:
	}
	c.notices <- n
}

// settled reports whether the server need not be asked for what is known already;
// mu is held.
func (c *Charters) settled() bool { return c.epoch == 0 || (c.checked && c.charter != nil) }

// tellCharters passes on which charter the server of this connection has.
func (c *client) tellCharters(m *wire.CharterNotice) {
	if c.cfg.Charters == nil {
		return
	}
	c.mu.Lock()
	n := notice{epoch: m.Epoch, from: c.link.at, open: c.open, pin: c.cfg.Pin, soon: c.eager || len(c.lines) > 0}
	c.mu.Unlock()
	c.cfg.Charters.noticed(n)
}

// Run fetches what the server has, until ctx ends.
func (c *Charters) Run(ctx context.Context) error {
	var n notice
	for fresh := false; ; {
		if !fresh {
			select {
			case n = <-c.notices:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		n, fresh = c.chase(ctx, n)
	}
}

// chase tries until a notice is settled, or another takes its place: that one is
// returned.
func (c *Charters) chase(ctx context.Context, n notice) (notice, bool) {
	delay := time.Duration(0)
	if !n.soon { // a unit's machines hear of a charter in one moment
		delay = time.Duration(chance() * float64(c.pace.spread))
	}
	for attempt := 0; ; attempt++ {
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case newer := <-c.notices:
			timer.Stop()
			return newer, true
		case <-ctx.Done():
			timer.Stop()
			return n, false
		}
		offered, err := c.fetch(ctx, n)
		if err != nil {
			c.log.Info("no charter from the server", "error", err)
			delay = c.pace.delay(attempt, err, chance())
			continue
		}
		if c.learn(offered) == nil {
			c.learnedUnder(n.pin)
			return n, false
		}
		delay = c.pace.again // the server's copy may be mended, or this clock
	}
}

// doubt notes what was not believed.
func (c *Charters) doubt(err error) {
	if c.Refused != nil {
		c.Refused(AboutCharter, err)
	}
}

// learn believes what the memory believes.
func (c *Charters) learn(o offer) error {
	now := time.Now()
	_, err := c.memory.Follow(o.rotations, now)
	if err == nil || errors.Is(err, trust.ErrNotKept) { // it counts all the same
		_, err = c.memory.Learn(o.charter, now)
	}
	c.recall()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.log.Warn("the server's charter is not believed", "error", err)
		c.doubt(err)
	} else {
		c.checked = true
		c.log.Info("charter", "epoch", c.epoch)
	}
	c.problem = err
	c.tell()
	return err
}
