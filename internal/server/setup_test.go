// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"assist/internal/trust"
)

func TestInitMakesADirectoryThatOnlyItsOwnerReads(t *testing.T) {
	r := unserved(t)
	if runtime.GOOS != "windows" {
		for _, f := range append(ourFiles()[:2], ourFiles()[4:]...) {
			if f == fileUnitNext || f == fileTLSNext {
				continue // made when a key is to be changed
			}
			info, err := os.Stat(filepath.Join(r.fix.dir, f))
			must(t, err)
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s has rights %o", f, info.Mode().Perm())
			}
		}
		info, err := os.Stat(r.fix.dir)
		must(t, err)
		if info.Mode().Perm() != 0o700 {
			t.Errorf("the directory has rights %o", info.Mode().Perm())
		}
	}
	code := r.JoinCode()
	back, err := trust.ParseJoinCode(code.String())
	must(t, err)
	if back.Server != "127.0.0.1:4433" || back.Pin != trust.PinOf(r.certificate().Leaf.RawSubjectPublicKeyInfo) || string(back.Unit) != string(r.fix.unit.Public()) {
		t.Errorf("join code is %+v", back)
	}
	key, ok := r.certificate().PrivateKey.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		t.Errorf("tls key is %T", r.certificate().PrivateKey)
	}
	if err := r.certificate().Leaf.VerifyHostname("127.0.0.1"); err != nil {
		t.Error(err)
	}
	if left := time.Until(r.certificate().Leaf.NotAfter); left < 9*365*24*time.Hour {
		t.Errorf("the certificate lives %v", left)
	}
}

func TestInitNeverOverwrites(t *testing.T) {
	good := Options{Name: "INCI", Address: "assist.example.org:443", Passphrase: testPassphrase}
	for _, f := range ourFiles() {
		dir := t.TempDir()
		path := filepath.Join(dir, f)
		must(t, os.WriteFile(path, []byte("precious"), 0o600))
		if _, err := Init(dir, good); !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", f, err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != "precious" {
			t.Errorf("%s is now %q, %v", f, b, err)
		}
		left, err := os.ReadDir(dir)
		must(t, err)
		if len(left) != 1 {
			t.Errorf("%s: files are left: %v", f, left)
		}
	}
}

// A directory that others use stays as it is, also when a set-up in an empty one fails.
func TestInitLeavesOthersDirectoriesAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("rights are lists there")
	}
	good := Options{Name: "INCI", Address: "assist.example.org:443", Passphrase: testPassphrase}
	full := filepath.Join(t.TempDir(), "full")
	must(t, os.Mkdir(full, 0o755))
	must(t, os.WriteFile(filepath.Join(full, "a"), nil, 0o644))
	if _, err := Init(full, good); !errors.Is(err, ErrSetting) {
		t.Errorf("among other files: %v", err)
	}
	bad := good
	bad.Sources = []string{"nowhere"}
	empty := filepath.Join(t.TempDir(), "empty")
	must(t, os.Mkdir(empty, 0o755))
	if _, err := Init(empty, bad); err == nil {
		t.Error("a set-up without sense")
	}
	for _, dir := range []string{full, empty} {
		info, err := os.Stat(dir)
		must(t, err)
		if info.Mode().Perm() != 0o755 {
			t.Errorf("%s has rights %o", filepath.Base(dir), info.Mode().Perm())
		}
	}
	fresh := filepath.Join(t.TempDir(), "new")
	if _, err := Init(fresh, bad); err == nil {
		t.Error("a set-up without sense")
	}
	if _, err := os.Stat(fresh); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory is left of a set-up that failed: %v", err)
	}
}

