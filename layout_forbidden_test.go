// SPDX-License-Identifier: Apache-2.0

package assist_test

import (
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

// Names that no code of ours may use, or only at named places, each with its reason.
// Tests are free of these rules; what is shipped is not.

// banned are names that no code of ours may use, of whatever package. The value of a
// place is the one directory where the name may stand, with what must stand beside it.
var banned = []struct{ name, why, onlyIn, beside string }{
	{"InsecureSkipVerify", "any server could then be ours; a pin must take its place", "internal/rendezvous", "VerifyConnection"},
	{"DisableCertificateFingerprintVerification", "any peer could then be the one signed for", "", ""},
	{"SetDTLSInsecureSkipHelloVerify", "a forged address could make a host work for nothing", "", ""},
	{"DisableSRTPReplayProtection", "pictures of earlier could be shown again", "", ""},
	{"DisableSRTCPReplayProtection", "demands of earlier could be made again", "", ""},
	{"SetDTLSReplayProtectionWindow", "input of earlier could be played again", "", ""},
	{"SetDTLSClientHelloMessageHook", "the handshake is pion's and nobody else's", "", ""},
	{"SetDTLSServerHelloMessageHook", "the handshake is pion's and nobody else's", "", ""},
	{"SetDTLSCustomerCipherSuites", "a cipher of one's own may be none", "", ""},
	{"SetDTLSKeyLogWriter", "it writes keys", "", ""},
	{"KeyLogWriter", "it writes keys", "", ""},
	{"SSLKEYLOGFILE", "it names a file of keys", "", ""},
	{"ListenAndServe", "a server without our listener", "", ""},
	{"ListenAndServeTLS", "a server without our listener", "", ""},
	{"OpenURL", "it starts a program of the person's with what a stranger may have sent", "", ""},
	{"VersionSSL30", "TLS 1.3 alone: both ends are ours", "", ""},
	{"VersionTLS10", "TLS 1.3 alone: both ends are ours", "", ""},
	{"VersionTLS11", "TLS 1.3 alone: both ends are ours", "", ""},
	{"VersionTLS12", "TLS 1.3 alone: both ends are ours", "", ""},
}

// limited are packages for named places only.
var limited = []struct {
	name string
	in   []string // files or directories
	why  string
}{
	{"math/rand", nil, "it can be guessed: use math/rand/v2 for jitter, crypto/rand for the rest"},
	{"math/rand/v2", []string{"internal/rendezvous"}, "it can be guessed: fit for the jitter of a retry and nothing else"},
	{"os/exec", []string{"cmd/assist-bench", "internal/input/guardian_linux.go"},
		"outside the programs that measure no code path starts a program, but for the one that starts this program once more to let go of keys"},
	{"net/http/pprof", nil, "it opens a door to memory"},
	{"expvar", nil, "it opens a door to memory"},
	{"net/rpc", nil, "the protocol is the closed list of package wire"},
	{"net/http/cgi", nil, "it starts programs with what strangers send"},
	{"net/http/httputil", nil, "the server forwards messages that it has parsed, never requests"},
	{"encoding/gob", nil, "objects from outside are parsed by fixed rules, never rebuilt"},
	{"log", []string{"scripts/checks"}, "log/slog is handed in, with what may be said"},
	{"crypto/md5", nil, "broken"},
	{"crypto/sha1", nil, "broken"},
	{"crypto/des", nil, "broken"},
	{"crypto/rc4", nil, "broken"},
	{"crypto/dsa", nil, "no longer accepted by anybody"},
	{"crypto/rsa", nil, "one kind of key: ECDSA on P-256, which fits in keystores and smart cards"},
}

// reserved are names of packages that only named places may use.
var reserved = []struct {
	pkg   string
	names []string
	in    []string // files or directories
	why   string
}{
	{"net", []string{"Listen", "ListenTCP", "ListenUDP", "ListenUnix", "ListenPacket", "ListenMulticastUDP", "ListenIP", "ListenUnixgram", "ListenConfig"},
		[]string{"internal/server/listen.go", "internal/server/check.go", "cmd/assist/embedded_server.go", "internal/process/process.go",
			"internal/ui/door_testdoor.go", "cmd/assist-bench/rival_linux.go"},
		"nobody can call the app: only the server listens (in a trial within the app), and the app on a socket file of the person's own for its second start"},
	{"net", []string{"Dial", "DialTimeout", "DialTCP", "DialUDP", "DialUnix", "DialIP", "Dialer"},
		[]string{"internal/rendezvous", "internal/x11/conn_linux.go", "internal/process/process.go", "cmd/assist-bench/rival_linux.go",
			"internal/server/syslog.go"},
		"an app calls its server, its display and its other self, and nobody else; a server calls the syslog server that its configuration names"},
	{"net", []string{"LookupHost", "LookupAddr", "LookupIP", "LookupCNAME", "LookupTXT", "LookupSRV", "LookupMX", "LookupNS", "DefaultResolver", "Resolver"},
		[]string{"internal/server/check.go"}, "asking names of strangers says who is helped"},
	{"net", []string{"ResolveTCPAddr", "ResolveUDPAddr", "ResolveIPAddr", "ResolveUnixAddr"}, nil, "asking names of strangers says who is helped"},
	{"net/http", []string{"Server"}, []string{"internal/server/serve.go"}, "only the server serves"},
	{"github.com/coder/websocket", []string{"Dial"}, []string{"internal/rendezvous"}, "only an app calls, and through the pin"},
	{"github.com/coder/websocket", []string{"Accept"}, []string{"internal/server"}, "only the server is called"},
	{"github.com/jezek/xgb/xproto", []string{"GetImage", "GetImageUnchecked"}, []string{"internal/capture", "internal/lamp"},
		"the screens are read under a view, and the banner looks at itself"},
	{"github.com/jezek/xgb/shm", []string{"GetImage", "GetImageUnchecked"}, []string{"internal/capture", "cmd/assist-bench"},
		"the screens are read under a view"},
	{"github.com/jezek/xgb/xproto", []string{"WarpPointer", "SendEvent"}, []string{"internal/lamp", "internal/input", "cmd/assist-bench"},
		"the pointer and the keys are driven under control"},
	{"net/http", []string{"ListenAndServe", "ListenAndServeTLS", "Serve", "ServeTLS"}, nil, "a server without time limits, and the first without TLS"},
	{"net/http", []string{"Get", "Head", "Post", "PostForm", "DefaultClient", "DefaultTransport"}, nil,
		"it believes the computer's authorities in place of the pin, goes through proxies, and waits for ever"},
	{"net/http", []string{"Client", "Transport"}, []string{"internal/rendezvous"},
		"an app calls its server and nobody else, and through the pin"},
	{"net", []string{"FileConn", "FilePacketConn", "FileListener"}, nil, "a connection that something else has opened is a call to nobody knows whom"},
	{"net/http", []string{"Handle", "HandleFunc", "DefaultServeMux"}, nil, "every library may add a door to it"},
	{"net/http", []string{"Dir", "FileServer", "FileServerFS", "ServeFile", "ServeFileFS", "ServeContent"}, nil,
		"no path of a request ever names a file"},
	{"crypto/tls", []string{"Dial", "DialWithDialer", "Dialer", "Listen"}, nil, "the pin stands in rendezvous, the listener in server"},
	{"os", []string{"StartProcess"}, nil, "programs are started through os/exec, where it may be imported"},
	{"os", []string{"Setenv", "Unsetenv", "Clearenv"}, []string{"cmd/assist/main.go"},
		"what the environment says belongs to the person; the one exception keeps a library from starting a session bus"},
	{"os", []string{"Exit"}, []string{"cmd/assist/main.go", "cmd/assist-server/main.go", "cmd/assist-bench/main.go", "scripts/checks/main.go"},
		"it leaves keys held and banners lit: only main ends the program"},
	{"syscall", []string{"Exec", "ForkExec", "StartProcess", "Setuid", "Setgid", "Setreuid", "Setresuid", "PtraceAttach", "PtracePeekData", "PtracePokeData", "PtracePeekText", "PtracePokeText", "CreateProcess", "CreateProcessAsUser"}, nil,
		"no elevation, no other program, nobody else's memory"},
	{"golang.org/x/sys/unix", []string{"Exec", "Setuid", "Setgid", "Setreuid", "Setresuid", "PtraceAttach", "PtraceSeize", "PtracePeekData", "PtracePokeData", "PtracePeekText", "PtracePokeText", "ProcessVMReadv", "ProcessVMWritev"}, nil,
		"no elevation, no other program, nobody else's memory"},
	{"syscall", []string{"Socket", "Socketpair", "Connect", "Bind", "Listen", "Accept", "Accept4", "Sendto", "Sendmsg", "SendmsgN", "Syscall", "Syscall6", "Syscall9", "SyscallN", "RawSyscall", "RawSyscall6",
		"AllThreadsSyscall", "AllThreadsSyscall6", "NewLazyDLL", "LoadDLL", "MustLoadDLL", "LoadLibrary", "WSASendto", "ConnectEx"}, nil,
		"connections are opened through package net, where it may be used, and the kernel is asked by name"},
	{"golang.org/x/sys/unix", []string{"Socket", "Socketpair", "Connect", "Bind", "Listen", "Accept", "Accept4", "Sendto", "Sendmsg", "SendmsgN", "SendmsgBuffers", "Syscall", "Syscall6", "SyscallNoError",
		"RawSyscall", "RawSyscall6", "RawSyscallNoError"}, nil,
		"connections are opened through package net, where it may be used, and the kernel is asked by name"},
	{"golang.org/x/sys/windows", []string{"CreateProcess", "CreateProcessAsUser", "ShellExecute", "OpenProcess", "ReadProcessMemory", "WriteProcessMemory"}, nil,
		"no elevation, no other program, nobody else's memory"},
	{"golang.org/x/sys/windows", []string{"Socket", "WSASocket", "Connect", "ConnectEx", "Bind", "Listen", "Sendto", "WSASendto", "WSASend", "WSASendMsg"}, nil,
		"connections are opened through package net, where it may be used"},
	{"log/slog", []string{"SetDefault", "Default", "Info", "Warn", "Error", "Debug", "Log"}, nil, "a log is handed in, with what may be said in it"},
}

func (s *source) checkBannedNames() {
	if s.test {
		return
	}
	var literals []*ast.CompositeLit
	ast.Inspect(s.tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			literals = append(literals, n)
		case *ast.Ident:
			s.checkName(n, literals)
		}
		return true
	})
}

