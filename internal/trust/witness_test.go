// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"assist/internal/wire"
)

// history is a journal's tree, grown in memory.
type history struct {
	t      *testing.T
	key    *JournalKey
	stored []tlog.Hash
	roots  []tlog.Hash // by size
	late   time.Duration
}

func newHistory(t *testing.T, entries ...string) *history {
	h := &history{t: t, key: must(NewJournalKey())(t), roots: []tlog.Hash{{}}}
	for _, e := range entries {
		h.add(e)
	}
	return h
}

func (h *history) ReadHashes(positions []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, p := range positions {
		out = append(out, h.stored[p])
	}
	return out, nil
}

func (h *history) add(entry string) {
	h.t.Helper()
	fresh := must(tlog.StoredHashes(int64(len(h.roots)-1), []byte(entry), h))(h.t)
	h.stored = append(h.stored, fresh...)
	h.roots = append(h.roots, must(tlog.TreeHash(int64(len(h.roots)), h))(h.t))
}

// answer is what an honest server says to an end that has kept a size.
func (h *history) answer(kept uint64) *wire.Checkpoint {
	h.t.Helper()
	size := int64(len(h.roots) - 1)
	return &wire.Checkpoint{Key: h.key.Public(), Note: must(h.key.SignCheckpoint(size, h.roots[size], moment.Add(h.late)))(h.t), Proof: h.proof(int64(kept))}
}

func (h *history) proof(from int64) []byte {
	h.t.Helper()
	size := int64(len(h.roots) - 1)
	if from < 1 || from >= size {
		return nil
	}
	var out []byte
	for _, hash := range must(tlog.ProveTree(size, from, h))(h.t) {
		out = append(out, hash[:]...)
	}
	return out
}

var moment = time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC)

func newWitness(t *testing.T) (*Witness, *UnitKey) {
	t.Helper()
	unit := must(NewUnitKey())(t)
	w := must(NewWitness(t.TempDir(), unit.Public(), nil))(t)
	w.now = func() time.Time { return moment }
	return w, unit
}

// sees asks as an app does.
func (w *Witness) sees(t *testing.T, h *history) error {
	t.Helper()
	s := must(w.Look())(t)
	return s.See(h.answer(s.Size()))
}

func (w *Witness) size(t *testing.T) uint64 {
	t.Helper()
	return must(w.Look())(t).Size()
}

func TestWitnessKeepsWhatContinues(t *testing.T) {
	w, _ := newWitness(t)
	h := newHistory(t)
	for size := uint64(1); size <= 40; size++ {
		h.add(fmt.Sprint(size))
		if size%3 == 0 {
			continue // not every one is seen
		}
		if err := w.sees(t, h); err != nil || w.size(t) != size {
			t.Fatalf("size %d: %v, kept %d", size, err, w.size(t))
		}
		if err := w.sees(t, h); err != nil {
			t.Fatalf("the same again: %v", err)
		}
	}
	again := must(NewWitness(filepath.Dir(w.path), w.pinned, nil))(t)
	if again.size(t) != 40 {
		t.Errorf("after a restart it is %d", again.size(t))
	}
}

func TestWitnessRefusesAnotherHistory(t *testing.T) {
	honest := []string{"a", "b", "c", "d", "e", "f"}
	for name, others := range map[string][]string{
		"cut":              honest[:5],
		"emptied":          nil,
		"one changed":      {"a", "b", "X", "d", "e", "f"},
		"one changed, on":  {"a", "b", "X", "d", "e", "f", "g"},
		"one missing, on":  {"a", "b", "d", "e", "f", "g", "h"},
		"one added before": {"0", "a", "b", "c", "d", "e", "f"},
		"two swapped":      {"b", "a", "c", "d", "e", "f"},
	} {
		w, _ := newWitness(t)
		h := newHistory(t, honest...)
		if err := w.sees(t, h); err != nil {
			t.Fatal(err)
		}
		forged := newHistory(t, others...)
		forged.key = h.key // the server's key is in its hands
		for range 2 {      // and it stays refused
			if err := w.sees(t, forged); !errors.Is(err, ErrHistory) || w.size(t) != 6 {
				t.Errorf("%s: %v, kept %d", name, err, w.size(t))
			}
		}
		h.add("g")
		if err := w.sees(t, h); err != nil {
			t.Errorf("%s: then the true one is refused: %v", name, err)
		}
	}
}

