// SPDX-License-Identifier: Apache-2.0

package evil

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assist/internal/refusal"
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
const benches = 8

// job is one lie: told each time the message passes, in one scene.
type job struct {
	scene scene
	track track
	field string // such as Request.rights; empty for a lie about the whole message
	how   string
	class string // how, wherever the field lies
	late  bool   // told by keeping the message back until another one has passed
	lie   func(is, others, past []byte) [][]byte
	// instead is told where the lie happens to be the truth this time: two sessions may end
	// for one reason, though those of the rehearsal did not.
	instead func(is []byte) [][]byte
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
	spent               string // a one-time code of the past's technician that is good no more
}

// rehearse plays every scene honestly and makes the lies from what passed.
func rehearse(t *testing.T, b *bench) *repertoire {
	t.Helper()
	r := &repertoire{others: recording{}, past: recording{}, again: recording{}}
	r.spent = b.ground.people[0].code(t, time.Now().Add(-time.Hour))
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
	last := lastWords()
	b.liar.tell(func(p passing) [][]byte {
		mu.Lock()
		defer mu.Unlock()
		k := trackOf(p)
		delete(last, k)
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
	said := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(last) == 0
	}
	if b.pair != nil && len(b.pair.kept()) > 0 && !until(patience, said) {
		b.t.Fatalf("%s: not said: %v", s.name, last)
	}
	b.novice = nil
	b.leave()
	mu.Lock()
	defer mu.Unlock()
	return order
}

// lastWords are what passes when a session is over.
func lastWords() map[track]bool {
	return map[track]bool{{hostSide, true, "Noted"}: true, {hostSide, false, "Recorded"}: true,
		{technicianSide, true, "Noted"}: true, {technicianSide, false, "Recorded"}: true}
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
			with := s.make(now, find(others), find(r.aged(past)))
			if with == nil || bytes.Equal(with, now) {
				return nil // nothing to spoil in this way
			}
			return [][]byte{at.replace(parts, is, with)}
		}
		j.instead = func(is []byte) [][]byte {
			parts := takeApart(k.messageOf(is))
			now := at.find(parts, is)
			return [][]byte{at.replace(parts, is, flipped(now, len(now)-1, 1))}
		}
		r.jobs = append(r.jobs, j)
	}
}

// tally is what came of all the lies.
type tally struct {
	mu   sync.Mutex
	came map[outcome]int
	kept map[string]bool // fields that some lie about changed nothing of
	mute map[string]bool // lies, by the names of their excuses, that left no line
	bad  []string
}

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
	got := &tally{came: map[outcome]int{}, kept: map[string]bool{}, mute: map[string]bool{}}
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
	for name := range silent() {
		if *only == "." && !got.mute[name] {
			t.Errorf("%s is said to leave no line, and always does", name)
		}
	}
	for _, w := range got.bad {
		t.Error(w)
	}
	t.Logf("%d of %d lies, of day %d: %d refused without a dialog, %d after it, %d changed nothing",
		len(jobs), len(r.jobs), *day, got.came[refused], got.came[asked], got.came[right])
}