// checkName fails when an identifier is banned here.
func (s *source) checkName(id *ast.Ident, literals []*ast.CompositeLit) {
	for _, b := range banned {
		if id.Name != b.name || (b.onlyIn == s.dir && setBeside(literals, id, b.beside)) {
			continue
		}
		s.fail(id.Pos(), "%s: %s", b.name, b.why)
	}
}

// setBeside reports whether the literal that sets id also sets the other field.
func setBeside(literals []*ast.CompositeLit, id *ast.Ident, other string) bool {
	for _, l := range slices.Backward(literals) {
		if id.Pos() < l.Pos() || id.End() > l.End() {
			continue
		}
		return slices.ContainsFunc(l.Elts, func(e ast.Expr) bool {
			kv, ok := e.(*ast.KeyValueExpr)
			if !ok {
				return false
			}
			key, ok := kv.Key.(*ast.Ident)
			return ok && key.Name == other
		})
	}
	return false
}

func (s *source) checkLimitedPackages() {
	if s.test {
		return
	}
	for _, l := range limited {
		i, uses := s.imports()[l.name]
		if uses && !slices.Contains(l.in, s.dir) && !slices.Contains(l.in, s.path) {
			s.fail(i.Pos(), "imports %s: %s", l.name, l.why)
		}
	}
}

