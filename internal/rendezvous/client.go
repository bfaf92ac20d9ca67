// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"assist/internal/wire"
)

// Goodbyes are kept for a server that is away: how many, and for how long.
const (
	maxByes = 16
	byeLife = time.Hour
)

// goodbye is one that was said, and when.
type goodbye struct {
	bye *wire.Bye
	at  time.Time
}

// Why a message of the server's is thrown away.
const (
	dropForeign = iota // for a session that is not known any more
	dropStale          // came twice
	dropGap            // an earlier one is missing, or nobody takes them
	dropBye            // a goodbye that could not be sent
	dropNote           // a record that was too old to be kept
	dropReasons
)

// client is what host and technician have in common: one connection, made again
// when it is lost, and the lines on it.
type client struct {
	cfg  Config
	pace pace
	open dialFunc
	log  *slog.Logger
	// greet says who this client is and returns when it is let in.
	greet func(ctx context.Context, l *link) (ready, error)
	// handle takes a message that is not for a line.
	handle func(m wire.FromServer) error
	// final says that trying again is no use.
	final func(err error) bool
	// first and again have the server show its journal: before anything else, and at the
	// beginning of each session. Tests of other things believe it blindly.
	first func(ctx context.Context, l *link) error
	again func(then func(error))
	// eager says that a person waits for a new charter even while there is no line.
	eager bool
	// person says that somebody signs in, and may mistype.
	person bool

	changed chan struct{} // one slot
	// drops counts what was thrown away, by reason.
	drops [dropReasons]atomic.Uint64

	mu      sync.Mutex
	state   State
	link    *link         // nil while there is none
	swap    chan struct{} // closed and replaced when link changes
	lines   map[wire.SessionID]*line
	gone    []wire.SessionID // of the latest lines that were forgotten, oldest first
	byes    []goodbye        // the latest, oldest first
	notes   []noted          // likewise
	retold  int              // of notes, since the last of them was taken
	reports []kept           // likewise

	checks []check // questions to the server under way, in order
}

func newClient(cfg Config) *client {
	if cfg.Refused == nil {
		cfg.Refused = func(string, error) {}
	}
	c := &client{
		cfg: cfg, pace: standardPace(), open: (&net.Dialer{}).DialContext, log: cfg.Log,
		final:   func(error) bool { return false },
		changed: make(chan struct{}, 1), swap: make(chan struct{}), lines: map[wire.SessionID]*line{},
	}
	c.first, c.again = c.witnessed, c.once
	return c
}

// State is where the connection stands.
func (c *client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Changed has a value after each change of State.
func (c *client) Changed() <-chan struct{} { return c.changed }

// publish replaces the state and leaves a note in changed's slot.
func (c *client) publish(s State) {
	c.mu.Lock()
	if s.Unit == "" { // what the server said last stays true while it is away
		s.Unit, s.STUN = c.state.Unit, c.state.STUN
	}
	c.state = s
	c.mu.Unlock()
	c.nudge()
}

// nudge leaves a note in changed's slot.
func (c *client) nudge() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

func (c *client) dropped(why int) { c.drops[why].Add(1) }

func (c *client) logDrops() {
	c.log.Info("left the server", "foreign", c.drops[dropForeign].Load(), "stale", c.drops[dropStale].Load(),
		"gaps", c.drops[dropGap].Load(), "goodbyes", c.drops[dropBye].Load(), "records", c.drops[dropNote].Load())
}

// connect makes a connection and is let in.
func (c *client) connect(ctx context.Context) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, c.pace.dial)
	defer cancel()
	l, err := c.reach(ctx)
	if err != nil {
		c.doubt(AboutServer, err)
		return nil, err
	}
	if l.ready, err = c.greet(ctx, l); err == nil {
		err = c.first(ctx, l)
	}
	if err != nil {
		c.doubt(c.turnedAway(err), err)
		l.drop()
		return nil, err
	}
	return l, nil
}

