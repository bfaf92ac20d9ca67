// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assist/internal/server"
)

// holds fails for each text that is not in what was printed.
func holds(t *testing.T, printed string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(printed, text) {
			t.Errorf("%q is not in\n%s", text, printed)
		}
	}
}

// The procedure of docs/server.md, "The charter": a server directory without the
// unit key, and another directory with nothing else.
func TestTheUnitKeyIsKeptElsewhere(t *testing.T) {
	dir, pass := setUp(t)
	safe := t.TempDir()
	key := filepath.Join(safe, "unit.key")
	if err := os.Rename(filepath.Join(dir, "unit.key"), key); err != nil {
		t.Fatal(err)
	}
	holds(t, plays(t, "check", "--dir", dir), "ok    unit key", "not here")
	out := plays(t, "charter", "policy", "--dir", dir, "--idle", "10", "--add-source", "192.0.2.7", "--remove-source", "10.0.0.0/8")
	holds(t, out, "charter sign", "charter draft")
	holds(t, plays(t, "charter", "show", "--dir", dir), "Charter epoch 1,", "freezes after 15 minutes", "awaits a signature")
	holds(t, plays(t, "check", "--dir", dir), "note  charter", "awaits a signature")

	draft, signed := filepath.Join(safe, "draft.toml"), filepath.Join(safe, "charter.txt")
	holds(t, plays(t, "charter", "draft", "--dir", dir, "--out", draft), "charter sign --key")
	fails(t, "nothing was signed", "charter", "sign", "--key", key, "--draft", draft, "--out", signed, "--passphrase-file", pass)
	fails(t, "charter draft", "charter", "sign", "--dir", dir, "--passphrase-file", pass)
	out = plays(t, "charter", "sign", "--key", key, "--draft", draft, "--out", signed, "--passphrase-file", pass, "--yes")
	fails(t, "is there already", "charter", "sign", "--key", key, "--draft", draft, "--out", signed, "--passphrase-file", pass, "--yes")
	holds(t, out, `Charter of "INCI", epoch 2`, "+ technicians may help from 192.0.2.7/32", "charter publish --from")
	holds(t, plays(t, "charter", "publish", "--dir", dir, "--from", signed), "epoch 2 is published")
	out = plays(t, "charter", "show", "--dir", dir)
	holds(t, out, "Charter epoch 2,", "freezes after 10 minutes", "192.0.2.7/32")
	if strings.Contains(out, "WARNING") || strings.Contains(out, "awaits") || strings.Contains(out, "10.0.0.0/8") {
		t.Errorf("show prints\n%s", out)
	}
	text := plays(t, "charter", "show", "--dir", dir, "--text")
	if b, err := os.ReadFile(signed); err != nil || string(b) != text {
		t.Errorf("the text is another: %v", err)
	}
	holds(t, text, "assist charter 1\n", "idle 10\n", "— assist/charter/1 ")
	holds(t, plays(t, "charter", "show", "--dir", dir, "--epoch", "1"), "idle 15\n")

	// Again: an older one is refused on both machines.
	second := filepath.Join(safe, "second.txt")
	plays(t, "charter", "policy", "--dir", dir, "--idle", "20")
	later := filepath.Join(safe, "later.toml")
	plays(t, "charter", "draft", "--dir", dir, "--out", later)
	out = plays(t, "charter", "sign", "--key", key, "--draft", later, "--out", second, "--passphrase-file", pass, "--yes", "--days", "10")
	holds(t, out, "- input freezes after 10 minutes", "+ input freezes after 20 minutes")
	plays(t, "charter", "publish", "--dir", dir, "--from", second)
	fails(t, "older than what was already seen", "charter", "publish", "--dir", dir, "--from", signed)
	fails(t, "drawn up too early", "charter", "sign", "--key", key, "--draft", draft, "--out", filepath.Join(safe, "x"), "--passphrase-file", pass)
	holds(t, plays(t, "charter", "show", "--dir", dir), "epoch 3,", "WARNING:", "ends soon")
	holds(t, plays(t, "check", "--dir", dir), "note  charter", "WARNING: epoch 3 ends on")
}

