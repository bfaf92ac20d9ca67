// SPDX-License-Identifier: Apache-2.0

package evil

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assist/internal/trust"
	"assist/internal/wire"
)

// only picks lies by their names, for whoever looks into one. Without it a part is told
// that changes from day to day; day tells another day's.
var (
	only = flag.String("lies", "", "tell the lies whose names match this `pattern`: . for all")
	day  = flag.Int("day", int(time.Now().Unix()/86400), "tell the part of this day, counted from 1970")
)

// benches is how many play at the same time: a part of each lie is waiting.
const benches = 6

// job is one lie: told each time the message passes, in one scene.
type job struct {
	scene scene
	track track
	field string // such as Request.rights; empty for a lie about the whole message
	how   string
	class string // how, wherever the field lies
	late  bool   // told by keeping the message back until another one has passed
	lie   func(is, others, past []byte) [][]byte
}

func (j job) String() string {
	if j.field == "" {
		return fmt.Sprintf("%s: %s: %s", j.scene.name, j.track, j.how)
	}
	return fmt.Sprintf("%s: %s: %s: %s", j.scene.name, j.track, j.field, j.how)
}

// repertoire is what is known before lying: what passes in each scene between two others,
// and twice between the same two, so that it is known what is new each time.
type repertoire struct {
	others, past, again recording
	jobs                []job
}

// rehearse plays every scene honestly and makes the lies from what passed.
func rehearse(t *testing.T, b *bench) *repertoire {
	t.Helper()
	r := &repertoire{others: recording{}, past: recording{}, again: recording{}}
	for _, s := range scenes() {
		b.stand = 1
		b.listen(s, r.others)
		b.stand = 0
		order := b.listen(s, r.past)
		b.listen(s, r.again)
		r.add(s, order)
	}
	return r
}

// listen plays a scene honestly, keeps what passes, and returns the tracks that were not
// known before, in their order.
func (b *bench) listen(s scene, into recording) []track {
	b.t.Helper()
	var mu sync.Mutex
	var order []track
	b.liar.tell(func(p passing) [][]byte {
		mu.Lock()
		defer mu.Unlock()
		k := trackOf(p)
		if s.has(k.kind) {
			if into[k] == nil {
				order = append(order, k)
			}
			into[k] = append(into[k], bytes.Clone(p.raw))
		}
		return [][]byte{p.raw}
	}, nil)
	if o, err := s.play(b, true); err != nil || o != s.ends {
		b.t.Fatalf("%s: %v, %v, %v", s.name, o, err, b.hindrance)
	}
	b.leave()
	mu.Lock()
	defer mu.Unlock()
	return order
}

// nonces are those that a host remembers from before.
func (r *repertoire) nonces(t testing.TB) *trust.Nonces {
	seen := newNonces(t)
	for k, all := range r.past {
		for _, raw := range all {
			if ask, ok := k.messageOf(raw).(*wire.Ask); ok {
				seen.Seen(within(ask.Request).(*wire.Request).Nonce)
			}
		}
	}
	return seen
}

// complete: a message that no scene has is one that nobody lies about.
func (r *repertoire) complete(t *testing.T) {
	t.Helper()
	played := map[string]bool{}
	for k := range r.past {
		played[k.kind] = true
	}
	for name, m := range signalling(t) {
		_, signed := m.(wire.Signed)
		_, folded := m.(*wire.Envelope)
		if !signed && !folded && !played[name] {
			t.Errorf("nobody plays %s: give it a scene", name)
		}
	}
}

// add makes the lies of a scene about the messages that no scene before it has.
func (r *repertoire) add(s scene, order []track) {
	for _, k := range order {
		raw := r.past[k][0]
		m := k.messageOf(raw)
		base := job{scene: s, track: k}
		for _, w := range wholeLies() {
			j := base
			j.how, j.class, j.lie, j.late = w.name, w.name, w.make, w.make == nil
			r.jobs = append(r.jobs, j)
		}
		parts := takeApart(m)
		for _, at := range places(parts) {
			r.spoil(base, at, at.names(parts))
		}
	}
}

