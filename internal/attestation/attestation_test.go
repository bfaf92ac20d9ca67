// SPDX-License-Identifier: Apache-2.0

package attestation_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assist/assets"
	"assist/internal/attestation"
	"assist/internal/process"
)

// facts are those of a computer where all is well.
func facts() attestation.Facts {
	return attestation.Facts{
		Build: attestation.Build{Version: "1.0", Commit: "0123456789abcdef", Go: "go1.26", System: "linux/amd64",
			Path: "/usr/bin/assist", SHA256: strings.Repeat("ab", 32)},
		Rights:   process.Rights{User: 1000, Group: 1000, Groups: []int{1000, 27}},
		Presence: []string{"logind", "screensaver"},
		Running: &attestation.Running{PID: 4242, Known: true, Path: "/usr/bin/assist", SHA256: strings.Repeat("ab", 32), Rights: process.Rights{User: 1000, Group: 1000}, Sockets: []process.Socket{
			{Protocol: "tcp", Local: "192.0.2.7:50512"}, {Protocol: "udp", Local: "192.0.2.7:40000"},
			{Protocol: "unix", Local: "/home/x/.local/share/assist/raise.sock", Listens: true},
		}},
		Keys: &attestation.Keys{Server: "assist.example.fr:443", TLS: strings.Repeat("01", 32), Joined: strings.Repeat("01", 32),
			Servers: []attestation.Seen{{Server: "assist.example.fr:443", TLS: strings.Repeat("01", 32)}}, Unit: strings.Repeat("02", 32), Pinned: strings.Repeat("02", 32),
			Host: strings.Repeat("03", 32), Machine: "4829 1730 5566"},
		Policy: attestation.Policy{MachineFile: "/etc/assist/assist.toml", Rights: []string{"view", "point"}, IdleMinutes: 15,
			LeaseMinutes: 30, Zone: "ZRR-1", Locked: []string{"unit.join"}, CharterEpoch: 7, InForce: true},
		Raise: "/home/x/.local/share/assist/raise.sock",
	}
}

// broken are the promises that are not kept.
func broken(r attestation.Report) []string {
	var out []string
	for _, p := range r.Promises {
		if !p.Kept {
			out = append(out, p.Name)
		}
	}
	return out
}

func TestEveryFaultIsFound(t *testing.T) {
	listens := func(f *attestation.Facts, protocol, at string) {
		f.Running.Sockets = append(f.Running.Sockets, process.Socket{Protocol: protocol, Local: at, Listens: true})
	}
	for name, c := range map[string]struct {
		change func(*attestation.Facts)
		want   []string
	}{
		"all is well":             {func(*attestation.Facts) {}, nil},
		"nothing runs":            {func(f *attestation.Facts) { f.Running = nil }, nil},
		"no unit yet":             {func(f *attestation.Facts) { f.Keys = nil }, nil},
		"run as root":             {func(f *attestation.Facts) { f.Rights.Elevated = true }, nil},
		"modified source":         {func(f *attestation.Facts) { f.Build.Modified = true }, []string{attestation.PromiseBuild}},
		"unknown source":          {func(f *attestation.Facts) { f.Build.Commit = "" }, []string{attestation.PromiseBuild}},
		"listens on the network":  {func(f *attestation.Facts) { listens(f, "tcp", "0.0.0.0:5900") }, []string{attestation.PromiseListener}},
		"listens on loopback":     {func(f *attestation.Facts) { listens(f, "tcp6", "[::1]:5900") }, []string{attestation.PromiseListener}},
		"another local socket":    {func(f *attestation.Facts) { listens(f, "unix", "@control") }, []string{attestation.PromiseListener}},
		"the server of a trial":   {func(f *attestation.Facts) { f.Trial = []string{"8443"}; listens(f, "tcp6", "[::]:8443") }, nil},
		"beside it, another port": {func(f *attestation.Facts) { f.Trial = []string{"8443"}; listens(f, "tcp", "0.0.0.0:18443") }, []string{attestation.PromiseListener}},
		"sockets out of sight":    {func(f *attestation.Facts) { f.Running.Known = false }, []string{attestation.PromiseListener}},
		"another program runs":    {func(f *attestation.Facts) { f.Running.SHA256 = strings.Repeat("cd", 32) }, []string{attestation.PromiseBuild}},
		"it runs as root":         {func(f *attestation.Facts) { f.Running.Rights.Elevated = true }, []string{attestation.PromiseRights}},
		"it has a capability":     {func(f *attestation.Facts) { f.Running.Rights.Capabilities = []string{"cap_bpf"} }, []string{attestation.PromiseRights}},
		"started by itself":       {func(f *attestation.Facts) { f.Starters = []string{"/etc/xdg/autostart/a.desktop"} }, []string{attestation.PromiseStarters}},
		"a file cannot be read":   {func(f *attestation.Facts) { f.Faults = []string{"assist.toml:3"} }, []string{attestation.PromiseFiles}},
		"two faults": {func(f *attestation.Facts) { f.Build.Modified = true; f.Faults = []string{"x"} },
			[]string{attestation.PromiseBuild, attestation.PromiseFiles}},
	} {
		f := facts()
		c.change(&f)
		r := attestation.Judge(f)
		if got := broken(r); !slices.Equal(got, c.want) || r.OK != (len(c.want) == 0) {
			t.Errorf("%s: broken %q, ok %v", name, got, r.OK)
		}
		for _, p := range r.Promises {
			if p.Kept != (p.Why == "") {
				t.Errorf("%s: %+v", name, p)
			}
		}
	}
}