// fails plays a line that must not succeed.
func fails(t *testing.T, want string, args ...string) {
	t.Helper()
	if out, _, err := play(t, args...); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v: %v, printed %q", args, err, out)
	}
}

func TestTheUnitKeyOnTheServerIsSaidInRed(t *testing.T) {
	dir, pass := setUp(t)
	const red = "\x1b[31mWARNING:\x1b[0m the unit key lies on this server"
	holds(t, plays(t, "charter", "show", "--dir", dir), red)
	holds(t, plays(t, "charter", "sign", "--yes", "--dir", dir, "--passphrase-file", pass), "Charter epoch 2 is published", red)
	holds(t, plays(t, "check", "--dir", dir), "WARNING: it lies on this server")
	out := plays(t, "charter", "policy", "--dir", dir, "--rights", "view point", "--passphrase-file", pass)
	holds(t, out, "- rights at most: view point control", "+ rights at most: view point", "epoch 3 is published", red)
	holds(t, plays(t, "charter", "policy", "--dir", dir), "rights            view point\n", "source            127.0.0.0/8")
	// After a restore the clients have seen more than the server remembers.
	holds(t, plays(t, "charter", "sign", "--yes", "--dir", dir, "--passphrase-file", pass, "--above", "1000"), "Charter epoch 1001 is published")
	other := filepath.Join(t.TempDir(), "new")
	holds(t, plays(t, "init", "--dir", other, "--name", "INCI", "--address", "127.0.0.1:4433", "--source", "192.0.2.0/24", "--passphrase-file", pass),
		red, "Technicians may help from: 192.0.2.0/24.")
}

// A configuration that names the passphrase file signs whatever changes.
func TestChangesAreSignedWhereThePassphraseIsConfigured(t *testing.T) {
	dir, pass := setUp(t)
	path := filepath.Join(dir, "assist-server.toml")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(b), "passphrase_file = ''", "passphrase_file = '"+pass+"'", 1)
	if text == string(b) {
		t.Fatalf("no passphrase_file in\n%s", b)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	holds(t, plays(t, "charter", "policy", "--dir", dir, "--add-zone", "4829 1730 5566=B1", "--lease", "20"), "epoch 2 is published", "is in zone B1")
	holds(t, plays(t, "charter", "policy", "--dir", dir), "zone              482917305566=B1")
	holds(t, plays(t, "tls", "next", "--dir", dir), "epoch 3 is published", ", next key ")
	holds(t, plays(t, "tls", "switch", "--dir", dir), "Old join codes no longer work", "epoch 4 is published")
	holds(t, plays(t, "charter", "policy", "--dir", dir, "--remove-zone", "482917305566=B1"), "epoch 5 is published")
	holds(t, plays(t, "check", "--dir", dir), "is opened by "+pass)
}

// answering plays a line with what a person types.
func answering(t *testing.T, typed string, args ...string) (out string, err error) {
	t.Helper()
	in, person, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	_, wrong := person.WriteString(typed)
	if err := errors.Join(wrong, person.Close()); err != nil {
		t.Fatal(err)
	}
	var o, e bytes.Buffer
	err = run(t.Context(), &program{in, &o, &e}, args)
	return o.String() + e.String(), err
}

// On the server, too, a person reads what changes and says yes before it counts.
func TestSigningHereAsksBeforeItPublishes(t *testing.T) {
	dir, pass := setUp(t)
	plays(t, "charter", "policy", "--dir", dir, "--idle", "10")
	sign := []string{"charter", "sign", "--dir", dir, "--passphrase-file", pass}
	for typed, want := range map[string]error{"": errNoAnswer, "\n": errNotMeant, "yes please\n": errNotMeant} {
		out, err := answering(t, typed, sign...)
		if !errors.Is(err, want) {
			t.Errorf("%q: %v", typed, err)
		}
		holds(t, out, "- input freezes after 15 minutes", "+ input freezes after 10 minutes", "Is that what you mean?")
	}
	holds(t, plays(t, "charter", "show", "--dir", dir), "Charter epoch 1,", "freezes after 15 minutes", "awaits a signature")
	out, err := answering(t, "yes\n", sign...)
	if err != nil {
		t.Error(err)
	}
	holds(t, out, "Is that what you mean?", "Charter epoch 2 is published")
	out, err = answering(t, "yes\n", sign...)
	if err != nil {
		t.Error(err)
	}
	holds(t, out, "Nothing waits for a signature", "nothing but the time", "Charter epoch 3 is published")
}

