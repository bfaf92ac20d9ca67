// SPDX-License-Identifier: Apache-2.0

package refusal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/consent"
	"assist/internal/rendezvous"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/wire"
)

func open(t testing.TB, path string) *Book {
	t.Helper()
	return Open(path, slog.New(slog.DiscardHandler))
}

// What was refused is there when the app is started again, with what and why, and not a
// word of the error's own, which others may have put there.
func TestLinesOutliveTheApp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "refused.json")
	b := open(t, path)
	b.Add(Helped, session.AboutRequest, fmt.Errorf("%w: of Anne Roux, 192.0.2.9", trust.ErrSignature))
	b.Add(Helped, session.AboutRequest, fmt.Errorf("%w: again", trust.ErrSignature))
	b.Add(Helper, rendezvous.AboutServer, rendezvous.ErrPin)
	b.Add(Helper, "anything else", rendezvous.ErrPin)
	b.Add(Helper, rendezvous.AboutServer, nil)
	b.Flush()
	text, err := os.ReadFile(path)
	if err != nil || bytes.Contains(text, []byte("Anne")) || bytes.Contains(text, []byte("192.0.2.9")) {
		t.Errorf("%v: %s", err, text)
	}
	lines, omitted := open(t, path).List()
	if len(lines) != 2 || omitted != 0 {
		t.Fatalf("%+v", lines)
	}
	slices.SortFunc(lines, func(l, m Line) int { return m.Count - l.Count })
	if l := lines[0]; l.Side != Helped || l.What != Request || l.Why != "signature" || l.Count != 2 {
		t.Errorf("%+v", l)
	}
	if l := lines[1]; l.Side != Helper || l.What != rendezvous.AboutServer || l.Why != "pin" {
		t.Errorf("%+v", l)
	}
}

// Who had proved to ask is kept with what became of it, and with nothing else: not with what
// the technician's side refuses, not with a request that proved nobody.
func TestWhoHadProvedToAskIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "refused.json")
	b := open(t, path)
	by := func(who string, why error) error { return &session.Attempt{Who: who, Err: why} }
	b.Add(Helped, Request, by("Anne Roux", consent.ErrNoAnswer))
	b.Add(Helped, Request, by("Anne Roux", consent.ErrNoAnswer))
	b.Add(Helped, Request, by("Paul Martin", consent.ErrNoAnswer))
	b.Add(Helped, session.AboutQuestion, by("Anne Roux", &session.Ended{Reason: wire.EndCancelled}))
	b.Add(Helped, session.AboutLink, by("Anne Roux", &session.Ended{Reason: wire.EndNetworkLost}))
	b.Add(Helper, Request, by("Anne Roux", consent.ErrRefused))
	b.Add(Helped, Request, trust.ErrReplayed)
	b.Flush()
	got := map[string]int{}
	lines, _ := open(t, path).List()
	for _, l := range lines {
		got[fmt.Sprintf("%s %s %s %s", l.Side, l.What, l.Why, l.Who)] = l.Count
	}
	want := map[string]int{
		"helped request no answer Anne Roux": 2, "helped request no answer Paul Martin": 1, "helped question withdrawn Anne Roux": 1,
		"helped link no connection ": 1, "helper request refused ": 1, "helped request replayed ": 1,
	}
	if !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

// A flood takes one line, and writes once a second at most; whoever adds waits for no disk.
func TestFloodIsOneLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "refused.json")
	synctest.Test(t, func(t *testing.T) {
		b := open(t, path)
		for range 100_000 {
			b.Add(Helped, rendezvous.AboutMessage, rendezvous.ErrStrange)
		}
		time.Sleep(writeEvery)
		synctest.Wait()
		first := read(t, path)
		for range 1000 {
			b.Add(Helped, rendezvous.AboutMessage, rendezvous.ErrStrange)
		}
		synctest.Wait()
		if !bytes.Equal(first, read(t, path)) {
			t.Error("written again at once")
		}
		time.Sleep(2 * writeEvery)
		synctest.Wait()
		if lines, _ := open(t, path).List(); len(lines) != 1 || lines[0].Count != 101_000 {
			t.Errorf("%+v", lines)
		}
	})
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Over the years no more is kept than the limits say; what goes for want of room is counted.
func TestLinesAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "refused.json")
	synctest.Test(t, func(t *testing.T) {
		b := open(t, path)
		reasons := []error{trust.ErrSignature, trust.ErrExpired, trust.ErrRights, trust.ErrReplayed}
		for range 200 {
			for _, why := range reasons {
				b.Add(Helped, Request, why)
			}
			time.Sleep(24 * time.Hour)
		}
		lines, omitted := b.List()
		if len(lines) != MaxLines || omitted != 200*len(reasons)-MaxLines {
			t.Errorf("%d lines, %d omitted", len(lines), omitted)
		}
		b.Flush()
		if info, err := os.Stat(path); err != nil || info.Size() > maxFile/2 {
			t.Errorf("%v, %v", info, err)
		}
		if again, n := open(t, path).List(); len(again) != MaxLines || n != omitted {
			t.Errorf("%d lines, %d omitted when opened again", len(again), n)
		}
		time.Sleep(Keep)
		b.Add(Helped, Request, trust.ErrSignature)
		if lines, _ := b.List(); len(lines) != 1 {
			t.Errorf("%d lines after a year", len(lines))
		}
		b.Flush()
	})
}

