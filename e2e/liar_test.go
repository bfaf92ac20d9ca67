// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// liar is a server that lies, as e2e/evil has it, before the unit's honest one.
type liar struct {
	control string // its socket
	proc    *process
}

// newLiar puts it in the server's place: the apps look for their server where it listens.
func (w *world) newLiar(t *testing.T) *liar {
	t.Helper()
	bin := filepath.Join(w.dir, "liar")
	run(t, nil, "go", "test", "-c", "-o", bin, "assist/e2e/evil")
	l := &liar{control: filepath.Join(w.dir, "server", "liar")}
	w.server.proc.stop()
	moved := w.server.moves(t)
	cast, err := json.Marshal(map[string]any{"Listen": w.server.address, "Upstream": moved, "Server": w.server.dir,
		"Apps": []string{w.host.dir, w.tech.dir}, "Control": l.control})
	if err != nil {
		t.Fatal(err)
	}
	w.server.run(t)
	return l.begins(t, w, bin, string(cast))
}

// begins starts the program.
func (l *liar) begins(t *testing.T, w *world, bin, cast string) *liar {
	t.Helper()
	l.proc = start(t, program{path: bin, as: w.as, life: t, log: filepath.Join(w.dir, "liar.log"), env: []string{"ASSIST_LIAR=" + cast, "TMPDIR=" + w.server.dir}})
	eventually(t, aWhile, "the liar", func() error {
		_, err := l.order("told")
		return err
	})
	return l
}

