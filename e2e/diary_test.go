// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// diary keeps pictures and an account of an intervention where ASSIST_DEMO_OUT says;
// without it, it keeps nothing.
type diary struct {
	out    string
	begin  time.Time
	number int
	lines  []string
}

// newDiary begins one, and takes away what an earlier run left.
func newDiary(t *testing.T) *diary {
	t.Helper()
	d := &diary{out: os.Getenv("ASSIST_DEMO_OUT"), begin: time.Now()}
	if d.out == "" {
		return d
	}
	if err := os.MkdirAll(d.out, 0o755); err != nil {
		t.Fatal(err)
	}
	old, err := filepath.Glob(filepath.Join(d.out, "[0-9][0-9]-*.png"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(old, filepath.Join(d.out, "account.md")) {
		if err := os.Remove(f); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	return d
}

// tell notes one step and, for each person, what is on the screen.
func (d *diary) tell(t *testing.T, name, words string, people ...*person) {
	t.Helper()
	d.number++
	at := time.Since(d.begin)
	t.Logf("%5.1f s  %s", at.Seconds(), words)
	if d.out == "" {
		return
	}
	var shown []string
	for _, p := range people {
		r, err := p.screen.place(p.screen.root)
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, d.keep(t, p.screen, r, name+"-"+p.name))
	}
	d.lines = append(d.lines, fmt.Sprintf("| %d | %.1f s | %s | %s |", d.number, at.Seconds(), words, strings.Join(shown, ", ")))
}

// view keeps the one window that a person looks at.
func (d *diary) view(t *testing.T, name string, p *person) {
	t.Helper()
	if d.out == "" {
		return
	}
	_, r, err := p.look()
	if err != nil {
		t.Fatal(err)
	}
	d.keep(t, p.screen, r, name)
}

// keep writes a picture of a part of a screen and returns a link to it.
func (d *diary) keep(t *testing.T, s *display, r image.Rectangle, name string) string {
	t.Helper()
	img, err := s.shot(r)
	if err != nil {
		t.Fatal(err)
	}
	name = fmt.Sprintf("%02d-%s.png", d.number, name)
	f, err := os.Create(filepath.Join(d.out, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("[%s](%s)", strings.TrimSuffix(name, ".png"), name)
}

// close writes the account.
func (d *diary) close(t *testing.T, outcome string) {
	t.Helper()
	if d.out == "" {
		return
	}
	text := "# What happened\n\nA whole intervention between two real app windows on two displays, by keyboard and mouse alone.\n" +
		"The person helped has two monitors, of 1280 × 800 and 1024 × 600 pixels.\n\n" +
		"| step | time | what happened | pictures |\n|---|---|---|---|\n" + strings.Join(d.lines, "\n") + "\n\n" + outcome + "\n"
	if err := os.WriteFile(filepath.Join(d.out, "account.md"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