func TestInitRefusesWhatCannotWork(t *testing.T) {
	for name, o := range map[string]Options{
		"no name":          {Address: "a:443", Passphrase: testPassphrase},
		"long name":        {Name: strings.Repeat("x", 101), Address: "a:443", Passphrase: testPassphrase},
		"no address":       {Name: "INCI", Passphrase: testPassphrase},
		"no port":          {Name: "INCI", Address: "a", Passphrase: testPassphrase},
		"port 0":           {Name: "INCI", Address: "a:0", Passphrase: testPassphrase},
		"named port":       {Name: "INCI", Address: "a:https", Passphrase: testPassphrase},
		"big port":         {Name: "INCI", Address: "a:65536", Passphrase: testPassphrase},
		"bad listen":       {Name: "INCI", Address: "a:443", Listen: "443", Passphrase: testPassphrase},
		"bad stun":         {Name: "INCI", Address: "a:443", STUN: "on", Passphrase: testPassphrase},
		"short passphrase": {Name: "INCI", Address: "a:443", Passphrase: "elevenchars"},
	} {
		dir := filepath.Join(t.TempDir(), "data")
		if _, err := Init(dir, o); !errors.Is(err, ErrSetting) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a directory is left", name)
		}
	}
}

func TestOpenNeedsWhatInitMade(t *testing.T) {
	if _, err := Open(t.TempDir(), Options{}); !errors.Is(err, ErrNoServer) {
		t.Errorf("error is %v", err)
	}
	r := unserved(t)
	for _, f := range []string{fileUnitPub, fileTLSKey, fileTLSCert, fileSecret} {
		kept, err := os.ReadFile(r.path(f))
		must(t, err)
		for _, spoiled := range [][]byte{nil, []byte("x"), append(kept, 'x'), kept[:len(kept)/2]} {
			must(t, os.WriteFile(r.path(f), spoiled, 0o600))
			if s, err := Open(r.dir, Options{}); err == nil && string(spoiled) != string(append(kept, 'x')) {
				s.Close()
				t.Errorf("%s with %d bytes is taken", f, len(spoiled))
			} else if err == nil {
				s.Close()
			}
		}
		must(t, os.WriteFile(r.path(f), kept, 0o600))
	}
}

func TestUnitKeyIsOpenedByThePassphraseFile(t *testing.T) {
	r := unserved(t)
	pass := filepath.Join(t.TempDir(), "pass")
	must(t, os.WriteFile(pass, []byte(testPassphrase+"\n"), 0o600))
	r.cfg.Unit.PassphraseFile = pass
	k, err := r.openUnitKey()
	must(t, err)
	if string(k.Public()) != string(r.unit) {
		t.Error("another key")
	}
	r.opts.Passphrase = "a wrong passphrase"
	if _, err := r.openUnitKey(); !errors.Is(err, ErrUnitKey) {
		t.Errorf("error is %v", err)
	}
	r.unitKey = nil
	if err := r.Run(t.Context()); !errors.Is(err, ErrUnitKey) {
		t.Errorf("runs with a wrong passphrase: %v", err)
	}
	r.opts.Passphrase, r.cfg.Unit.PassphraseFile = "", pass+".gone"
	if _, err := r.openUnitKey(); !errors.Is(err, ErrUnitKey) {
		t.Errorf("error is %v", err)
	}
	r.cfg.Unit.PassphraseFile = ""
	if k, err := r.openUnitKey(); k != nil || err != nil {
		t.Errorf("opened without a passphrase: %v", err)
	}
}

func TestForeignUnitKeyIsNotUsed(t *testing.T) {
	r := unserved(t)
	k, err := trust.NewUnitKey()
	must(t, err)
	must(t, trust.SealUnitKey(k, r.path(fileUnitKey), testPassphrase))
	if _, err := r.SignCharter(t.Context(), testPassphrase, SignOptions{}); !errors.Is(err, ErrUnitKey) {
		t.Errorf("error is %v", err)
	}
}

