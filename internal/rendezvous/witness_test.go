// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"assist/internal/trust"
	"assist/internal/wire"
)

// book is the journal of a test's server: its tree, of entries that do not matter.
type book struct {
	t      *testing.T
	key    *trust.JournalKey
	stored []tlog.Hash
	size   int64
}

func newBook(t *testing.T, entries ...string) *book {
	t.Helper()
	key, err := trust.NewJournalKey()
	if err != nil {
		t.Fatal(err)
	}
	b := &book{t: t, key: key}
	for _, e := range entries {
		b.add(e)
	}
	return b
}

// ReadHashes makes a book a tlog.HashReader.
func (b *book) ReadHashes(positions []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, p := range positions {
		out = append(out, b.stored[p])
	}
	return out, nil
}

func (b *book) add(entry string) {
	b.t.Helper()
	fresh, err := tlog.StoredHashes(b.size, []byte(entry), b)
	if err != nil {
		b.t.Fatal(err)
	}
	b.stored = append(b.stored, fresh...)
	b.size++
}

// answer is the checkpoint for an end that has kept a size.
func (b *book) answer(kept uint64) *wire.Checkpoint {
	b.t.Helper()
	root, err := tlog.TreeHash(b.size, b)
	if err != nil {
		b.t.Fatal(err)
	}
	note, err := b.key.SignCheckpoint(b.size, root, time.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	m := &wire.Checkpoint{Key: b.key.Public(), Note: note}
	if from := int64(kept); from > 0 && from < b.size {
		proof, err := tlog.ProveTree(b.size, from, b)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, h := range proof {
			m.Proof = append(m.Proof, h[:]...)
		}
	}
	return m
}

// shows answers the next CheckpointAsk.
func (p *peer) shows(b *book) {
	p.t.Helper()
	p.send(b.answer(expect[*wire.CheckpointAsk](p).Size))
}

// witnessing starts a host that keeps what it sees.
func witnessing(t *testing.T, s *server) *Host {
	t.Helper()
	key, err := trust.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	h, err := NewHost(s.config(), key)
	if err != nil {
		t.Fatal(err)
	}
	h.open = s.open
	keepRunning(t, h)
	return h
}

// Neither end is made without a witness: who leaves it out would believe any journal.
func TestWithoutAWitnessThereIsNoClient(t *testing.T) {
	full := Config{Server: "assist.example:443", Pin: [32]byte{1}, Witness: newWitness(t), Log: quiet()}
	for name, strip := range map[string]func(*Config){
		"server": func(c *Config) { c.Server = "" }, "witness": func(c *Config) { c.Witness = nil }, "log": func(c *Config) { c.Log = nil },
	} {
		c := full
		strip(&c)
		if _, err := NewHost(c, nil); !errors.Is(err, ErrConfig) {
			t.Errorf("host without %s: %v", name, err)
		}
		if _, err := NewTechnician(c, nil); !errors.Is(err, ErrConfig) {
			t.Errorf("technician without %s: %v", name, err)
		}
	}
}

// Nothing that the server says is acted upon before it has shown its journal, and
// nothing of it is lost.
func TestNothingBeforeTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t)
		h := witnessing(t, s)
		b := newBook(t, "a")
		p := s.next()
		p.host()
		ask := expect[*wire.CheckpointAsk](p)
		p.send(&wire.Ring{Session: session})
		synctest.Wait()
		if h.State().Phase == Ready || len(h.Calls()) != 0 {
			t.Errorf("acted: %+v", h.State())
		}
		p.send(b.answer(ask.Size))
		b.add("b")
		p.shows(b) // once more, for the request
		if c := <-h.Calls(); c.Ring().Session != session || h.State().Phase != Ready {
			t.Errorf("called for %v, %+v", c.Ring().Session, h.State())
		}
	})
}