// checkReserved fails where a name of a package stands that is for other places.
func (s *source) checkReserved() {
	if s.test {
		return
	}
	locals := s.locals()
	ast.Inspect(s.tree, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := sel.X.(*ast.Ident)
		if !ok {
			return true
		}
		for _, r := range reserved {
			if locals[x.Name] == r.pkg && slices.Contains(r.names, sel.Sel.Name) && !slices.Contains(r.in, s.path) && !slices.Contains(r.in, s.dir) {
				s.fail(sel.Pos(), "%s.%s: %s", r.pkg, sel.Sel.Name, r.why)
			}
		}
		return true
	})
}

// locals says which package each name of this file's imports means. A package
// imported with a dot would escape the rule, so that is refused.
func (s *source) locals() map[string]string {
	found := map[string]string{}
	for name, i := range s.imports() {
		local := path.Base(name)
		if i.Name != nil {
			local = i.Name.Name
		}
		if local == "." {
			s.fail(i.Pos(), "imports %s with a dot: nobody sees any more whose names these are", name)
		}
		found[local] = name
	}
	return found
}

// A place that is in no list of files any more, or a reason that is missing, is a rule
// that nobody keeps up.
func TestForbiddenNamesAreKeptUp(t *testing.T) {
	places := map[string]bool{}
	for _, s := range sources(t) {
		places[s.path], places[s.dir] = true, true
	}
	check := func(name, why string, in []string) {
		if strings.TrimSpace(why) == "" {
			t.Errorf("%s: no reason", name)
		}
		for _, place := range in {
			if !places[place] {
				t.Errorf("%s: there is no %s", name, place)
			}
		}
	}
	for _, b := range banned {
		check(b.name, b.why, nil)
	}
	for _, l := range limited {
		check(l.name, l.why, l.in)
	}
	for _, r := range reserved {
		check(r.pkg+"."+r.names[0], r.why, r.in)
	}
}

// Each name of each table is found out where it must not stand, and let pass where it may.
func TestEveryForbiddenNameBites(t *testing.T) {
	const elsewhere = "internal/video/x.go"
	for _, b := range banned {
		if got := broken(t, elsewhere, header+"func f() { x."+b.name+"() }"); !slices.Equal(got, []string{"banned names"}) {
			t.Errorf("%s breaks %q", b.name, got)
		}
	}
	for _, l := range limited {
		if got := broken(t, elsewhere, header+"import _ \""+l.name+"\""); !slices.Contains(got, "limited packages") {
			t.Errorf("%s breaks %q", l.name, got)
		}
	}
	for _, r := range reserved {
		for _, name := range r.names {
			for _, code := range []string{"import \"" + r.pkg + "\"\nvar _ = " + path.Base(r.pkg), "import y \"" + r.pkg + "\"\nvar _ = y"} {
				if got := broken(t, elsewhere, header+code+"."+name); !slices.Contains(got, "reserved names") {
					t.Errorf("%s.%s breaks %q", r.pkg, name, got)
				}
			}
			for _, place := range r.in {
				if !strings.HasSuffix(place, ".go") {
					place += "/x.go"
				}
				if got := broken(t, place, header+"import y \""+r.pkg+"\"\nvar _ = y."+name); slices.Contains(got, "reserved names") {
					t.Errorf("%s.%s is not let pass in %s", r.pkg, name, place)
				}
			}
		}
	}
}