// The home page counts the requests of this day, also those that an app before this one
// turned down, and says why the last was.
func TestToday(t *testing.T) {
	path := filepath.Join(t.TempDir(), "refused.json")
	synctest.Test(t, func(t *testing.T) {
		b := open(t, path)
		b.Add(Helped, Request, trust.ErrRevoked)
		time.Sleep(24 * time.Hour)
		if n, why := b.Today(Helped, time.Now()); n != 0 || why != nil {
			t.Errorf("%d, %v of yesterday", n, why)
		}
		b.Add(Helped, Request, trust.ErrSignature)
		b.Add(Helped, Request, trust.ErrSignature)
		time.Sleep(time.Minute)
		b.Add(Helped, Request, fmt.Errorf("%w: %w", trust.ErrCharter, trust.ErrExpired))
		b.Add(Helped, rendezvous.AboutServer, rendezvous.ErrPin)
		b.Add(Helper, Request, rendezvous.ErrPin)
		b.Flush()
		n, why := open(t, path).Today(Helped, time.Now())
		if n != 3 || !errors.Is(why, trust.ErrCharter) || !errors.Is(why, trust.ErrExpired) {
			t.Errorf("%d, %v", n, why)
		}
	})
}

// Each word stands for its errors and comes back from them.
func TestWhys(t *testing.T) {
	for _, word := range Whys() {
		if got := Why(Reason(word)); word != Unproven && got != word {
			t.Errorf("%q becomes %q", word, got)
		}
	}
	for want, err := range map[string]error{
		"address":             fmt.Errorf("x: %w", trust.ErrSource),
		"certificate expired": fmt.Errorf("%w: %w", trust.ErrCertificate, trust.ErrExpired),
		"certificate":         fmt.Errorf("%w: %w", trust.ErrCertificate, trust.ErrSignature),
		"too often":           session.ErrTooOften,
		"refused":             consent.ErrRefused,
		"rules broken":        &session.Ended{Reason: wire.EndProtocol},
		"server: not there":   &rendezvous.RefusedError{Why: wire.RefusedOffline, Wait: time.Second},
		"history":             fmt.Errorf("%w: %w", rendezvous.ErrHistory, trust.ErrCheckpoint),
		Unproven:              errors.New("anything"),
		"unreadable":          fmt.Errorf("%w: %w", rendezvous.ErrServer, wire.ErrMalformed),
	} {
		if got := Why(err); got != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
}

// A file that is not what was written is put aside, and the app goes on.
func TestDamagedFileIsPutAside(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":                    "{",
		"another word":               `{"lines":[{"first":"2026-01-02T03:04:05Z","last":"2026-01-02T03:04:05Z","side":"helped","what":"request","why":"Anne Roux","count":1}]}`,
		"another side":               `{"lines":[{"first":"2026-01-02T03:04:05Z","last":"2026-01-02T03:04:05Z","side":"x","what":"request","why":"pin","count":1}]}`,
		"a name of nobody's request": `{"lines":[{"first":"2026-01-02T03:04:05Z","last":"2026-01-02T03:04:05Z","side":"helped","what":"server","why":"pin","who":"Anne Roux","count":1}]}`,
		"a name of no end":           fmt.Sprintf(`{"lines":[{"first":"2026-01-02T03:04:05Z","last":"2026-01-02T03:04:05Z","side":"helped","what":"request","why":"refused","who":"%s","count":1}]}`, strings.Repeat("x", wire.MaxName+1)),
		"none counted":               `{"lines":[{"first":"2026-01-02T03:04:05Z","last":"2026-01-02T03:04:05Z","side":"helped","what":"request","why":"pin","count":0}]}`,
		"backwards":                  `{"lines":[{"first":"2026-01-02T03:04:05Z","last":"2026-01-01T03:04:05Z","side":"helped","what":"request","why":"pin","count":1}]}`,
	} {
		path := filepath.Join(t.TempDir(), "refused.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		b := open(t, path)
		if lines, _ := b.List(); len(lines) > 0 {
			t.Errorf("%s: %+v", name, lines)
		}
		if _, err := os.Stat(path + ".damaged"); err != nil {
			t.Errorf("%s is lost: %v", name, err)
		}
		b.Add(Helped, Request, trust.ErrSignature)
		b.Flush()
		if lines, _ := open(t, path).List(); len(lines) != 1 {
			t.Errorf("%s: %+v afterwards", name, lines)
		}
	}
}

// Whatever a file holds, what comes out of it are words of the lists, within the limits.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"lines":[{"first":"2026-01-02T03:04:05Z","last":"2026-01-02T03:04:06Z","side":"helped","what":"request","why":"pin","count":2}],"omitted":3}`))
	f.Add([]byte(`{"lines":[{"what":"x"}]}`))
	f.Add([]byte(`{"omitted":-1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parse(text)
		if err != nil {
			return
		}
		if len(got.Lines) > MaxLines || got.Omitted < 0 {
			t.Errorf("%+v", got)
		}
		for _, l := range got.Lines {
			if !slices.Contains(Whats(), l.What) || !slices.Contains(Whys(), l.Why) || l.Count < 1 {
				t.Errorf("%+v", l)
			}
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Error(err)
		}
		if _, err := parse(again); err != nil && len(again) <= maxFile {
			t.Errorf("%s: %v", again, err)
		}
	})
}
