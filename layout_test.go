// SPDX-License-Identifier: Apache-2.0

// Package assist_test checks what the compiler does not: which package may know
// which, where consent may be asked for, what no file may contain, and the
// budgets of the house style. It reads every Go file of the tree, whatever
// system or tag it is for. The rules are tables at the head of these files;
// changing a rule is a change of design, and reads as one.
package assist_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the path of this module, and of the import of each of its packages.
const module = "assist/"

// mayImport holds each package's one place in the design: which of ours it may
// import, and why no others. A test file may import any package but an app's.
var mayImport = map[string]struct {
	ours []string
	why  string
}{
	"assets":           {nil, "embedded files know nobody"},
	"internal/consent": {nil, "all that decides about consent is read at one sitting: the standard library alone"},
	"internal/screen":  {nil, "values that everybody shares know nobody: no system, no toolkit, no network"},
	"internal/wire":    {[]string{"internal/screen"}, "bytes and limits: what acts on a message must not live beside it"},
	"internal/photo":   {[]string{"internal/wire"}, "a picture is read by code that knows neither who sends it nor where it is shown"},
	"internal/trust":   {[]string{"internal/wire"}, "what is believed does not depend on how it arrived or who shows it"},
	"internal/x11":     {[]string{"internal/screen"}, "a connection to the display knows nothing of what it is used for"},
	"internal/capture": {[]string{"internal/consent", "internal/screen", "internal/x11"},
		"pixels are read under a consent.View and handed to whoever has it: reading must not know input, network or windows"},
	"internal/input": {[]string{"internal/consent", "internal/screen", "internal/wire", "internal/x11"},
		"keys are pressed under a consent.Control: pressing must not know capture, network or windows"},
	"internal/lamp": {[]string{"internal/consent", "internal/screen", "internal/x11"},
		"the banner must be there even when toolkit, session and network are stuck"},
	"internal/video": {[]string{"internal/screen"}, "a codec decides nothing and knows no connection"},
	"internal/peer": {[]string{"internal/screen", "internal/video", "internal/wire"},
		"the connection carries what it is given a permit for; it can neither ask for consent nor read or drive a desktop"},
	"internal/rendezvous": {[]string{"internal/trust", "internal/wire"},
		"the server dialogue is untrusted ground: consent, pictures and windows are not within its reach"},
	"internal/session": {[]string{"internal/consent", "internal/photo", "internal/screen", "internal/trust", "internal/wire"},
		"sessions are pure logic over small ports: no system, no connection, no toolkit, so that whole ones play in a test"},
	"internal/journal": {nil, "the audit trail is read by people who know none of the rest"},
	"internal/server": {[]string{"internal/journal", "internal/photo", "internal/process", "internal/tomlline", "internal/trust", "internal/wire"},
		"the server introduces and relays: it can hold no consent, no picture, no key stroke and no window"},
	"internal/tomlline": {nil, "where a key stands in a file depends on the file alone"},
	"internal/config":   {[]string{"internal/tomlline", "internal/trust"}, "the app's files say which unit is trusted, and nothing else of ours"},
	"internal/receipt":  {[]string{"internal/config", "internal/trust"}, "the person's own record is a file among the app's files, and proves itself by what both ends signed"},
	"internal/refusal": {[]string{"internal/config", "internal/consent", "internal/rendezvous", "internal/session", "internal/trust", "internal/wire"},
		"a list of what was refused puts the errors of those who refuse into words of its own, and nobody else's words into a file"},
	"internal/presence": {[]string{"internal/x11"},
		"whether somebody can be at the screen is asked of the system alone: what then ends is not its business"},
	"internal/attestation": {[]string{"internal/process"},
		"what is claimed of this app is judged from facts alone, by code that can be read at one sitting"},
	"internal/hardware": {nil, "by which marks a computer is known does not depend on who asks"},
	"internal/process":  {nil, "what this process is does not depend on what it does"},
	"internal/ui": {[]string{"assets", "internal/consent", "internal/screen", "internal/session", "internal/wire"},
		"windows show state and carry wishes: they neither read, drive, send nor reach the server themselves"},
	"internal/ui/view": {[]string{"assets", "internal/consent", "internal/screen", "internal/session", "internal/wire"},
		"the session window is a window like the others"},
	"cmd/assist": {[]string{"assets", "internal/attestation", "internal/capture", "internal/config", "internal/consent", "internal/hardware", "internal/input",
		"internal/lamp", "internal/peer", "internal/presence", "internal/process", "internal/receipt", "internal/refusal", "internal/rendezvous",
		"internal/screen", "internal/session", "internal/trust", "internal/ui", "internal/ui/view", "internal/video",
		"internal/wire"},
		"the app wires everything but the server, which only embedded_server.go may start"},
	"cmd/assist-server": {[]string{"internal/journal", "internal/server", "internal/trust"},
		"the server binary must not even contain what could share or drive a desktop"},
}

