// SPDX-License-Identifier: Apache-2.0

package assist_test

import (
	"go/token"
	"strings"
	"testing"
)

// bite is a file that one rule must find out.
type bite struct{ rule, path, code string }

// bites are files that must be found out, each by the one rule it breaks.
func bites() []bite {
	const consent = "import c \"assist/internal/consent\"\n"
	return []bite{
		{"who may know whom", "internal/capture/x.go", blank("assist/internal/input")},
		{"who may know whom", "internal/consent/x.go", blank("assist/internal/wire")},
		{"who may know whom", "internal/newcomer/x.go", blank("assist/internal/wire")},
		{"who may know whom", "cmd/assist/main.go", blank("assist/internal/server")},
		{"who may know whom", "cmd/assist/main.go", blank("assist/internal/consent/consenttest")},
		{"what nobody imports", "internal/trust/x.go", using("net", "net.ParseIP(``)")},
		{"what nobody imports", "internal/session/x.go", blank("os")},
		{"what nobody imports", "internal/consent/x.go", blank("net/http")},
		{"what nobody imports", "internal/consent/x.go", blank("os")},
		{"what nobody imports", "internal/consent/x_linux.go", blank("golang.org/x/sys/unix")},
		{"sharp tools", "internal/server/x.go", `import "C"`},
		{"sharp tools", "internal/consent/x.go", `import "C"`},
		{"sharp tools", "internal/ui/x.go", `import "C"`},
		{"sharp tools", "internal/peer/x.go", `import "C"`},
		{"sharp tools", "cmd/assist/x.go", `import "C"`},
		{"sharp tools", "internal/video/x.go", `import "C"`},
		{"sharp tools", "internal/capture/x_linux.go", blank("unsafe")},
		{"sharp tools", "internal/peer/x_windows.go", blank("unsafe")},
		{"sharp tools", "internal/process/rights_windows.go", blank("reflect")},
		{"sharp tools", "internal/peer/x_linux.go", "//go:linkname a assist/internal/consent.newLease\nfunc a()"},
		{"sharp tools", "internal/video/encoder.go", "//go:linkname a b\nfunc a()"},
		{"sharp tools", "internal/ui/x.go", blank("unsafe")},
		{"sharp tools", "internal/ui/x_test.go", blank("unsafe")},
		{"sharp tools", "internal/video/x.go", blank("unsafe")},
		{"sharp tools", "internal/consent/x_linux.go", blank("reflect")},
		{"sharp tools", "internal/ui/x.go", "//go:linkname a b\nfunc a()"},
		{"one asker", "internal/session/x.go", consent + "type t struct{}\nfunc (t) Ask(ctx any, q c.Question) (c.Rights, error) { return 0, nil }"},
		{"one asker", "cmd/assist/x.go", consent + "type t struct{}\nfunc (*t) Ask(ctx any, q *c.Question) {}"},
		{"one asker", "internal/consent/x.go", "type t struct{}\nfunc (t) Ask(q Question) {}"},
		{"one asker", "internal/ui/view/x.go", consent + "type t struct{}\nfunc (t) Ask(ctx any, q c.Question) {}"},
		{"one asker", "cmd/assist/helper.go", consent + "import \"context\"\ntype helper struct{}\nfunc (*helper) Ask(_ context.Context, q c.Question) (c.Rights, error) { return q.Wanted, nil }"},
		{"one asker", "cmd/assist/helper.go", consent + "import \"context\"\ntype r = c.Rights\ntype helper struct{}\nfunc (*helper) Ask(_ context.Context, q c.Question) (r, error) { return q.Wanted, nil }"},
		{"one asker", "cmd/assist/x.go", consent + "func f(a c.Asker, l c.Lamp) *c.Gate { return c.NewGate(a, l, c.AllRights) }"},
		{"one asker", "internal/session/x.go", consent + "func f() any { return c.NewGate }"},
		{"one asker", "cmd/assist/program.go", consent + "func f(a c.Asker, l c.Lamp) { c.NewGate(a, l, c.AllRights); c.NewGate(a, l, c.AllRights) }"},
		{"one asker", "cmd/assist/y.go", "type t struct{}\nfunc (t) Ask(ctx any, q asked) {}"},
		{"banned names", "internal/peer/x.go", "func f() { s.DisableCertificateFingerprintVerification(true) }"},
		{"banned names", "internal/peer/x.go", "func f() { s.SetDTLSKeyLogWriter(nil) }"},
		{"banned names", "internal/server/x.go", "func f() any { return tls.Config{InsecureSkipVerify: true, VerifyConnection: g} }"},
		{"banned names", "internal/rendezvous/x.go", "func f() any { return tls.Config{InsecureSkipVerify: true} }"},
		{"banned names", "internal/rendezvous/x.go", "func f() { c.InsecureSkipVerify = true }"},
		{"limited packages", "internal/trust/x.go", blank("math/rand/v2")},
		{"limited packages", "internal/rendezvous/x.go", blank("math/rand")},
		{"limited packages", "internal/input/y_linux.go", blank("os/exec")},
		{"limited packages", "internal/input/x_linux.go", blank("os/exec")},
		{"reserved names", "cmd/assist/x.go", using("net", "net.Listen(``, ``)")},
		{"reserved names", "internal/ui/x.go", "import n \"net\"\nfunc f() { go n.ListenPacket(``, ``) }"},
		{"reserved names", "internal/server/x.go", using("net/http", "http.Serve(nil, nil)")},
		{"reserved names", "internal/server/x.go", using("net/http", "var c http.Client; c.Get(``)")},
		{"reserved names", "cmd/assist/x.go", using("syscall", "syscall.Socket(1, 1, 1)")},
		{"reserved names", "cmd/assist/x.go", using("syscall", "syscall.RawSyscall(59, 0, 0, 0)")},
		{"reserved names", "internal/ui/x.go", using("net", "net.FileListener(nil)")},
		{"reserved names", "internal/capture/x_linux.go", using("golang.org/x/sys/unix", "unix.Connect(0, nil)")},
		{"reserved names", "internal/config/x.go", using("os", "os.Setenv(``, ``)")},
		{"reserved names", "internal/config/x.go", "import . \"os\"\nfunc f() { Setenv(``, ``) }"},
		{"no sleep in tests", "internal/ui/x_test.go", using("time", "time.Sleep(1)")},
		{"sizes", "internal/ui/x.go", strings.Repeat("\n", maxFile)},
		{"sizes", "internal/ui/x_test.go", "func f() {" + strings.Repeat("\n", maxFunction) + "}"},
		{"names", "internal/util/x.go", ""},
		{"names", "internal/ui/helpers.go", ""},
		{"documentation", "internal/ui/x.go", "type Exported int"},
		{"documentation", "internal/ui/x.go", "const Exported = 1"},
		{"documentation", "internal/ui/x.go", "func Exported() {}"},
		{"documentation", "internal/ui/x.go", "// T is.\ntype T[A any] int\nfunc (*T[A]) Exported() {}"},
		{"hidden state", "internal/ui/x.go", "func init() {}"},
		{"hidden state", "internal/ui/x.go", "var cache map[string]int"},
		{"hidden state", "internal/ui/x.go", "var errCount = 0"},
		{"hidden state", "internal/ui/x.go", "func f() { panic(1) }"},
	}
}