func TestConfigSaysFileLineAndKey(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"unknown key":    {"[unit]\nname = 'x'\n\n[server]\naddress = 'a:443'\nadress = 'b'\n", ":6: unknown key server.adress"},
		"unknown table":  {"[unit]\nname = 'x'\n[server]\naddress = 'a:443'\n[serve]\nx = 1\n", ":5: unknown key serve"},
		"wrong type":     {"[unit]\nname = 'x'\n[server]\naddress = 'a:443'\nmax_connections = 'many'\n", ":5: server.max_connections"},
		"no quotes":      {"[unit]\nname = 'x'\n[server]\naddress = 'a:443'\nlisten = 8443\n", `:5: server.listen must be text in quotes, such as ":8443"`},
		"quotes":         {"[accounts]\ncode_hours = '24'\n", ":2: accounts.code_hours must be a whole number without quotes"},
		"no section":     {"server = 1\n", ":1: server must be a section"},
		"section twice":  {"[unit]\nname = 'x'\n[server]\naddress = 'a:443'\n[unit]\n", ":5: "},
		"syntax":         {"[unit]\nname = \n", ":2:"},
		"no name":        {"[server]\naddress = 'a:443'\n", ":1: unit.name"},
		"no address":     {"[unit]\nname = 'x'\n", ":1: server.address"},
		"bad address":    {"[unit]\nname = 'x'\n[server]\n  address = 'a'\n", ":4: server.address"},
		"short password": {"[unit]\nname='x'\n[server]\naddress='a:443'\n[accounts]\npassword_min = 11\n", ":6: accounts.password_min"},
		"long life":      {"[unit]\nname='x'\n[server]\naddress='a:443'\n[accounts]\ncertificate_days = 91\n", ":6: accounts.certificate_days"},
		"no connections": {"[unit]\nname='x'\n[server]\naddress='a:443'\nmax_per_address=0\n", ":5: server.max_per_address"},
	} {
		path := filepath.Join(t.TempDir(), fileConfig)
		must(t, os.WriteFile(path, []byte(tc.text), 0o600))
		_, err := loadConfig(path)
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), path+tc.want) || strings.Contains(err.Error(), "toml: ") || strings.Contains(err.Error(), "struct") ||
			(name == "section twice" && !strings.Contains(err.Error(), "already")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConfigAsInitWritesItReadsBack(t *testing.T) {
	o := Options{Name: `L'"Unité" \ 3`, Address: "[2001:db8::1]:8443", Listen: "[::]:8443", STUN: stunOff}
	want, err := o.config()
	must(t, err)
	want.Server.Proxies = []string{"10.0.0.7/32", "2001:db8::/64"}
	if bad := want.check(); bad != nil {
		t.Fatal(bad)
	}
	text, err := want.render()
	must(t, err)
	path := filepath.Join(t.TempDir(), fileConfig)
	must(t, os.WriteFile(path, text, 0o600))
	got, err := loadConfig(path)
	must(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if strings.Contains(line, "passphrase =") || strings.Contains(line, "<no value>") {
			t.Errorf("line %q", line)
		}
	}
	relative := strings.Replace(string(text), "passphrase_file = ''", "passphrase_file = 'pass'", 1)
	must(t, os.WriteFile(path, []byte(relative), 0o600))
	got, err = loadConfig(path)
	must(t, err)
	if got.Unit.PassphraseFile != filepath.Join(filepath.Dir(path), "pass") {
		t.Errorf("passphrase file is %s", got.Unit.PassphraseFile)
	}
}

func TestDefaultsMakeAShortConfigurationWork(t *testing.T) {
	path := filepath.Join(t.TempDir(), fileConfig)
	must(t, os.WriteFile(path, []byte("[unit]\nname='x'\n[server]\naddress='a.example:8443'\n"), 0o600))
	c, err := loadConfig(path)
	must(t, err)
	if c.Server.Listen != ":8443" || c.Server.STUN != ":3478" || c.Accounts.PasswordMin != 15 || c.Accounts.CertificateDays != 90 || c.Accounts.CodeHours != 24 {
		t.Errorf("defaults are %+v", c)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add("[unit]\nname='x'\n[server]\naddress='a:443'\n")
	f.Add("[unit\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), fileConfig)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		if _, err := loadConfig(path); err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("error does not name the file: %v", err)
		}
	})
}