// spoil makes the lies about one field.
func (r *repertoire) spoil(base job, at place, names []string) {
	for _, s := range spoilings() {
		if !s.fits(names) {
			continue
		}
		j := base
		j.field, j.how, j.class = names[len(names)-1], s.name, s.name
		if len(names) > 1 {
			j.how += ", in " + strings.Join(names[:len(names)-1], " in ")
		}
		k := base.track
		j.lie = func(is, others, past []byte) [][]byte {
			parts := takeApart(k.messageOf(is))
			find := func(raw []byte) []byte {
				m := k.messageOf(raw)
				if raw == nil || m == nil {
					return nil
				}
				return at.find(takeApart(m), raw)
			}
			now := at.find(parts, is)
			if now == nil {
				return [][]byte{is}
			}
			with := s.make(now, find(others), find(past))
			if with == nil || bytes.Equal(with, now) {
				return nil // nothing to spoil in this way
			}
			return [][]byte{at.replace(parts, is, with)}
		}
		r.jobs = append(r.jobs, j)
	}
}

// tally is what came of all the lies.
type tally struct {
	mu   sync.Mutex
	came map[outcome]int
	kept map[string]bool // fields that some lie about changed nothing of
	void []string        // the few about last words that were not said
	bad  []string
}

// maxVoid is how many last words may not come before the ends are closed, on a busy machine.
const maxVoid = 3

// TestEvilServer tells lies and looks at what comes of them: every one about a whole
// message, and of those about each field one of each class. The same field travels in many
// messages; in which of them it is spoilt is another each day. make evil tells all.
func TestEvilServer(t *testing.T) {
	t.Parallel()
	nonces := newNonces(t)
	first := newBench(t, nonces)
	r := rehearse(t, first)
	r.complete(t)
	jobs := r.worth()
	queue := make(chan job, len(jobs))
	for _, j := range jobs {
		queue <- j
	}
	close(queue)
	got := &tally{came: map[outcome]int{}, kept: map[string]bool{}}
	var work sync.WaitGroup
	for i := range benches {
		b := first
		if i > 0 {
			b = newBench(t, nonces)
		}
		work.Go(func() {
			for j := range queue {
				got.note(j, b.tell(r, j))
			}
		})
	}
	work.Wait()
	for name, f := range fields() {
		if *only == "." && slices.Contains(f.may, right) && !got.kept[name] {
			t.Errorf("%s is harmless, says the table, but no lie about it was", name)
		}
	}
	for _, w := range got.bad {
		t.Error(w)
	}
	for _, w := range got.void {
		t.Log(w)
	}
	t.Logf("%d of %d lies, of day %d: %d refused without a dialog, %d after it, %d changed nothing",
		len(jobs), len(r.jobs), *day, got.came[refused], got.came[asked], got.came[right])
}

// worth are the lies to be told, of those that change something; the slow ones first.
func (r *repertoire) worth() []job {
	pick := regexp.MustCompile(*only)
	r.jobs = slices.DeleteFunc(r.jobs, func(j job) bool {
		return j.field != "" && j.lie(first(r.again[j.track]), first(r.others[j.track]), first(r.past[j.track])) == nil
	})
	list := slices.DeleteFunc(slices.Clone(r.jobs), func(j job) bool { return !pick.MatchString(j.String()) })
	if *only == "" {
		list = turn(list, *day)
	}
	slices.SortStableFunc(list, func(a, b job) int { return a.haste() - b.haste() })
	return list
}

// turn keeps the lies about whole messages, and of those about each field one of each
// class, which is the next one on the next day.
func turn(all []job, day int) []job {
	type about struct{ field, class string }
	alike := map[about]int{}
	for _, j := range all {
		alike[about{j.field, j.class}]++
	}
	met := map[about]int{}
	return slices.DeleteFunc(all, func(j job) bool {
		a := about{j.field, j.class}
		met[a]++
		return j.field != "" && met[a]-1 != day%alike[a]
	})
}

// haste is small for what takes long: those begin first.
func (j job) haste() int {
	switch {
	case j.track.kind == "Signal":
		return 0 // connecting is given up after a while
	case j.field == "":
		return 1
	}
	return 2
}

