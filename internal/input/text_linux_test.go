// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assist/internal/wire"
)

const sample = "Bonjour àéîçù ñ ß € @_&1;"

// terminal is a running xterm whose lines go to a file.
func (s *stage) terminal() (lines func() []string) {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "typed")
	cmd := exec.Command("xterm", "-u8", "-geometry", "200x40+0+0", "-e", "cat > "+file)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	all := func() []string {
		b, _ := os.ReadFile(file)
		return strings.SplitAfter(string(b), "\n")
	}
	eventually(s.t, "the terminal runs", func() bool { _, err := os.Stat(file); return err == nil })
	s.do(&wire.Move{X: 300, Y: 200}) // no window manager: keys go to the window under the pointer
	eventually(s.t, "the terminal is there", look(s.t).pointed)
	s.tap(0x28)
	eventually(s.t, "the terminal takes keys", func() bool { return len(all()) > 1 })
	return func() []string { return all()[1:] }
}

func (s *stage) tap(usage uint16) {
	s.t.Helper()
	s.do(&wire.Key{Usage: usage, Down: true}, &wire.Key{Usage: usage})
}

// typed types a line and returns what came.
func (s *stage) typed(lines func() []string, text string) string {
	s.t.Helper()
	before := len(lines())
	for rest := text; rest != ""; {
		n := min(len(rest), wire.MaxText)
		for n < len(rest) && rest[n]&0xc0 == 0x80 {
			n--
		}
		s.do(&wire.Text{Text: rest[:n]})
		rest = rest[n:]
	}
	s.tap(0x28)
	eventually(s.t, "the line", func() bool { return len(lines()) > before })
	return strings.TrimSuffix(lines()[before-1], "\n")
}

func TestTextIsExactWhateverTheLayout(t *testing.T) {
	for _, layout := range []string{"us", "fr", "de", "ru", "us,fr"} {
		t.Run(layout, func(t *testing.T) {
			s := setTheStage(t)
			run(t, "setxkbmap", layout)
			lines := s.terminal()
			for i := range 20 {
				if got := s.typed(lines, sample); got != sample {
					t.Errorf("run %d: %q", i, got)
				}
			}
		})
	}
}

func TestTextWithCapsLockAndNumLock(t *testing.T) {
	s := setTheStage(t)
	run(t, "setxkbmap", "fr")
	lines := s.terminal()
	s.tap(0x39) // Caps Lock
	s.tap(0x53) // Num Lock
	for range 3 {
		if got := s.typed(lines, sample); got != sample {
			t.Errorf("got %q", got)
		}
	}
	if leds := run(t, "xset", "q"); !strings.Contains(leds, "Caps Lock:   on") || !strings.Contains(leds, "Num Lock:    on") {
		t.Errorf("the locks were not put back:\n%s", leds)
	}
	s.tap(0x04) // A on a French keyboard: Q, and Caps Lock applies to it
	s.tap(0x28)
	eventually(t, "the key", func() bool { return strings.Contains(strings.Join(lines(), ""), "Q\n") })
}

// More different characters than there are unused keys: they are lent again.
func TestLongTextWithManyCharacters(t *testing.T) {
	s := setTheStage(t)
	run(t, "setxkbmap", "us")
	lines := s.terminal()
	long := "Съешь же ещё этих мягких французских булок, да выпей чаю. ÀÂÆÇÈÉÊËÎÏÔŒÙÛÜŸ àâæçèéêëîïôœùûüÿ ąćęłńóśźż 漢字かな"
	if got := s.typed(lines, long); got != long {
		t.Errorf("got %q", got)
	}
	plain := strings.Repeat("The quick brown fox jumps over the lazy dog 0123456789 !?#$%^*() ", 12)
	if got := s.typed(lines, plain); got != plain {
		t.Errorf("got %q", got)
	}
}

func TestOrderOfTextAndKeys(t *testing.T) {
	s := setTheStage(t)
	run(t, "setxkbmap", "us")
	lines := s.terminal()
	s.do(&wire.Key{Usage: usageShift, Down: true}, &wire.Text{Text: "é"}, &wire.Key{Usage: usageShift})
	s.tap(0x05)
	s.do(&wire.Text{Text: "ß"})
	s.tap(0x06)
	if got := s.typed(lines, "€."); got != "ébßc€." {
		t.Errorf("got %q", got)
	}
}

func TestLentKeysAreGivenBack(t *testing.T) {
	s := setTheStage(t)
	run(t, "setxkbmap", "us")
	startProgram(t, everywhere())
	before := run(t, "xmodmap", "-pke")
	s.do(&wire.Text{Text: "é€"})
	during := run(t, "xmodmap", "-pke")
	if !strings.Contains(during, "eacute") {
		t.Errorf("no key was lent")
	}
	if err := s.desk.Close(); err != nil {
		t.Fatal(err)
	}
	if after := run(t, "xmodmap", "-pke"); after != before {
		t.Error("the keyboard map is not what it was")
	}
	s.open()
	s.do(&wire.Text{Text: "é€"})
	eventually(t, "the keys come back by themselves", func() bool { return run(t, "xmodmap", "-pke") == before })
}

func TestTextStopsAtRevoke(t *testing.T) {
	s := setTheStage(t)
	lines := s.terminal()
	done := make(chan error)
	go func() { done <- s.desk.Do(&wire.Text{Text: strings.Repeat("é", 60) + strings.Repeat("x", 60)}) }()
	eventually(t, "a key is lent", func() bool {
		s.desk.back.text.(*driver).typing.mu.Lock()
		defer s.desk.back.text.(*driver).typing.mu.Unlock()
		return len(s.desk.back.text.(*driver).typing.loans) > 0
	})
	begin := time.Now()
	s.lease.Revoke(errors.New("cut"))
	if took := time.Since(begin); took > soon {
		t.Errorf("revoke waited %v for the text", took)
	}
	if err := <-done; err == nil {
		t.Error("the text was typed to its end")
	}
	_ = s.desk.Close()
	s.open()
	s.tap(0x28)
	eventually(t, "the line", func() bool { return len(lines()) > 1 })
	if got := lines()[0]; strings.Contains(got, "x") {
		t.Errorf("typed after revoke: %q", got)
	}
}