func TestRevocationAndOpening(t *testing.T) {
	dir, _ := setUp(t)
	plays(t, "technician", "add", "--dir", dir, "--login", "paul", "--name", "Paul Martin", "--role", "contractor", "--external")
	holds(t, plays(t, "technician", "list", "--dir", dir), "  outside  -\n")
	fails(t, "no external technician who has enrolled", "technician", "open", "--dir", dir, "--login", "paul", "--hours", "2")
	fails(t, "hours are 1 to 24", "technician", "open", "--dir", dir, "--login", "paul", "--hours", "30")
	holds(t, plays(t, "charter", "revoke", "--dir", dir, "--login", "paul"), "The account paul is disabled.")
	fails(t, "no such technician", "charter", "revoke", "--dir", dir, "--login", "paul")
	holds(t, plays(t, "machine", "list", "--dir", dir), "MACHINE", "HELD BACK")
	fails(t, "not held back", "machine", "release", "--dir", dir, "--machine", "4829 1730 5566")
}

func TestTheUnitKeyIsChanged(t *testing.T) {
	dir, pass := setUp(t)
	before := plays(t, "joincode", "--dir", dir)
	holds(t, plays(t, "charter", "rotate", "--yes", "--dir", dir, "--passphrase-file", pass), "hand out the new join code", "ASSIST1-")
	if plays(t, "joincode", "--dir", dir) == before {
		t.Error("the join code is the old one")
	}
	holds(t, plays(t, "charter", "sign", "--yes", "--dir", dir, "--passphrase-file", pass), "epoch 4 is published")

	// The same with the key elsewhere.
	safe := t.TempDir()
	in := func(f string) string { return filepath.Join(safe, f) }
	if err := os.Rename(filepath.Join(dir, "unit.key"), in("unit.key")); err != nil {
		t.Fatal(err)
	}
	plays(t, "charter", "draft", "--dir", dir, "--out", in("draft.toml"))
	rotate := []string{"charter", "rotate", "--key", in("unit.key"), "--draft", in("draft.toml"), "--new-key", in("new.key"),
		"--rotation", in("rotation.txt"), "--out", in("charter.txt"), "--passphrase-file", pass}
	fails(t, "nothing was signed", rotate...)
	holds(t, plays(t, append(rotate, "--yes")...), "charter publish --from")
	fails(t, "is there already", rotate...)
	publish := []string{"charter", "publish", "--dir", dir, "--from", in("charter.txt"), "--rotation", in("rotation.txt")}
	fails(t, "name the change as well: --rotation", publish[:len(publish)-2]...)
	holds(t, plays(t, publish...), "The unit has a new key")
	fails(t, "unit key", publish...)
	plays(t, "charter", "draft", "--dir", dir, "--out", in("next.toml"))
	fails(t, "another unit key", "charter", "sign", "--key", in("unit.key"), "--draft", in("next.toml"), "--out", in("x"), "--passphrase-file", pass)
	plays(t, "charter", "sign", "--key", in("new.key"), "--draft", in("next.toml"), "--out", in("next.txt"), "--passphrase-file", pass, "--yes")
	holds(t, plays(t, "charter", "publish", "--dir", dir, "--from", in("next.txt")), "is published")
}