// worth are the lies to be told, of those that change something, in the order of telling.
func (r *repertoire) worth() []job {
	pick := regexp.MustCompile(*only)
	r.jobs = slices.DeleteFunc(r.jobs, func(j job) bool {
		return j.field != "" && j.lie(first(r.again[j.track]), first(r.others[j.track]), first(r.past[j.track])) == nil
	})
	list := slices.DeleteFunc(slices.Clone(r.jobs), func(j job) bool { return !pick.MatchString(j.String()) })
	if *only == "" {
		list = turn(list, *day)
	}
	return mixed(list)
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

// mixed spreads what is slow, each kind in its own way, over the time: what waits leaves the
// machine to what works. Connecting, which is given up after a while, is not left to the end.
func mixed(list []job) []job {
	count := map[string]int{}
	for _, j := range list {
		count[j.pace()]++
	}
	met, when := map[string]int{}, map[string]float64{}
	for _, j := range list {
		at := float64(met[j.pace()]) / float64(count[j.pace()])
		met[j.pace()]++
		if j.pace() == "connects" {
			at *= 0.7
		}
		when[j.String()] = at
	}
	slices.SortStableFunc(list, func(a, b job) int { return cmp.Compare(when[a.String()], when[b.String()]) })
	return list
}

// pace is what takes the time of a lie: connecting waits, a password takes work, and what
// is dropped or late is waited for.
func (j job) pace() string {
	switch {
	case j.track.kind == "Signal":
		return "connects"
	case j.scene.name == "enrolment":
		return "hashes"
	case j.field == "":
		return "waits"
	}
	return ""
}

// result is what came of one lie.
type result struct {
	outcome   outcome
	err       error
	told      int // times that it changed something
	hindrance error
	took      time.Duration
	log       string
	lines     []refusal.Line
	mute      bool // the end that was lied to keeps nothing about it
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
	_, silence := j.excuse()
	b.owed = func() bool {
		return silence == "" && !slices.Contains(f.may, right) && !j.kept(b.playing())
	}
	b.linger = j.late && j.track.kind == "Ask" // it goes on when the technician has gone
	o, err := j.scene.play(b, true)
	if afterwards(j.track.kind) && o == right { // told when all is over
		until(patience, func() bool { return l.times() > 0 })
	}
	b.liar.tell(nil, nil)
	res := result{outcome: o, err: err, hindrance: b.hindrance, told: l.times(), took: time.Since(begun)}
	if e := b.playing(); e != nil {
		b.look(e, j, &res)
	}
	b.novice, b.owed = nil, nil
	if res.told == 0 {
		l.mu.Lock()
		res.log += strings.Join(l.seen, "\n")
		l.mu.Unlock()
	}
	b.leave()
	return res
}

// slow reports that a lie which may change nothing was merely not waited for.
func (r result) slow(f fate) bool {
	return slices.Contains(f.may, right) && errors.Is(r.hindrance, errSilence)
}

// playing are the ends of the last scene.
func (b *bench) playing() *ends {
	return cmp.Or(b.novice, b.pair)
}

// look finds out what the ends keep of a lie. What is refused may be kept a moment after
// the request has ended.
func (b *bench) look(e *ends, j job, res *result) {
	_, why := j.excuse()
	if f, _ := j.fate(); res.outcome != right && res.told > 0 && why == "" && res.err == nil && !res.slow(f) {
		until(patience/4, func() bool { return j.kept(e) })
	}
	res.mute = !j.kept(e)
	res.lines = e.lines()
	res.err = errors.Join(res.err, e.lasting())
	res.log = e.log.String()
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
		out = l.job.instead(p.raw)
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
		fmt.Fprintf(os.Stderr, "%6.2fs %s: told %d times: %v %v, %v, %v\n", r.took.Seconds(), j, r.told, r.outcome, r.err, r.hindrance, r.lines)
	}
	if r.told == 0 && r.err == nil {
		r.err = fmt.Errorf("%w: it was never told: %w", errWrong, r.hindrance)
	}
	t.came[r.outcome]++
	t.kept[j.field] = t.kept[j.field] || r.outcome == right
	f, known := j.fate()
	name, excuse := j.excuse()
	if (r.mute || errors.Is(r.hindrance, errSilence)) && r.outcome != right { // a line may come in the end
		t.mute[name] = true
	}
	switch {
	case r.mute && r.outcome != right && excuse == "" && r.err == nil && !r.slow(f):
		t.bad = append(t.bad, fmt.Sprintf("%s: %v, and the end keeps no line about it: %v\n%s", j, r.outcome, r.lines, r.log))
	case !known:
		t.bad = append(t.bad, fmt.Sprintf("%s: no line in the table says what must come of it; it was %v", j, r.outcome))
	case r.err != nil:
		t.bad = append(t.bad, fmt.Sprintf("%s: %v\n%s", j, r.err, r.log))
	case !slices.Contains(f.may, r.outcome):
		t.bad = append(t.bad, fmt.Sprintf("%s: %v, and must be %v\n%s", j, r.outcome, f.may, r.log))
	}
}