// blank is a file that imports a package and names nothing of it.
func blank(pkg string) string { return "import _ \"" + pkg + "\"" }

// using is a file that imports a package for one statement.
func using(pkg, statement string) string {
	return "import \"" + pkg + "\"\nfunc f() { " + statement + " }"
}

const header = "// SPDX-License-Identifier: Apache-2.0\n\npackage x\n"

// reaches are files that would reach further than their package may.
func reaches() []bite {
	return []bite{
		{"whose code", "internal/wire/x.go", blank("net/http")},
		{"whose code", "internal/session/x.go", blank("github.com/pion/webrtc/v4")},
		{"whose code", "internal/peer/x_linux.go", blank("github.com/kbinani/screenshot")},
		{"whose code", "internal/ui/view/x_linux.go", blank("github.com/jezek/xgb/xtest")},
		{"whose code", "cmd/assist/x_linux.go", blank("github.com/jezek/xgb/shm")},
		{"whose code", "cmd/assist/x.go", blank("net/http")},
		{"whose code", "cmd/assist/x.go", blank("net/smtp")},
		{"whose code", "cmd/assist/x.go", blank("log/syslog")},
		{"whose code", "cmd/assist/x.go", blank("net/http/httptest")},
		{"whose code", "cmd/assist/x.go", blank("github.com/godbus/dbus/v5")},
		{"whose code", "internal/input/x_windows.go", blank("golang.org/x/sys/execabs")},
		{"banned names", "internal/server/serve.go", using("net/http", "(&http.Server{}).ListenAndServe()")},
		{"reserved names", "internal/server/x.go", using("net/http", "_ = http.Server{}")},
		{"reserved names", "cmd/assist/x.go", using("net", "_ = net.ResolveUDPAddr")},
		{"reserved names", "internal/server/x.go", using("github.com/coder/websocket", "_ = websocket.Dial")},
		{"reserved names", "internal/ui/view/x_linux.go", using("github.com/jezek/xgb/xproto", "_ = xproto.GetImage")},
		{"reserved names", "internal/ui/view/x_linux.go", using("github.com/jezek/xgb/shm", "_ = shm.GetImage")},
		{"reserved names", "internal/process/x_windows.go", using("golang.org/x/sys/windows", "_ = windows.CreateProcess")},
		{"banned names", "internal/ui/x.go", using("fyne.io/fyne/v2", "fyne.CurrentApp().OpenURL(nil)")},
		{"what nobody imports", "internal/trust/x.go", "import n \"net\"\nfunc f() any { return n.Interfaces }"},
	}
}