// run keeps a connection until ctx ends or trying is no use. It may be given
// one that is already up.
func (c *client) run(ctx context.Context, l *link) error {
	defer c.logDrops()
	for attempt := 0; ; attempt++ {
		var err error
		if l == nil {
			c.publish(State{Phase: Connecting})
			if l, err = c.connect(ctx); err == nil {
				c.up(l)
			}
		}
		if l != nil {
			begun := time.Now()
			err = c.serve(ctx, l)
			c.doubt(AboutServer, err)
			if time.Since(begun) >= c.pace.stable {
				attempt = 0
			}
			l = nil
		}
		switch {
		case ctx.Err() != nil:
			c.publish(State{})
			return ctx.Err()
		case c.final(err):
			c.publish(State{Phase: Refused, Err: err})
			return err
		case !c.wait(ctx, attempt, err):
			c.publish(State{})
			return ctx.Err()
		}
	}
}

// wait publishes why there is no connection, and lets the time to the next
// attempt pass; false when ctx ended.
func (c *client) wait(ctx context.Context, attempt int, err error) bool {
	delay := c.pace.delay(attempt, err, chance())
	s := State{Phase: Waiting, RetryAt: time.Now().Add(delay), Err: err}
	if isRefusal(err) {
		s.Phase = Refused
	}
	c.publish(s)
	c.log.Info("no connection to the server", "retryIn", delay.Round(time.Millisecond), "error", err)
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// chance, in [0,1), spreads what many clients do at the same time. It keeps no secret.
func chance() float64 { return rand.Float64() }

// isRefusal tells a server that says no, or is another, from one that is away.
func isRefusal(err error) bool {
	var no *RefusedError
	return errors.As(err, &no) || errors.Is(err, ErrHistory) || errors.Is(err, ErrWitness) || errors.Is(err, ErrPin) || errors.Is(err, ErrVersion)
}

// delay doubles from attempt to attempt. chance, in [0,1), spreads the clients
// of a server that restarts.
func (p pace) delay(attempt int, err error, chance float64) time.Duration {
	d := p.most
	if attempt < 16 {
		d = min(p.first<<attempt, p.most)
	}
	if isRefusal(err) {
		d = max(d, p.sulk)
	}
	d = d/2 + time.Duration(chance*float64(d/2))
	var no *RefusedError
	if errors.As(err, &no) {
		d = max(d, no.Wait)
	}
	return d
}

// Three goroutines share a connection: the one in serve reads and hands out what
// it reads, one writes what is queued, one asks for signs of life. Whichever
// finds the connection lost severs it; the reader then notices, and serve clears
// up. Nothing the reader does waits for an owner, so a slow session cannot hold
// up the goodbye of another.

// serve carries messages until the connection is lost or ctx ends; then the
// last ones still leave. It returns when nothing of the connection is left.
func (c *client) serve(ctx context.Context, l *link) error {
	writing, stop := context.WithCancel(ctx)
	defer stop()
	unwatch := context.AfterFunc(ctx, func() { time.AfterFunc(c.pace.linger, l.sever) })
	defer unwatch()
	var work sync.WaitGroup
	lost := make(chan struct{})
	work.Go(func() { c.write(writing, l, lost) })
	work.Go(func() { c.ping(writing, l) })
	// Reading goes on until the goodbyes have left: a read that is cancelled
	// takes the connection with it.
	err := c.read(context.WithoutCancel(ctx), l)
	close(lost)
	stop()
	c.down()
	l.sever()
	work.Wait()
	l.drop()
	return err
}

// read hands out messages until there are no more, or one breaks the protocol.
func (c *client) read(ctx context.Context, l *link) error {
	for _, m := range l.early {
		if err := c.dispatch(m); err != nil {
			return err
		}
	}
	for {
		m, err := l.receive(ctx)
		if err == nil {
			err = c.dispatch(m)
		}
		if err != nil {
			return err
		}
	}
}

// write sends what is queued. When ctx ends it sends the rest and closes the
// connection in good order, unless it is lost anyway; serve sees to it that this
// takes no longer than linger.
func (c *client) write(ctx context.Context, l *link, lost <-chan struct{}) {
	for {
		select {
		case b := <-l.outbox:
			if !c.writeOne(ctx, l, b) {
				l.sever()
				return
			}
			continue
		case <-lost:
			return
		case <-ctx.Done():
		}
		if c.flush(ctx, l) {
			_ = l.ws.Close(websocket.StatusNormalClosure, "")
		}
		l.sever()
		return
	}
}

func (c *client) flush(ctx context.Context, l *link) bool {
	for {
		select {
		case b := <-l.outbox:
			if !c.writeOne(ctx, l, b) {
				return false
			}
		default:
			return true
		}
	}
}

// writeOne writes in bounded time: a server that does not read is as good as lost.
func (c *client) writeOne(ctx context.Context, l *link, b []byte) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.pace.write)
	defer cancel()
	return l.write(ctx, b) == nil
}