// A server that was broken into hands over more than was wished: a change of key certifies as much as a
// signature does, so it is read and confirmed likewise, and refuses what is out of date.
func TestAChangeOfUnitKeyIsReadBeforeItIsSigned(t *testing.T) {
	dir, pass := setUp(t)
	safe := t.TempDir()
	in := func(f string) string { return filepath.Join(safe, f) }
	if err := os.Rename(filepath.Join(dir, "unit.key"), in("unit.key")); err != nil {
		t.Fatal(err)
	}
	plays(t, "charter", "draft", "--dir", dir, "--out", in("old.toml"))
	sign := []string{"charter", "sign", "--key", in("unit.key"), "--draft", in("old.toml"), "--out", in("old.txt"), "--passphrase-file", pass, "--yes"}
	plays(t, sign...)
	plays(t, "charter", "publish", "--dir", dir, "--from", in("old.txt"))
	plays(t, "charter", "draft", "--dir", dir, "--out", in("draft.toml"))
	b, err := os.ReadFile(in("draft.toml"))
	if err != nil {
		t.Fatal(err)
	}
	evil := strings.Replace(string(b), "technician = []\n", "", 1) + "\n[[technician]]\nlogin = 'm'\nname = 'Mallory Stranger'\nrole = 'IT'\n" +
		"zones = []\nstate = 'active'\nuntil = 0001-01-01T00:00:00Z\ncertificate = ''\ndevice_key = '" + deviceKey(t) + "'\n"
	if err := os.WriteFile(in("evil.toml"), []byte(evil), 0o600); err != nil {
		t.Fatal(err)
	}
	rotate := func(draft string) []string {
		return []string{"charter", "rotate", "--key", in("unit.key"), "--draft", in(draft), "--new-key", in("new.key"),
			"--rotation", in("rotation.txt"), "--out", in("charter.txt"), "--passphrase-file", pass}
	}
	out, err := answering(t, "no\n", rotate("evil.toml")...)
	if !errors.Is(err, errNotMeant) {
		t.Error(err)
	}
	holds(t, out, "+ technician Mallory Stranger", "Is that what you mean?")
	for _, file := range []string{"new.key", "new.key.charter", "rotation.txt", "charter.txt"} {
		if _, err := os.Lstat(in(file)); err == nil {
			t.Errorf("%s was made", file)
		}
	}
	plays(t, "charter", "sign", "--key", in("unit.key"), "--draft", in("draft.toml"), "--out", in("next.txt"), "--passphrase-file", pass, "--yes")
	fails(t, "drawn up too early", rotate("old.toml")...)
	out, err = answering(t, "yes\n", rotate("draft.toml")...)
	if err != nil {
		t.Error(err)
	}
	holds(t, out, "nothing but its number and its dates", "The unit key changes:", "charter publish --from")
	// What is carried to the server is read there by another account; the key is not carried.
	for file, want := range map[string]os.FileMode{
		"new.key": 0o600, "new.key.charter": 0o644, "unit.key.charter": 0o644, "rotation.txt": 0o644, "charter.txt": 0o644,
	} {
		if info, err := os.Stat(in(file)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", file, info, err)
		}
	}
}

// With the key on the server, too, a person reads which key becomes which, what changes, and what
// that makes everybody do; without a yes there is nothing, not even a key.
func TestChangingTheUnitKeyHereAsks(t *testing.T) {
	dir, pass := setUp(t)
	plays(t, "charter", "policy", "--dir", dir, "--idle", "10")
	before := plays(t, "joincode", "--dir", dir)
	rotate := []string{"charter", "rotate", "--dir", dir, "--passphrase-file", pass}
	out, err := answering(t, "no\n", rotate...)
	if !errors.Is(err, errNotMeant) {
		t.Error(err)
	}
	holds(t, out, "- input freezes after 15 minutes", "+ input freezes after 10 minutes", "Against the last one in force",
		"  - "+fingerprint(t, filepath.Join(dir, "unit.pub")), "Every machine's number changes", "hand out the new join code", "Is that what you mean?")
	left, err := filepath.Glob(filepath.Join(dir, "unit*"))
	if err != nil || len(left) != 2 || plays(t, "joincode", "--dir", dir) != before {
		t.Errorf("something is left of what nobody meant: %v, %v", left, err)
	}
	out, err = answering(t, "yes\n", rotate...)
	if err != nil {
		t.Error(err)
	}
	holds(t, out, "The unit has a new key")
	if plays(t, "joincode", "--dir", dir) == before {
		t.Error("the join code is the old one")
	}
}

// fingerprint is how the public key in a file is named.
func fingerprint(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if block, _ := pem.Decode(b); block != nil {
		b = block.Bytes
	}
	return server.Fingerprint(b)
}

// deviceKey is one that a draft may name, in base64.
func deviceKey(t *testing.T) string {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b)
}