// broken lists the rules that a file breaks.
func broken(t *testing.T, name, text string) []string {
	t.Helper()
	s, err := parse(token.NewFileSet(), name, []byte(text))
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, text)
	}
	var names []string
	for _, r := range rules() {
		s.wrong = nil
		r.check(s)
		if len(s.wrong) > 0 {
			names = append(names, r.name)
			if !strings.HasPrefix(s.wrong[0], name+":") || strings.Contains(s.wrong[0], "%!") {
				t.Errorf("not a place and a reason: %q", s.wrong[0])
			}
		}
	}
	return names
}

// A rule that finds nothing wrong is worth nothing unless it would.
func TestRulesBite(t *testing.T) {
	for _, b := range append(bites(), reaches()...) {
		if got := broken(t, b.path, header+b.code); len(got) != 1 || got[0] != b.rule {
			t.Errorf("%s with %q breaks %q, want %q", b.path, b.code, got, b.rule)
		}
	}
	if got := broken(t, "internal/ui/x.go", "package x\n"); len(got) != 1 || got[0] != "licence line" {
		t.Errorf("without a licence line: %q", got)
	}
}

// What is fair must pass.
func TestRulesLetPass(t *testing.T) {
	for name, code := range map[string]string{
		"internal/capture/x_linux.go":    blank("assist/internal/consent"),
		"internal/video/encoder.go":      "import (_ \"unsafe\"; \"C\")",
		"internal/consent/x.go":          "import (_ \"context\"; _ \"sync\")",
		"internal/trust/x_test.go":       blank("reflect"),
		"internal/trust/x.go":            using("net", "net.SplitHostPort(``)"),
		"internal/ui/dialog.go":          "import (\"context\"; \"assist/internal/consent\")\n// App asks.\ntype App int\n// Ask asks.\nfunc (*App) Ask(ctx context.Context, q consent.Question) (consent.Rights, error) { return 0, nil }",
		"internal/rendezvous/x.go":       "func f() any { return &tls.Config{InsecureSkipVerify: true, VerifyConnection: g} }",
		"cmd/assist/embedded_server.go":  blank("assist/internal/server"),
		"internal/session/x_test.go":     blank("assist/internal/consent/consenttest"),
		"internal/ui/x.go":               "import \"errors\"\nvar errA = errors.New(``)\n//go:embed x\nvar b string\nvar _ I = T{}",
		"cmd/assist/main.go":             "var version string",
		"internal/ui/words.go":           "// Kinds.\nconst (\n\tA = 1\n\tB = 2\n)\ntype hidden int\nfunc (hidden) Exported() {}",
		"internal/x11/x11test/server.go": "import (\"os/exec\"; _ \"assist/internal/consent/consenttest\")\n// F runs.\nfunc F() { panic(exec.ErrDot) }",
	} {
		if got := broken(t, name, header+code); len(got) != 0 {
			t.Errorf("%s with %q breaks %q", name, code, got)
		}
	}
}