// Two connections of one app look at the same moment: they cannot be shown two
// histories, and one of another length is asked for again.
func TestTwoConnectionsSeeOneHistory(t *testing.T) {
	for _, first := range []string{"", "a"} { // nothing kept yet, or something
		w, _ := newWitness(t)
		h := newHistory(t, "a")
		if first != "" {
			if err := w.sees(t, h); err != nil {
				t.Fatal(err)
			}
		}
		sights := []*Sight{must(w.Look())(t), must(w.Look())(t), must(w.Look())(t), must(w.Look())(t)}
		forged := newHistory(t, "a", "X")
		longer := newHistory(t, "a", "X", "c")
		forged.key, longer.key = h.key, h.key
		h.add("b")
		from := sights[0].Size()
		for i, c := range []struct {
			shown *history
			want  error
		}{{h, nil}, {h, nil}, {forged, ErrHistory}, {longer, ErrRaced}} {
			if err := sights[i].See(c.shown.answer(from)); !errors.Is(err, c.want) {
				t.Errorf("connection %d: %v, want %v", i, err, c.want)
			}
		}
		if err := w.sees(t, longer); !errors.Is(err, ErrHistory) {
			t.Errorf("asked again: %v", err)
		}
		if err := w.sees(t, h); err != nil || w.size(t) != 2 {
			t.Errorf("the true one: %v, kept %d", err, w.size(t))
		}
	}
}

func TestWitnessRefusesAnotherKeyAndBadProofs(t *testing.T) {
	w, _ := newWitness(t)
	h := newHistory(t, "a", "b", "c")
	if err := w.sees(t, h); err != nil {
		t.Fatal(err)
	}
	h.add("d")
	h.add("e")
	other := *h
	other.key = must(NewJournalKey())(t)
	if err := w.sees(t, &other); !errors.Is(err, ErrHistory) {
		t.Errorf("another key: %v", err)
	}
	good := h.answer(3)
	for i := range good.Proof {
		bad := *good
		bad.Proof = bytes.Clone(good.Proof)
		bad.Proof[i] ^= 1
		if err := must(w.Look())(t).See(&bad); !errors.Is(err, ErrHistory) {
			t.Fatalf("proof byte %d: %v", i, err)
		}
	}
	for _, cut := range [][]byte{nil, good.Proof[:31], good.Proof[:32], append(bytes.Clone(good.Proof), make([]byte, 32)...)} {
		bad := *good
		bad.Proof = cut
		if err := must(w.Look())(t).See(&bad); !errors.Is(err, ErrHistory) {
			t.Errorf("proof of %d bytes: %v", len(cut), err)
		}
	}
	for i := range good.Note {
		bad := *good
		bad.Note = bytes.Clone(good.Note)
		bad.Note[i] ^= 1
		if err := must(w.Look())(t).See(&bad); !errors.Is(err, ErrCheckpoint) {
			t.Fatalf("note byte %d: %v", i, err)
		}
	}
}

// Two connections of one app ask at the same time; the answers cross. None is an
// alarm; the one that was overtaken is asked for again.
func TestAnswersThatCrossAreNoAlarm(t *testing.T) {
	w, _ := newWitness(t)
	h := newHistory(t, "a", "b")
	if err := w.sees(t, h); err != nil {
		t.Fatal(err)
	}
	first, second := must(w.Look())(t), must(w.Look())(t)
	h.add("c")
	early := h.answer(first.Size())
	h.add("d")
	late := h.answer(second.Size())
	if err := second.See(late); err != nil {
		t.Error(err)
	}
	if err := first.See(early); !errors.Is(err, ErrRaced) || errors.Is(err, ErrHistory) {
		t.Errorf("overtaken: %v", err)
	}
	if err := w.sees(t, h); err != nil {
		t.Errorf("asked again: %v", err)
	}
	if w.size(t) != 4 {
		t.Errorf("kept %d", w.size(t))
	}
}

// restarted is an answer with the unit's word for a history.
func (h *history) restarted(t *testing.T, kept uint64, unit *UnitKey, r Restart) *wire.Checkpoint {
	t.Helper()
	m := h.answer(kept)
	m.Restart = must(unit.SignRestart(r))(t)
	m.RestartProof = h.proof(r.Size)
	return m
}