// result is what came of one lie.
type result struct {
	outcome   outcome
	err       error
	told      int // times that it changed something
	hindrance error
	took      time.Duration
	log       string
}

// tell plays a scene between ends that meet anew, and lies about every message of one track.
func (b *bench) tell(r *repertoire, j job) result {
	begun := time.Now()
	l := &telling{job: j, from: r, held: map[*leg][]byte{}}
	b.liar.tell(l.pass, nil)
	f, _ := j.fate()
	b.nonces, b.hindrance = r.nonces(b.t), nil
	b.lied = func() bool { return l.times() > 0 }
	b.vain = func() bool { return b.lied() && b.liar.still() > settled }
	b.patient = slices.Contains(f.may, right) && !slices.Contains(f.may, asked)
	b.linger = j.late && j.track.kind == "Ask" // it goes on when the technician has gone
	o, err := j.scene.play(b, true)
	if afterwards(j.track.kind) && o == right { // told when all is over
		until(patience/4, func() bool { return l.times() > 0 })
	}
	b.liar.tell(nil, nil)
	res := result{outcome: o, err: err, hindrance: b.hindrance, told: l.times(), took: time.Since(begun)}
	if b.pair != nil {
		res.log = b.pair.log.String()
	}
	if res.told == 0 {
		l.mu.Lock()
		res.log += strings.Join(l.seen, "\n")
		l.mu.Unlock()
	}
	b.leave()
	return res
}

// afterwards: what is said when all is over.
func afterwards(kind string) bool { return kind == "Noted" || kind == "Recorded" }

// telling is one lie under way.
type telling struct {
	job  job
	from *repertoire

	mu   sync.Mutex
	n    int // messages of the track so far
	told int
	held map[*leg][]byte // kept back
	seen []string        // what passed, for whoever looks into it
}

// times is how often it was told.
func (l *telling) times() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told
}

// pass is what goes on in place of a message.
func (l *telling) pass(p passing) [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := trackOf(p)
	l.seen = append(l.seen, k.String())
	if held := l.held[p.leg]; held != nil && p.up == l.job.track.up {
		delete(l.held, p.leg)
		return [][]byte{p.raw, held}
	}
	if k != l.job.track {
		return [][]byte{p.raw}
	}
	if l.job.late {
		l.told++
		l.held[p.leg] = p.raw
		return nil
	}
	out := l.job.lie(p.raw, nth(l.from.others[k], l.n), nth(l.from.past[k], l.n))
	l.n++
	if out == nil && l.job.field != "" {
		return [][]byte{p.raw}
	}
	l.told++
	return out
}

func nth(all [][]byte, i int) []byte {
	if len(all) == 0 {
		return nil
	}
	return all[min(i, len(all)-1)]
}

func first(all [][]byte) []byte { return nth(all, 0) }

func (t *tally) note(j job, r result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if *only != "" && *only != "." { // somebody looks on
		fmt.Fprintf(os.Stderr, "%6.2fs %s: told %d times: %v %v, %v\n", r.took.Seconds(), j, r.told, r.outcome, r.err, r.hindrance)
	}
	if r.told == 0 && r.err == nil && afterwards(j.track.kind) && r.outcome == right && len(t.void) < maxVoid {
		t.void = append(t.void, fmt.Sprintf("%s: not told\n%s", j, r.log))
		return
	}
	if r.told == 0 && r.err == nil {
		r.err = fmt.Errorf("%w: it was never told: %w", errWrong, r.hindrance)
	}
	t.came[r.outcome]++
	t.kept[j.field] = t.kept[j.field] || r.outcome == right
	f, known := j.fate()
	switch {
	case !known:
		t.bad = append(t.bad, fmt.Sprintf("%s: no line in the table says what must come of it; it was %v", j, r.outcome))
	case r.err != nil:
		t.bad = append(t.bad, fmt.Sprintf("%s: %v\n%s", j, r.err, r.log))
	case !slices.Contains(f.may, r.outcome):
		t.bad = append(t.bad, fmt.Sprintf("%s: %v, and must be %v\n%s", j, r.outcome, f.may, r.log))
	}
}