// ping asks the server for a sign of life now and then; without one the
// connection is cut.
func (c *client) ping(ctx context.Context, l *link) {
	tick := time.NewTicker(c.pace.ping)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		one, cancel := context.WithTimeout(ctx, c.pace.pong)
		err := l.ws.Ping(one)
		cancel()
		if err != nil && ctx.Err() == nil {
			l.sever()
			return
		}
		c.mu.Lock()
		c.retell(l) // the server's disk may have been full
		c.remind(l)
		c.mu.Unlock()
	}
}

// up makes a connection the current one, and repeats the latest goodbyes: one
// that was on its way when the last connection was lost may not have arrived.
func (c *client) up(l *link) {
	c.mu.Lock()
	c.retold = 0
	c.retell(l) // before the goodbyes: what happened first is said first
	for _, b := range c.byes {
		if time.Since(b.at) < byeLife {
			c.queue(l, b.bye)
		}
	}
	c.remind(l)
	c.link = l
	c.swapped()
	c.mu.Unlock()
	c.publish(State{Phase: Ready, Unit: l.challenge.Unit, Address: l.ready.address, STUN: l.ready.stun})
}

// down forgets the connection, and with it the requests not yet answered.
func (c *client) down() {
	c.mu.Lock()
	c.link = nil
	c.swapped()
	lines := slices.Collect(maps.Values(c.lines))
	c.mu.Unlock()
	for _, l := range lines {
		l.dropped()
	}
	c.unanswered()
}

// swapped tells who waits that link has changed; mu is held.
func (c *client) swapped() {
	close(c.swap)
	c.swap = make(chan struct{})
}

// outbox is where messages for the server go, nil while there is no connection,
// and what is closed when that changes.
func (c *client) outbox() (chan<- []byte, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link == nil {
		return nil, c.swap
	}
	return c.link.outbox, c.swap
}

// bye tells the server, now or when it is there again.
func (c *client) bye(id wire.SessionID, reason wire.EndReason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := goodbye{&wire.Bye{Session: id, Reason: reason}, time.Now()}
	if len(c.byes) == maxByes {
		c.byes = slices.Delete(c.byes, 0, 1)
	}
	c.byes = append(c.byes, b)
	if c.link != nil {
		c.queue(c.link, b.bye)
	}
}

// queue never waits.
func (c *client) queue(l *link, m wire.FromClient) {
	b, err := wire.Marshal(m)
	if err != nil {
		c.dropped(dropBye)
		return
	}
	select {
	case l.outbox <- b:
	default:
		c.dropped(dropBye)
	}
}

// add makes a line known; false when its session is known already.
func (c *client) add(l *line) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lines[l.id] != nil {
		return false
	}
	c.lines[l.id] = l
	return true
}

// find is the line of a session, or nil: its goodbye and this message crossed.
func (c *client) find(id wire.SessionID) *line {
	l := c.known(id)
	if l == nil {
		c.dropped(dropForeign)
		c.strange(id)
	}
	return l
}

// known is the line of a session, or nil.
func (c *client) known(id wire.SessionID) *line {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lines[id]
}

// dispatch gives a message to its line; an error ends the connection.
func (c *client) dispatch(m wire.FromServer) error {
	switch m := m.(type) {
	case *wire.Signal:
		if l := c.find(m.Session); l != nil {
			l.take(m)
		}
	case *wire.Bye:
		if l := c.find(m.Session); l != nil && !l.report {
			l.finish(m.Reason, ErrEnded)
		}
	case *wire.Refused:
		if m.Session == (wire.SessionID{}) {
			return refused(m)
		}
		if c.unheard(m) {
			return nil
		}
		if l := c.find(m.Session); l != nil {
			c.cfg.Refused(l.about(), refused(m))
			l.finish(wire.EndServerStopped, refused(m))
		}
	case *wire.Recorded:
		c.recorded(m)
	case *wire.Checkpoint:
		return c.checkpointed(m)
	case *wire.CharterNotice:
		c.tellCharters(m)
	default:
		return c.handle(m)
	}
	return nil
}

func refused(m *wire.Refused) *RefusedError {
	return &RefusedError{Why: m.Why, Wait: time.Duration(m.Wait) * time.Second}
}