func TestRestoredHistoryNeedsTheUnitKey(t *testing.T) {
	w, unit := newWitness(t)
	if err := w.sees(t, newHistory(t, "a", "b", "c", "d")); err != nil {
		t.Fatal(err)
	}
	restored := newHistory(t, "a", "b", "restarted")
	word := Restart{Issued: moment.Unix(), Key: restored.key.Public(), Size: 3, Root: restored.roots[3]}
	restored.add("x")
	stranger := must(NewUnitKey())(t)
	future, otherKey, otherRoot := word, word, word
	future.Issued += 3600
	otherKey.Key = must(NewJournalKey())(t).Public()
	otherRoot.Root[0] ^= 1
	tooLong := word
	tooLong.Size = 9
	for name, m := range map[string]*wire.Checkpoint{
		"none":           restored.answer(4),
		"a stranger's":   restored.restarted(t, 4, stranger, word),
		"of tomorrow":    restored.restarted(t, 4, unit, future),
		"of another key": restored.restarted(t, 4, unit, otherKey),
		"another root":   restored.restarted(t, 4, unit, otherRoot),
		"a longer one":   restored.restarted(t, 4, unit, tooLong),
	} {
		if err := must(w.Look())(t).See(m); !errors.Is(err, ErrHistory) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := restored.restarted(t, 4, unit, word)
	if err := must(w.Look())(t).See(good); err != nil || w.size(t) != 4 {
		t.Fatalf("the unit's own: %v", err)
	}
	// One word allows one new beginning.
	again := newHistory(t, "a", "b", "restarted", "y")
	again.key = restored.key
	if err := must(w.Look())(t).See(again.restarted(t, 4, unit, word)); !errors.Is(err, ErrHistory) {
		t.Errorf("used twice: %v", err)
	}
}

// A restart lies on the server for ever, and is handed to everybody. An app that has seen
// it, needed or not, or that keeps what was signed after it, is not forgiven by it again.
func TestARestartForgivesNothingLater(t *testing.T) {
	type shown struct {
		size    int // entries
		late    time.Duration
		restart bool
	}
	for name, seen := range map[string][]shown{
		"joined after it":                       {{6, 5 * time.Minute, true}},
		"joined after it, in its second":        {{6, 0, true}},
		"kept what the copy had":                {{2, -time.Hour, false}, {6, 0, true}},
		"it was held back":                      {{6, time.Second, false}},
		"held back, and then a clock went back": {{5, time.Second, false}, {6, -time.Hour, false}, {7, -time.Hour, false}},
		"it came with what was kept already":    {{6, 0, false}, {6, 0, true}},
		"it came once":                          {{5, 0, true}, {6, -time.Hour, false}},
	} {
		t.Run(name, func(t *testing.T) {
			w, unit := newWitness(t)
			whole := newHistory(t, "a", "b", "restarted")
			word := Restart{Issued: moment.Unix(), Key: whole.key.Public(), Size: 3, Root: whole.roots[3]}
			for _, s := range seen {
				h := newHistory(t, []string{"a", "b", "restarted", "x", "y", "z", "zz"}[:s.size]...)
				h.key, h.late = whole.key, s.late
				sight := must(w.Look())(t)
				m := h.answer(sight.Size())
				if s.restart {
					m = h.restarted(t, sight.Size(), unit, word)
				}
				if err := sight.See(m); err != nil || w.size(t) != uint64(s.size) {
					t.Fatalf("the true one, of %d: %v", s.size, err)
				}
			}
			forged := newHistory(t, "a", "b", "restarted", "X", "X", "X", "X", "X")
			forged.key = whole.key
			for _, forged.late = range []time.Duration{-2 * time.Hour, 2 * time.Hour} {
				if err := must(w.Look())(t).See(forged.restarted(t, w.size(t), unit, word)); !errors.Is(err, ErrHistory) {
					t.Fatalf("what was written after the restart is rewritten: %v", err)
				}
			}
			again := word
			again.Issued = moment.Add(9 * time.Minute).Unix()
			if err := must(w.Look())(t).See(forged.restarted(t, w.size(t), unit, again)); err != nil {
				t.Errorf("one that the unit signed later: %v", err)
			}
		})
	}
}

// Two connections at once, one of them shown a restart with what was kept already: it stays
// used.
func TestARestartThatWasSeenIsNotForgotten(t *testing.T) {
	w, unit := newWitness(t)
	h := newHistory(t, "a", "b", "c")
	if err := w.sees(t, h); err != nil {
		t.Fatal(err)
	}
	late := must(w.Look())(t)
	word := Restart{Issued: moment.Unix(), Key: h.key.Public(), Size: 3, Root: h.roots[3]}
	if err := must(w.Look())(t).See(h.restarted(t, 3, unit, word)); err != nil {
		t.Fatal(err)
	}
	h.add("d")
	if err := late.See(h.answer(3)); !errors.Is(err, ErrRaced) {
		t.Errorf("the other connection: %v", err)
	}
	if err := w.sees(t, h); err != nil {
		t.Fatal(err)
	}
	if k := must(w.load())(t); k.restarted != word.Issued || k.size != 4 {
		t.Errorf("kept %+v", k)
	}
}

func TestEveryFlippedByteOfARestartIsRefused(t *testing.T) {
	unit := must(NewUnitKey())(t)
	b := must(unit.SignRestart(Restart{Issued: 1, Key: must(NewJournalKey())(t).Public(), Size: 2}))(t)
	if _, err := VerifyRestart(b, unit.Public(), moment); err != nil {
		t.Fatal(err)
	}
	for i := range b {
		c := bytes.Clone(b)
		c[i] ^= 1
		if _, err := VerifyRestart(c, unit.Public(), moment); !errors.Is(err, ErrRestart) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	if _, err := VerifyRestart(make([]byte, MaxJournalNote+1), unit.Public(), moment); !errors.Is(err, ErrRestart) {
		t.Errorf("too long: %v", err)
	}
	if _, err := unit.SignRestart(Restart{}); !errors.Is(err, ErrRestart) {
		t.Errorf("without a key: %v", err)
	}
}

// A damaged file is never begun anew.
func TestDamagedWitnessIsRefused(t *testing.T) {
	w, _ := newWitness(t)
	if err := w.sees(t, newHistory(t, "a", "b")); err != nil {
		t.Fatal(err)
	}
	good := must(os.ReadFile(w.path))(t)
	for i := range good {
		c := bytes.Clone(good)
		c[i] ^= 1
		if err := os.WriteFile(w.path, c, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Look(); !errors.Is(err, ErrWitness) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	other := must(NewUnitKey())(t)
	if err := os.WriteFile(w.path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := &Witness{path: w.path, pinned: other.Public(), unit: w.unit, now: w.now}
	if _, err := foreign.Look(); !errors.Is(err, ErrWitness) {
		t.Errorf("another unit's: %v", err)
	}
	if _, err := NewWitness(t.TempDir(), nil, nil); !errors.Is(err, ErrKey) {
		t.Errorf("no unit: %v", err)
	}
}

func TestJournalKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.key")
	if _, err := LoadJournalKey(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	k := must(CreateJournalKey(path))(t)
	if again := must(LoadJournalKey(path))(t); !bytes.Equal(again.Public(), k.Public()) {
		t.Error("another key is read")
	}
	if _, err := CreateJournalKey(path); !errors.Is(err, ErrKeyFile) {
		t.Errorf("made twice: %v", err)
	}
	good := must(os.ReadFile(path))(t)
	for i := range good {
		c := bytes.Clone(good)
		c[i] ^= 1
		if err := os.WriteFile(path, c, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadJournalKey(path); !errors.Is(err, ErrKeyFile) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
}

func TestExportSignature(t *testing.T) {
	k := must(NewJournalKey())(t)
	b := must(k.SignExport([32]byte{7}))(t)
	if sum := must(k.Public().OpenExport(b))(t); sum != [32]byte{7} {
		t.Errorf("sum is %x", sum)
	}
	for i := range b {
		c := bytes.Clone(b)
		c[i] ^= 1
		if _, err := k.Public().OpenExport(c); !errors.Is(err, ErrCheckpoint) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	if _, _, _, err := k.Public().OpenCheckpoint(b); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("an export as a checkpoint: %v", err)
	}
	if _, err := k.Public().OpenExport(must(k.SignCheckpoint(1, [32]byte{}, moment))(t)); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("a checkpoint as an export: %v", err)
	}
}

func FuzzWitnessFile(f *testing.F) {
	f.Add("assist witness 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := parseWitness(text); err == nil && formatWitness(k) != text {
			t.Errorf("%q reads as another", text)
		}
	})
}

func FuzzCheckpoint(f *testing.F) {
	k, err := NewJournalKey()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("assist checkpoint 1\nsize 1\nroot \nissued \n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, _, _, err := k.Public().OpenCheckpoint(b); !errors.Is(err, ErrCheckpoint) {
			t.Errorf("%q: %v", b, err)
		}
	})
}