// exceptions are edges for one file alone.
var exceptions = map[string][]string{
	"cmd/assist/embedded_server.go": {"internal/server"},
}

// source is one Go file.
type source struct {
	path, dir string // from the root, with slashes
	test      bool   // a test file, or a file of a package for tests
	text      []byte
	tree      *ast.File
	files     *token.FileSet
	bubble    bool // the tests of its package play in bubbles of testing/synctest
	wrong     []string
}

func (s *source) line(p token.Pos) int { return s.files.Position(p).Line }

// fail says what is wrong, where, and why that matters.
func (s *source) fail(p token.Pos, format string, args ...any) {
	s.wrong = append(s.wrong, fmt.Sprintf("%s:%d: %s", s.path, s.line(p), fmt.Sprintf(format, args...)))
}

// isForTests reports whether a package exists for tests alone.
func isForTests(dir string) bool {
	return strings.HasSuffix(dir, "test") && dir != "test" && strings.HasPrefix(dir, "internal/")
}

// parse reads one file of the tree.
func parse(files *token.FileSet, name string, text []byte) (*source, error) {
	tree, err := parser.ParseFile(files, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	dir := path.Dir(name)
	return &source{
		path: name, dir: dir, text: text, tree: tree, files: files,
		test: strings.HasSuffix(name, "_test.go") || isForTests(dir),
	}, nil
}

// sources parses every Go file of the tree.
func sources(t *testing.T) []*source {
	t.Helper()
	var all []*source
	files := token.NewFileSet()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skip(name, d.Name())
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		s, err := parse(files, filepath.ToSlash(name), text)
		all = append(all, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d Go files found: the test looks at the wrong place", len(all))
	}
	markBubbles(all)
	return all
}

// skip leaves out what is not ours.
func skip(name, base string) error {
	hidden := name != "." && strings.HasPrefix(base, ".")
	if hidden || slices.Contains([]string{"out", "testdata", "third_party", "vendor"}, base) {
		return fs.SkipDir
	}
	return nil
}

func markBubbles(all []*source) {
	bubbles := map[string]bool{}
	for _, s := range all {
		if _, ok := s.imports()["testing/synctest"]; ok {
			bubbles[s.dir] = true
		}
	}
	for _, s := range all {
		s.bubble = bubbles[s.dir]
	}
}

// rule is one thing that must be so in every file.
type rule struct {
	name  string
	check func(*source)
}

func rules() []rule {
	return []rule{
		{"who may know whom", (*source).checkEdges},
		{"what nobody imports", (*source).checkOutside},
		{"whose code", (*source).checkUses},
		{"sharp tools", (*source).checkSharpTools},
		{"one asker", (*source).checkAsker},
		{"banned names", (*source).checkBannedNames},
		{"limited packages", (*source).checkLimitedPackages},
		{"reserved names", (*source).checkReserved},
		{"no sleep in tests", (*source).checkSleep},
		{"sizes", (*source).checkSizes},
		{"licence line", (*source).checkLicence},
		{"names", (*source).checkNames},
		{"documentation", (*source).checkDocumentation},
		{"hidden state", (*source).checkHiddenState},
	}
}

func TestEveryFile(t *testing.T) {
	all := sources(t)
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			for _, s := range all {
				s.wrong = nil
				r.check(s)
				for _, w := range s.wrong {
					t.Error(w)
				}
			}
		})
	}
}