func TestDatabaseOfANewerVersionIsLeftAlone(t *testing.T) {
	r := unserved(t)
	_, err := r.store.writer.ExecContext(t.Context(), `pragma user_version = 99`)
	must(t, err)
	if _, err := Open(r.dir, Options{}); !errors.Is(err, ErrTooNew) {
		t.Errorf("error is %v", err)
	}
}

func TestDatabaseIsDurableAndChecksReferences(t *testing.T) {
	r := unserved(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000"} {
		got, err := texts(t.Context(), r.store.writer, "pragma "+pragma)
		must(t, err)
		if len(got) != 1 || got[0] != want {
			t.Errorf("%s is %v", pragma, got)
		}
	}
	if _, err := r.store.reader.ExecContext(t.Context(), `delete from machine`); err == nil {
		t.Error("the readers can write")
	}
	err := r.store.write(t.Context(), func(tx *transaction) error {
		_, err := tx.exec(`insert into session (id, machine, technician, login, asked) values ('x', 'none', 'none', '', 0)`)
		return err
	})
	if err == nil {
		t.Error("a session of nobody with nothing")
	}
}

// A newer program beside a running server changes nothing under it, whatever the command; check changes
// nothing at all.
func TestOnlyAStoppedServersDatabaseIsBroughtUpToDate(t *testing.T) {
	r := unserved(t)
	at := func() (n int) {
		must(t, r.store.reader.QueryRowContext(t.Context(), `pragma user_version`).Scan(&n))
		return n
	}
	all := len(migrations())
	old := func() {
		_, err := r.store.writer.ExecContext(t.Context(), fmt.Sprintf(`alter table technician drop column photo;
			alter table technician drop column photo_sum; pragma user_version = %d`, all-1))
		must(t, err)
	}
	old()
	if f := Check(t.Context(), r.dir); !f.Bad() || at() != all-1 || !strings.Contains(fmt.Sprint(find(f, "database")), "restart the server first") {
		t.Errorf("check, version %d: %+v", at(), f)
	}
	held, err := r.alone()
	must(t, err)
	if _, err := Open(r.dir, Options{}); !errors.Is(err, ErrTooOld) || at() != all-1 {
		t.Errorf("beside a server, version %d: %v", at(), err)
	}
	must(t, held.Close())
	s, err := Open(r.dir, Options{})
	must(t, err)
	must(t, s.Close())
	if at() != all {
		t.Errorf("a stopped one: version %d", at())
	}
}

func TestDatabasePathMayHoldAnything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c#d%25é", "x.db")
	must(t, os.Mkdir(filepath.Dir(path), 0o700))
	st, err := openStore(path)
	must(t, err)
	must(t, st.close())
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

// find returns the findings about something.
func find(f Findings, about string) Findings {
	var out Findings
	for _, one := range f {
		if one.About == about {
			out = append(out, one)
		}
	}
	return out
}

