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

// only picks lies by their names, for whoever looks into one.
var only = flag.String("lies", "", "tell the lies whose names match this `pattern`: . for all, some for a sample")

// benches is how many play at the same time: most of a lie is waiting.
const benches = 4

// job is one lie: told each time the message passes, in one scene.
type job struct {
	scene scene
	track track
	field string // such as Request.rights; empty for a lie about the whole message
	how   string
	early bool // told before anybody asks for anything
	late  bool // told by keeping the message back until another one has passed
	lie   func(is, others, past []byte) [][]byte
}

func (j job) String() string {
	if j.field == "" {
		return fmt.Sprintf("%s: %s: %s", j.scene.name, j.track, j.how)
	}
	return fmt.Sprintf("%s: %s: %s: %s", j.scene.name, j.track, j.field, j.how)
}

// repertoire is what is known before lying: an intervention of two others, an earlier
// one of the same two, and what passes in each scene.
type repertoire struct {
	others, past recording
	jobs         []job
}

// rehearse plays every scene honestly and makes the lies from what passed.
func rehearse(t *testing.T, b *bench) *repertoire {
	t.Helper()
	r := &repertoire{others: recording{}, past: recording{}}
	for _, s := range scenes() {
		var order []track
		listen := func(into recording) {
			var mu sync.Mutex
			b.liar.tell(func(p passing) [][]byte {
				mu.Lock()
				defer mu.Unlock()
				k := trackOf(p)
				if into[k] == nil {
					order = append(order, k)
				}
				into[k] = append(into[k], bytes.Clone(p.raw))
				return [][]byte{p.raw}
			}, nil)
		}
		b.leave()
		listen(r.others)
		b.stand = 1
		if o, err := s.play(b, true); err != nil || o != s.ends {
			t.Fatalf("%s between two others: %v, %v, %v", s.name, o, err, b.hindrance)
		}
		b.leave()
		b.stand = 0
		order = nil
		listen(r.past)
		if o, err := s.play(b, true); err != nil || o != s.ends {
			t.Fatalf("%s: %v, %v, %v", s.name, o, err, b.hindrance)
		}
		b.leave()
		r.add(s, order)
	}
	return r
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
	asked := slices.IndexFunc(order, func(k track) bool { return k.kind == "Ask" })
	for i, k := range order {
		raw := r.past[k][0]
		m := k.messageOf(raw)
		base := job{scene: s, track: k, early: i < asked || asked < 0}
		for _, w := range wholeLies() {
			j := base
			j.how, j.lie, j.late = w.name, w.make, w.make == nil
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
		j.field, j.how = names[len(names)-1], s.name
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
	void int
	bad  []string
}

// TestEvilServer tells lies and looks at what comes of them. It takes many minutes of waiting
// and is upset by a busy machine, so it is told to: -lies some for one lie about each field and
// each about a whole message, -lies . for all, or a pattern.
func TestEvilServer(t *testing.T) {
	if *only == "" {
		t.Skip("on demand: make evil")
	}
	nonces := &trust.Nonces{}
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
	t.Logf("%d lies: %d refused without a dialog, %d after it, %d changed nothing; %d were none", len(jobs), got.came[refused], got.came[asked], got.came[right], got.void)
}

// worth are the lies that change something, the slow ones first.
func (r *repertoire) worth() []job {
	pick := regexp.MustCompile(strings.TrimPrefix(*only, "some"))
	var list []job
	for _, j := range r.jobs {
		is, others := r.past[j.track][0], first(r.others[j.track])
		if j.field != "" && j.lie(is, others, others) == nil {
			continue
		}
		if pick.MatchString(j.String()) {
			list = append(list, j)
		}
	}
	if *only == "some" {
		list = sample(list)
	}
	slices.SortStableFunc(list, func(a, b job) int { return a.haste() - b.haste() })
	return list
}

// sample keeps the lies about whole messages, and of those about each field one, which is
// the same each time: fields next to each other are spoiled in different ways.
func sample(all []job) []job {
	of := map[string][]job{}
	var list []job
	var fields []string
	for _, j := range all {
		if j.field == "" {
			list = append(list, j)
			continue
		}
		name := fmt.Sprint(j.track, j.field)
		if of[name] == nil {
			fields = append(fields, name)
		}
		of[name] = append(of[name], j)
	}
	for i, name := range fields {
		list = append(list, of[name][i%len(of[name])])
	}
	return list
}

// haste is small for what takes long: those begin first.
func (j job) haste() int {
	switch {
	case j.track.kind == "Signal":
		return 0 // connecting is given up after 15 s
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

// tell plays a scene and lies about every message of one track.
func (b *bench) tell(r *repertoire, j job) result {
	begun := time.Now()
	l := &telling{job: j, from: r, held: map[*leg][]byte{}}
	b.liar.tell(l.pass, nil)
	f, _ := j.fate()
	b.quiet, b.await, b.hindrance = settled, patience, nil
	b.linger = j.late && j.track.kind == "Ask" // it goes on when the technician has gone
	if slices.Equal(f.may, []outcome{right}) {
		b.quiet = patience
	}
	if j.field == "" && j.early && (j.how == "dropped" || j.late) {
		b.await = 2 * settled // nothing will come of it
	}
	o, err := j.scene.play(b, j.early || b.pair == nil)
	b.liar.tell(nil, nil)
	l.mu.Lock()
	res := result{outcome: o, err: err, hindrance: b.hindrance, told: l.told, took: time.Since(begun)}
	l.mu.Unlock()
	if b.pair != nil {
		res.log = b.pair.log.String()
	}
	if j.early || err != nil || (b.pair != nil && b.pair.given) {
		b.leave()
	}
	return res
}

// telling is one lie under way.
type telling struct {
	job  job
	from *repertoire

	mu   sync.Mutex
	n    int // messages of the track so far
	told int
	held map[*leg][]byte // kept back
}

// pass is what goes on in place of a message.
func (l *telling) pass(p passing) [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := trackOf(p)
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
	if *only != "some" && *only != "." { // somebody looks on
		fmt.Fprintf(os.Stderr, "%6.2fs %s: told %d times: %v %v, %v\n", r.took.Seconds(), j, r.told, r.outcome, r.err, r.hindrance)
	}
	if r.told == 0 && r.err == nil && (strings.Contains(j.how, "the past") || slices.Contains([]string{"Bye", "Noted"}, j.track.kind)) {
		t.void++
		return // an earlier session of the same two says the same, or the last words came when all was over
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