// imports lists what a file imports.
func (s *source) imports() map[string]*ast.ImportSpec {
	found := map[string]*ast.ImportSpec{}
	for _, i := range s.tree.Imports {
		if name, err := strconv.Unquote(i.Path.Value); err == nil {
			found[name] = i
		}
	}
	return found
}

func (s *source) checkEdges() {
	for name, i := range s.imports() {
		ours, isOurs := strings.CutPrefix(name, module)
		switch {
		case !isOurs:
		case s.test && strings.HasPrefix(ours, "cmd/"):
			s.fail(i.Pos(), "a test imports an app")
		case s.test:
		case isForTests(ours):
			s.fail(i.Pos(), "imports %s, which makes what only tests may have", name)
		default:
			s.checkEdge(i.Pos(), ours)
		}
	}
}

func (s *source) checkEdge(at token.Pos, ours string) {
	place, known := mayImport[s.dir]
	if !known {
		s.fail(at, "package %s is not in the table: give it its one purpose in mayImport, or put its code where it belongs", s.dir)
		return
	}
	if !slices.Contains(place.ours, ours) && !slices.Contains(exceptions[s.path], ours) {
		s.fail(at, "%s may not import %s: %s", s.dir, ours, place.why)
	}
}

// The table must not promise what is not there.
func TestTableIsOfThisTree(t *testing.T) {
	for dir, rule := range mayImport {
		for _, name := range append(slices.Clone(rule.ours), dir) {
			if _, known := mayImport[name]; !known {
				t.Errorf("%s: %s has no place of its own in the table", dir, name)
			}
		}
		if rule.why == "" {
			t.Errorf("%s: no reason", dir)
		}
	}
}

// outside lists packages of others that a package must never import, each by its
// beginning, and why.
var outside = []struct{ dir, never, why string }{
	{"internal/trust", "net", "trust opens no connection"},
	{"internal/session", "os", "sessions touch no file and no system"},
}

// begins reports whether an import falls under a rule: "." is every library that
// is not the standard one, "net" is the package and what is below it, but for
// the values of net/netip, which open nothing.
func begins(name, rule string) bool {
	first, _, _ := strings.Cut(name, "/")
	if name == "net/netip" {
		return false
	}
	if rule == "." {
		return strings.Contains(first, ".")
	}
	return name == rule || strings.HasPrefix(name, strings.TrimSuffix(rule, "/")+"/")
}

// pure are functions of package net that open nothing: they only take text apart.
var pure = []string{"SplitHostPort", "JoinHostPort"}

// onlyOf lists, for a package that must stay readable at one sitting, the whole of
// what it may import beside ours.
var onlyOf = map[string][]string{
	"internal/consent": {"context", "errors", "fmt", "image", "slices", "strings", "sync", "time"},
}

func (s *source) checkOutside() {
	if s.test {
		return
	}
	few, bound := onlyOf[s.dir]
	for name, i := range s.imports() {
		_, tool := sharp[name] // has a rule of its own
		if bound && !tool && !strings.HasPrefix(name, module) && !slices.Contains(few, name) {
			s.fail(i.Pos(), "%s may import no more than %s", s.dir, strings.Join(few, ", "))
		}
		for _, rule := range outside {
			if s.dir != rule.dir || !begins(name, rule.never) || (name == "net" && s.usesOnly("net", pure)) {
				continue
			}
			s.fail(i.Pos(), "%s may not import %s: %s", s.dir, name, rule.why)
		}
	}
}

// usesOnly reports whether a file takes nothing but these names from a package.
func (s *source) usesOnly(pkg string, names []string) bool {
	only, locals := true, s.locals()
	ast.Inspect(s.tree, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && locals[x.Name] == pkg && !slices.Contains(names, sel.Sel.Name) {
				only = false
			}
		}
		return only
	})
	return only
}

// sharp are tools that can reach round every guarantee of the compiler, and so
// round consent.
var sharp = map[string]string{
	"unsafe":  "it can forge a lease",
	"reflect": "it can look into one",
	"plugin":  "what is loaded is not what was read here",
	"C":       "what is written in it is bound by none of these rules",
}