func TestCheckOfAGoodServer(t *testing.T) {
	r := unserved(t)
	f := Check(t.Context(), r.dir)
	if f.Bad() {
		t.Errorf("findings: %+v", f)
	}
	for _, about := range []string{"data directory", "configuration", "address", "tls certificate", "clock", "IPv4", "IPv6", "ports", "unit key", "database", "firewall"} {
		if len(find(f, about)) == 0 {
			t.Errorf("nothing about %s", about)
		}
	}
	lines := ""
	for _, one := range find(f, "firewall") {
		lines += one.Text + "\n"
	}
	if !strings.Contains(lines, "allow TCP 0 ") || !strings.Contains(lines, "allow UDP 0 ") {
		t.Errorf("firewall: %s", lines)
	}
	before := len(entries[journalEvent](r))
	if after := len(entries[journalEvent](r)); after != before {
		t.Error("a check writes")
	}
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	for about, spoil := range map[string]func(t *testing.T, r *rig){
		"data directory": func(t *testing.T, r *rig) { must(t, os.Chmod(r.path(fileTLSKey), 0o640)) },
		"configuration":  func(t *testing.T, r *rig) { must(t, os.WriteFile(r.path(fileConfig), []byte("x = 1\n"), 0o600)) },
		"address": func(t *testing.T, r *rig) {
			r.editConfig("address = '127.0.0.1:4433'", "address = 'no-such-host.invalid:4433'")
		},
		"ports":    func(t *testing.T, r *rig) { r.editConfig("stun = '127.0.0.1:0'", "stun = '192.0.2.1:3478'") },
		"unit key": func(t *testing.T, r *rig) { r.editConfig("passphrase_file = ''", "passphrase_file = 'nowhere'") },
		"clock": func(t *testing.T, r *rig) {
			r.advance(time.Hour)
			r.enrolled("claire")
		},
		"journal": func(t *testing.T, r *rig) {
			r.enrolled("claire")
			_, err := r.store.writer.ExecContext(t.Context(), `drop trigger journal_no_update; update journal set body = cast(replace(cast(body as text), 'Claire', 'Clara') as blob)`)
			must(t, err)
		},
	} {
		t.Run(about, func(t *testing.T) {
			r := unserved(t)
			spoil(t, r)
			if f := find(Check(t.Context(), r.dir), about); !f.Bad() {
				t.Errorf("not found: %+v", f)
			}
		})
	}
}

func (r *rig) editConfig(old, with string) {
	r.t.Helper()
	b, err := os.ReadFile(r.path(fileConfig))
	must(r.t, err)
	if !strings.Contains(string(b), old) {
		r.t.Fatalf("%q is not in\n%s", old, b)
	}
	must(r.t, os.WriteFile(r.path(fileConfig), []byte(strings.Replace(string(b), old, with, 1)), 0o600))
}

func TestCheckBesideARunningServer(t *testing.T) {
	r := unserved(t)
	must(t, r.Listen())
	r.editConfig("listen = '127.0.0.1:0'", "listen = '"+r.Addr().String()+"'")
	f := find(Check(t.Context(), r.dir), "ports")
	if len(f) != 1 || f[0].Grade != Note || !strings.Contains(f[0].Text, "in use") || !strings.Contains(f[0].Text, "is another assist-server already running?") {
		t.Errorf("ports: %+v", f)
	}
}

// The service may open a low port and whoever checks may not: that is no fault of the set-up.
func TestCheckWithoutTheRightToALowPort(t *testing.T) {
	denied := fmt.Errorf("server: %w", fs.ErrPermission)
	for listen, want := range map[string]Grade{":443": Note, "192.0.2.1:1023": Note, ":8443": Bad, ":1024": Bad, "443": Bad} {
		f := &Findings{}
		f.bound(serverConfig{Listen: listen, STUN: ":3478"}, denied)
		if f := find(*f, "ports"); len(f) != 1 || f[0].Grade != want {
			t.Errorf("%s: %+v", listen, f)
		}
	}
}

func TestStatesOfAccounts(t *testing.T) {
	r := unserved(t)
	r.enrolled("active")
	r.enrolled("expired")
	must(t, disabled(r, "disabled"))
	r.invite("invited")
	must(t, r.store.write(t.Context(), func(tx *transaction) error {
		_, err := tx.exec(`update technician set certificate_until = ? where login = 'expired'`, r.now().Unix())
		return err
	}))
	list, err := r.Technicians(t.Context())
	must(t, err)
	for _, a := range list {
		if string(a.State) != a.Login {
			t.Errorf("%s is %s", a.Login, a.State)
		}
		if a.CertificateUntil.IsZero() != (a.Login == "disabled" || a.Login == "invited") {
			t.Errorf("%s: certificate until %v", a.Login, a.CertificateUntil)
		}
	}
	if len(list) != 4 {
		t.Errorf("%d accounts", len(list))
	}
}