// moves makes the honest server listen elsewhere, and returns where.
func (s *server) moves(t *testing.T) string {
	t.Helper()
	host, _, err := net.SplitHostPort(s.address)
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	at := free.Addr().String()
	_ = free.Close()
	file := filepath.Join(s.dir, "assist-server.toml")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^listen = .*$`).ReplaceAllString(string(b), fmt.Sprintf("listen = %q", at))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.listens = at
	return at
}

// order has the liar do something, and returns what it says.
func (l *liar) order(what string, with ...string) (string, error) {
	client := &http.Client{Timeout: aWhile, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", l.control)
		}}}
	values := url.Values{}
	for i := 0; i+1 < len(with); i += 2 {
		values.Set(with[i], with[i+1])
	}
	answer, err := client.Get("http://liar/" + what + "?" + values.Encode())
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(b)))
	}
	return string(b), err
}

// tells sets the lie of this test.
func (l *liar) tells(t *testing.T, lie string) {
	t.Helper()
	if _, err := l.order("tell", "lie", lie); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := l.order("tell"); err != nil {
			t.Error(err)
		}
	})
}

// told fails the test when the lie was not told.
func (l *liar) told(t *testing.T) {
	t.Helper()
	n, err := l.order("told")
	if err != nil || n == "0" {
		t.Errorf("the lie was told %s times, %v", n, err)
	}
}

// TestLyingServer plays what a server could say to get a question on the person's screen, or
// a picture off it, against the apps and their windows: at most the rightful question is
// shown, not a packet of a picture leaves, and both people read a plain sentence.
func TestLyingServer(t *testing.T) {
	var l *liar
	w := newWorld(t, func(w *world) { l = w.newLiar(t) })
	t.Run("a name of its own", func(t *testing.T) { w.asksNobody(t, l, "name") })
	t.Run("more rights", func(t *testing.T) { w.asksNobody(t, l, "rights") })
	t.Run("an answered request again", func(t *testing.T) { w.answeredAgain(t, l) })
	t.Run("another technician's request", func(t *testing.T) { w.anothersRequest(t, l) })
	t.Run("another fingerprint after the yes", func(t *testing.T) { w.anotherFingerprint(t, l) })
	if said := l.proc.said(); strings.Contains(said, "FAIL") {
		t.Errorf("the liar says:\n%s", said)
	}
}

// unshown checks that the person sees no question and no banner, and that nothing is open by
// which a picture could leave.
func (w *world) unshown(t *testing.T, quiet int) error {
	if g, err := w.host.find(want{id: "accept"}); err == nil {
		return fmt.Errorf("a question is shown: %q", g.Window)
	}
	return w.unseen(t, quiet)
}

// unseen is unshown but for the question.
func (w *world) unseen(t *testing.T, quiet int) error {
	if _, err := w.tech.find(want{id: "pane*"}); err == nil {
		return errors.New("the technician has a picture")
	}
	if now := w.sockets(t); now > quiet {
		return fmt.Errorf("the host's app has %d UDP sockets, %d before", now, quiet)
	}
	all, err := w.banners()
	if err == nil && len(all) > 0 {
		err = fmt.Errorf("%d banners", len(all))
	}
	return err
}

// until waits for somebody to read one of these, while a condition holds.
func (a *app) until(t *testing.T, sentences []string, holds func() error) {
	t.Helper()
	err := wait(2*aWhile, func() error {
		if err := holds(); err != nil {
			a.fail(t, err)
		}
		all, err := a.widgets()
		if err != nil {
			return err
		}
		for _, g := range all {
			if slices.ContainsFunc(sentences, func(s string) bool { return strings.Contains(g.Text, s) }) {
				return nil
			}
		}
		return fmt.Errorf("none of %q", sentences)
	})
	if err != nil {
		a.fail(t, err)
	}
}

// asksNobody: the request that the host hears is not the technician's, and is not believed.
func (w *world) asksNobody(t *testing.T, l *liar, lie string) {
	w.tidy(t)
	w.server.forgetFailures(t)
	quiet := w.sockets(t)
	l.tells(t, lie)
	w.ask(t, request{})
	nobody := func() error { return w.unshown(t, quiet) }
	w.tech.until(t, []string{"ne se comprennent plus"}, nobody)
	w.host.see(t, soon, want{text: "pas prouvé qui demandait"})
	always(t, poll*25, "nobody is asked", nobody)
	l.told(t)
	w.back(t)
}

// answeredAgain: what the person once said yes to is no question and no yes again.
func (w *world) answeredAgain(t *testing.T, l *liar) {
	w.intervene(t, false).end(t)
	w.ready(t)
	quiet := w.sockets(t)
	before := 0
	w.host.eventually(t, "how many attempts there were", func() (err error) {
		before, err = w.refusedToday()
		return err
	})
	if _, err := l.order("again"); err != nil {
		t.Fatal(err)
	}
	eventually(t, aWhile, "the person reads of one attempt more", func() error {
		if err := w.unshown(t, quiet); err != nil {
			t.Fatal(err)
		}
		now, err := w.refusedToday()
		return errors.Join(err, yes(now == before+1))
	})
	always(t, poll*25, "nobody is asked", func() error { return w.unshown(t, quiet) })
}

// refusedToday is how many attempts the host's window counts. It says nothing of none.
func (w *world) refusedToday() (n int, err error) {
	g, err := w.host.find(want{id: "refused"})
	if err == nil && g.Text != "" {
		_, err = fmt.Sscanf(g.Text, "Aujourd’hui\u00a0: %d", &n)
	}
	return n, err
}

// anothersRequest: one technician's request in the place of another's is asked in the name of
// who signed it, or of nobody; the one whose request it was to be gets nothing by it.
func (w *world) anothersRequest(t *testing.T, l *liar) {
	w.tidy(t)
	said := w.server.command(t, "technician", "add", "--login", "paul", "--name", "Paul Martin", "--role", "Réseau")
	code := regexp.MustCompile(`\b[0-9A-Z]{5}(-[0-9A-Z]{5})+\b`).FindString(said)
	if _, err := l.order("enrol", "code", code); err != nil {
		t.Fatal(err)
	}
	eventually(t, aWhile, "both apps fetch the charter", func() error {
		n, err := l.order("served")
		return errors.Join(err, yes(n != "" && n != "0" && n != "1"))
	})
	l.tells(t, "swapped")
	w.ask(t, request{})
	accept := w.host.see(t, aWhile, want{id: "accept"})
	w.host.see(t, soon, want{text: "Autre demande", window: accept.Window})
	all, err := w.host.widgets()
	if err != nil {
		t.Fatal(err)
	}
	said = accept.Window
	for _, g := range all {
		if g.Window == accept.Window {
			said += "\n" + g.Text
		}
	}
	if !strings.Contains(said, "Paul Martin") || strings.Contains(said, techName) {
		t.Errorf("the question says:\n%s", said)
	}
	l.told(t)
	w.accept(t, false)
	always(t, poll*50, "nobody gets in", func() error {
		if _, err := w.tech.find(want{id: "pane*"}); err == nil {
			return errors.New("the technician has a picture")
		}
		return nil
	})
	w.host.press(t, want{text: "Couper", kind: "button", window: "Assist"})
	w.tech.press(t, want{id: "cancel"})
	w.tech.see(t, soon, want{id: "machine-number"})
	w.ready(t)
}

// anotherFingerprint: the person said yes, and the server names another end to both.
func (w *world) anotherFingerprint(t *testing.T, l *liar) {
	w.tidy(t)
	w.server.forgetFailures(t)
	l.tells(t, "fingerprint")
	w.ask(t, request{})
	w.accept(t, false)
	unseen := func() error {
		if _, err := w.tech.find(want{id: "pane*"}); err == nil {
			return errors.New("the technician has a picture")
		}
		return nil
	}
	// Who finds it out says so; the other may merely have heard no more.
	w.tech.until(t, []string{"ne se comprennent plus", "La connexion s’est perdue"}, unseen)
	w.host.until(t, []string{"pas respecté les règles", "La connexion s’est perdue"}, unseen)
	w.host.eventually(t, "the banners are gone", func() error {
		all, err := w.banners()
		return errors.Join(err, yes(len(all) == 0))
	})
	l.told(t)
	w.back(t)
	w.ready(t)
}