// mayHold lists the files that may hold them, and no others of their packages: the
// codecs, and the system's own calls that golang.org/x/sys has not got.
var mayHold = map[string][]string{
	"internal/video/encoder.go":            {"C", "unsafe"},
	"internal/video/decoder.go":            {"C", "unsafe"},
	"internal/video/convert.go":            {"C", "unsafe"},
	"internal/process/rights_windows.go":   {"unsafe"},
	"internal/presence/backend_windows.go": {"unsafe"},
}

func (s *source) checkSharpTools() {
	for name, i := range s.imports() {
		compares := s.test && name == "reflect" // a test may compare what it likes
		if why, bad := sharp[name]; bad && !compares && !slices.Contains(mayHold[s.path], name) {
			s.fail(i.Pos(), "imports %s and is not among the files that may: %s", name, why)
		}
	}
	for _, group := range s.tree.Comments {
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, "//go:linkname") {
				s.fail(c.Pos(), "go:linkname reaches into packages that did not ask for it")
			}
		}
	}
}

// A file that is gone, or a tool that is not held any more, is leave for the next comer.
func TestSharpToolsAreKeptUp(t *testing.T) {
	held := map[string]bool{}
	for _, s := range sources(t) {
		for name := range s.imports() {
			held[s.path+" "+name] = true
		}
	}
	for file, tools := range mayHold {
		for _, name := range tools {
			if !held[file+" "+name] {
				t.Errorf("%s does not hold %s", file, name)
			}
		}
	}
}

// What is written in C or for the assembler is read by no rule here: it stands with the
// codecs and nowhere else.
func TestOnlyGoOutsideTheCodecs(t *testing.T) {
	others := []string{".s", ".S", ".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".m", ".f", ".syso", ".a", ".o", ".swig", ".swigcxx"}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skip(name, d.Name())
		}
		if slices.Contains(others, path.Ext(name)) && path.Dir(filepath.ToSlash(name)) != "internal/video" {
			t.Errorf("%s is neither Go nor of a codec", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// asks lists every method named Ask that there is, by package, receiver and type. An asker
// of the person needs such a method whatever its parameters are called, so that one more of
// them, wherever it stands, or another type of one, fails here until somebody has looked at it.
var asks = map[string]string{
	"internal/consent Gate func(ctx context.Context, q Question) (*Lease, error)":                              "has the question asked",
	"internal/ui App func(ctx context.Context, q consent.Question) (consent.Rights, error)":                    "asks the person: the one consent.Asker",
	"internal/rendezvous Technician func(ctx context.Context, totp string, request []byte) (*Outgoing, error)": "sends a request to the server",
	"cmd/assist helper func(_ context.Context, f ui.AskForm) (ui.Request, error)":                              "makes a request for the technician",
}

// checkAsker: only the main window may put a question to the person. A second Asker
// is a second way to say yes.
func (s *source) checkAsker() {
	if s.test {
		return
	}
	for _, d := range s.tree.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv == nil || f.Name.Name != "Ask" {
			continue
		}
		if _, known := asks[s.dir+" "+receiver(f)+" "+types.ExprString(f.Type)]; !known {
			s.fail(f.Pos(), "a method Ask that is not in the list: it would be a second way to say yes")
		}
	}
	s.checkGates()
}

// checkGates: a gate is made in one place, once, and not under another name: whoever makes a
// second one chooses whom it asks.
func (s *source) checkGates() {
	made := 0
	ast.Inspect(s.tree, func(n ast.Node) bool {
		if i, ok := n.(*ast.Ident); ok && i.Name == "NewGate" {
			if made++; s.dir != "internal/consent" && (s.path != "cmd/assist/program.go" || made > 1) {
				s.fail(i.Pos(), "a second gate would ask somebody else")
			}
		}
		return true
	})
}

// receiver is the name of a method's type.
func receiver(f *ast.FuncDecl) string {
	t := f.Recv.List[0].Type
	if p, ok := t.(*ast.StarExpr); ok {
		t = p.X
	}
	if i, ok := t.(*ast.Ident); ok {
		return i.Name
	}
	return ""
}