// A history that was rewritten or cut: no session, and the person is told.
func TestRewrittenJournalIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t)
		h := witnessing(t, s)
		b := newBook(t, "a", "b", "c")
		p := s.next()
		p.host()
		p.shows(b)
		synctest.Wait()
		forged := newBook(t, "a", "X", "c", "d")
		forged.key = b.key
		p.send(&wire.Ring{Session: session})
		p.shows(forged)
		synctest.Wait()
		if st := h.State(); st.Phase != Refused || !errors.Is(st.Err, ErrHistory) || len(h.Calls()) != 0 {
			t.Errorf("after another history: %+v, %d calls", st, len(h.Calls()))
		}
		again := s.next() // and it stays refused
		again.host()
		again.shows(forged)
		synctest.Wait()
		if st := h.State(); st.Phase != Refused || !errors.Is(st.Err, ErrHistory) {
			t.Errorf("tried again: %+v", st)
		}
		honest := s.next()
		honest.host()
		honest.shows(b)
		synctest.Wait()
		if st := h.State(); st.Phase != Ready {
			t.Errorf("the true one: %+v", st)
		}
	})
}

// A request that ends while the journal is being shown reaches nobody.
func TestRequestThatEndedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t)
		h := witnessing(t, s)
		b := newBook(t, "a")
		p := s.next()
		p.host()
		p.shows(b)
		p.send(&wire.Ring{Session: session})
		ask := expect[*wire.CheckpointAsk](p)
		p.send(&wire.Bye{Session: session, Reason: wire.EndCancelled})
		p.send(b.answer(ask.Size))
		synctest.Wait()
		if len(h.Calls()) != 0 {
			t.Error("called")
		}
	})
}

// Another connection of the same app was faster: the server is asked again, from what
// that one kept, at the beginning and before a session.
func TestOvertakenQuestionIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t)
		h := witnessing(t, s)
		b := newBook(t, "a")
		other := func(entry string) { // what the other connection keeps meanwhile
			sight, err := h.cfg.Witness.Look()
			if err != nil {
				t.Fatal(err)
			}
			b.add(entry)
			if err := sight.See(b.answer(sight.Size())); err != nil {
				t.Fatal(err)
			}
		}
		p := s.next()
		p.host()
		late := b.answer(expect[*wire.CheckpointAsk](p).Size)
		other("b")
		p.send(late)
		p.shows(b)
		p.send(&wire.Ring{Session: session})
		ask := expect[*wire.CheckpointAsk](p)
		other("c")
		b.add("d")
		p.send(b.answer(ask.Size))
		if again := expect[*wire.CheckpointAsk](p); again.Size != 3 {
			t.Errorf("asked from %d", again.Size)
		}
		p.send(b.answer(3))
		if c := <-h.Calls(); c.Ring().Session != session || h.State().Phase != Ready {
			t.Errorf("called for %v, %+v", c.Ring().Session, h.State())
		}
	})
}

// A checkpoint that nobody asked for breaks the protocol.
func TestCheckpointUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t)
		h := witnessing(t, s)
		b := newBook(t, "a")
		p := s.next()
		p.host()
		p.shows(b)
		p.send(b.answer(1))
		synctest.Wait()
		if st := h.State(); !errors.Is(st.Err, ErrServer) {
			t.Errorf("state is %+v", st)
		}
	})
}

func TestRequestWaitsForTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServer(t)
		h := witnessing(t, s) // any client has the same way
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.current(ctx); !errors.Is(err, ErrOffline) {
			t.Errorf("without a connection: %v", err)
		}
		b := newBook(t, "a")
		p := s.next()
		p.host()
		p.shows(b)
		synctest.Wait()
		done := make(chan error, 1)
		go func() { done <- h.current(t.Context()) }()
		p.shows(b)
		if err := <-done; err != nil {
			t.Error(err)
		}
		go func() { done <- h.current(t.Context()) }()
		expect[*wire.CheckpointAsk](p)
		p.drop()
		if err := <-done; !errors.Is(err, ErrLost) {
			t.Errorf("lost: %v", err)
		}
	})
}