// What breaks a promise is said in the language of the page; only names of files, ports and
// processes are as they are.
func TestEveryFaultIsInWords(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*attestation.Facts)
		fr     string
	}{
		"modified":  {func(f *attestation.Facts) { f.Build.Modified = true }, "(la source a été modifiée après le commit)"},
		"unknown":   {func(f *attestation.Facts) { f.Build.Commit = "" }, "(on ne sait pas de quelle source il vient)"},
		"another":   {func(f *attestation.Facts) { f.Running.SHA256 = "" }, "(un autre programme est ouvert\u00a0: /usr/bin/assist)"},
		"unseen":    {func(f *attestation.Facts) { f.Running.Known = false }, "(le processus 4242 ne se laisse pas examiner)"},
		"rights":    {func(f *attestation.Facts) { f.Running.Rights.Elevated = true }, "(l’Assist ouvert en a davantage)"},
		"started":   {func(f *attestation.Facts) { f.Starters = []string{"/a.desktop"} }, `(lancé par ["/a.desktop"])`},
		"not whole": {func(f *attestation.Facts) { f.Faults = []string{"assist.toml:3"} }, `(pas comme il faut` + "\u00a0" + `: ["assist.toml:3"])`},
		"listens": {func(f *attestation.Facts) {
			f.Running.Sockets = []process.Socket{{Protocol: "tcp", Local: "0.0.0.0:5900", Listens: true}}
		}, "(écoute sur tcp 0.0.0.0:5900)"},
	} {
		f := facts()
		f.Policy.Rights = []string{"view", "point", "control"}
		c.change(&f)
		say, err := assets.Texts("program", "fr")
		if err != nil {
			t.Fatal(err)
		}
		page := attestation.Judge(f).Text(attestation.Words(say))
		for _, want := range []string{c.fr, "voir les écrans, montrer avec un pointeur, utiliser la souris et le clavier"} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: %q is not in\n%s", name, want, page)
			}
		}
	}
}

func TestPrivilegesDoNotShare(t *testing.T) {
	for name, change := range map[string]func(*process.Rights){
		"root": func(r *process.Rights) { r.Elevated = true }, "setuid": func(r *process.Rights) { r.SetID = true },
		"sudo": func(r *process.Rights) { r.Sudo = true }, "capability": func(r *process.Rights) { r.Capabilities = []string{"cap_bpf"} },
	} {
		f := facts()
		if !attestation.Judge(f).Shares {
			t.Fatal("an ordinary user cannot share")
		}
		change(&f.Rights)
		if attestation.Judge(f).Shares {
			t.Errorf("%s: shares", name)
		}
	}
}

// golden holds a page against its file; UPDATE_GOLDEN=1 writes it anew.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s differs (%v):\n%s", name, err, got)
	}
}

func TestPages(t *testing.T) {
	bad := facts()
	bad.Starters, bad.Rights.Elevated, bad.Running, bad.Keys = []string{"/etc/xdg/autostart/a.desktop"}, true, nil, nil
	bad.Presence = nil
	turned := facts()
	turned.Keys.TLS = strings.Repeat("06", 32)
	turned.Keys.Servers = []attestation.Seen{{Server: "assist.example.fr:443", TLS: turned.Keys.TLS, Epoch: 7},
		{Server: "assist.example.fr:443", TLS: strings.Repeat("07", 32), Epoch: 7, Next: true}, {Server: "other.example.fr:443", TLS: strings.Repeat("08", 32), Epoch: 7}}
	turned.Keys.Pinned, turned.Policy.InForce, turned.Policy.Rights = strings.Repeat("05", 32), false, nil
	for name, f := range map[string]attestation.Facts{"good": facts(), "bad": bad, "turned": turned} {
		r := attestation.Judge(f)
		for _, language := range []string{"fr", "en"} {
			say, err := assets.Texts("program", language)
			if err != nil {
				t.Fatal(err)
			}
			page := r.Text(attestation.Words(say))
			if strings.Contains(page, "attest.") || strings.ContainsAny(page, "{}") {
				t.Errorf("words are missing:\n%s", page)
			}
			golden(t, name+"."+language+".txt", []byte(page))
		}
		b, err := r.JSON()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".json", b)
		if bytes.Contains(b, []byte("null,")) && name == "good" {
			t.Error("a list is null")
		}
	}
}

// Every field of the JSON is in its description, so that none is added or renamed in
// silence.
func TestJSONIsDocumented(t *testing.T) {
	b, err := attestation.Judge(facts()).JSON()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../docs/attest.md")
	if err != nil {
		t.Fatal(err)
	}
	var all any
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths("", all) {
		if !strings.Contains(string(doc), "`"+path+"`") {
			t.Errorf("%s is not in docs/attest.md", path)
		}
	}
	if !strings.Contains(string(doc), attestation.Schema) {
		t.Error("the schema's name is not in docs/attest.md")
	}
}

// paths are the names of all fields, below lists too.
func paths(at string, v any) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			name := strings.TrimPrefix(at+"."+k, ".")
			out = append(append(out, name), paths(name, inner)...)
		}
	case []any:
		for _, inner := range v {
			out = append(out, paths(at, inner)...)
		}
	}
	return out
}
