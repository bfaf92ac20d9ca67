// SPDX-License-Identifier: Apache-2.0

package assist_test

import (
	"go/ast"
	"go/token"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Whatever takes bytes from elsewhere apart is fuzzed, with a corpus kept beside it.

// unfuzzed are decoders that no fuzz test of their package reaches, each with the reason.
var unfuzzed = map[string]string{
	"peer.unmarshal":      "hands on to package wire, whose decoders are fuzzed there",
	"server.VerifyExport": "hands on to package journal, whose reader is fuzzed there",
	"ui.UnmarshalJSON":    "reads the texts that are built into the app",
	"x11.Read":            "hands on bytes; FuzzStream reads through it by way of io.Reader",
}

// fuzzPackage is the functions of one package, by name, and what each of them names.
type fuzzPackage struct {
	names    map[string][]string
	decoders map[string]*source // by name, with where it stands
	targets  []string
}

// decodes says whether a function takes apart what came from elsewhere: by its name,
// and by a first or second parameter of bytes, of a reader or, for Parse, of text.
func decodes(f *ast.FuncDecl) bool {
	name := strings.ToLower(f.Name.Name)
	verb := regexp.MustCompile(`^(unmarshal|parse|decode|split|read|open|verify)`).FindString(name)
	if verb == "" {
		return false
	}
	for i, p := range f.Type.Params.List {
		if i > 1 {
			break
		}
		switch t := p.Type.(type) {
		case *ast.ArrayType:
			if e, ok := t.Elt.(*ast.Ident); ok && t.Len == nil && e.Name == "byte" {
				return true
			}
		case *ast.Ident:
			if t.Name == "string" && verb == "parse" {
				return true
			}
		case *ast.SelectorExpr:
			if x, ok := t.X.(*ast.Ident); ok && x.Name == "io" && t.Sel.Name == "Reader" {
				return true
			}
		}
	}
	return false
}

func fuzzPackages(all []*source) map[string]*fuzzPackage {
	found := map[string]*fuzzPackage{}
	for _, s := range all {
		if !strings.HasPrefix(s.dir, "internal/") || isForTests(s.dir) {
			continue
		}
		p := found[s.dir]
		if p == nil {
			p = &fuzzPackage{names: map[string][]string{}, decoders: map[string]*source{}}
			found[s.dir] = p
		}
		p.add(s)
	}
	return found
}

func (p *fuzzPackage) add(s *source) {
	for _, d := range s.tree.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		name := f.Name.Name
		ast.Inspect(f.Body, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				p.names[name] = append(p.names[name], id.Name)
			}
			return true
		})
		switch {
		case s.test && strings.HasPrefix(name, "Fuzz"):
			p.targets = append(p.targets, name)
		case !s.test && decodes(f):
			p.decoders[name] = s
		}
	}
}

// reached is every name that the package's fuzz tests come to, by way of its own
// functions.
func (p *fuzzPackage) reached() map[string]bool {
	seen := map[string]bool{}
	next := slices.Clone(p.targets)
	for len(next) > 0 {
		name := next[0]
		next = next[1:]
		if !seen[name] {
			seen[name] = true
			next = append(next, p.names[name]...)
		}
	}
	return seen
}

func TestEveryDecoderIsFuzzed(t *testing.T) {
	left := map[string]bool{}
	for dir, p := range fuzzPackages(sources(t)) {
		reached := p.reached()
		for name, s := range p.decoders {
			key := path.Base(dir) + "." + name
			_, excused := unfuzzed[key]
			switch {
			case !reached[name] && !excused:
				t.Errorf("%s: %s takes apart what came from elsewhere, and no fuzz test of its package reaches it", s.path, name)
			case !reached[name]:
				left[key] = true
			}
		}
		for _, name := range p.targets {
			if entries, err := os.ReadDir(path.Join(dir, "testdata/fuzz", name)); err != nil || len(entries) == 0 {
				t.Errorf("%s: %s has no corpus in testdata/fuzz", dir, name)
			}
		}
	}
	for key, why := range unfuzzed {
		if !left[key] || why == "" {
			t.Errorf("%s is excused from fuzzing and need not be, or has no reason", key)
		}
	}
}

// A decoder that no fuzz test reaches must be seen, and one that is reached by way of
// another function must not be.
func TestDecodersAreSeen(t *testing.T) {
	const code = `
func parseText(s string) {}
func DecodeBytes(n int, b []byte) { inner(b) }
func inner(b []byte) { readMore(nil) }
func readMore(r io.Reader) {}
func openFile(path string) {}
func verifyNothing() {}
`
	parts := map[string]string{"internal/x/x.go": code, "internal/x/x_test.go": "func FuzzX(f *testing.F) { f.Fuzz(func(b []byte) { DecodeBytes(1, b) }) }"}
	var all []*source
	for name, text := range parts {
		s, err := parse(token.NewFileSet(), name, []byte(header+text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	p := fuzzPackages(all)["internal/x"]
	reached := p.reached()
	var seen, missed []string
	for name := range p.decoders {
		seen = append(seen, name)
		if !reached[name] {
			missed = append(missed, name)
		}
	}
	slices.Sort(seen)
	if !slices.Equal(seen, []string{"DecodeBytes", "parseText", "readMore"}) || !slices.Equal(missed, []string{"parseText"}) {
		t.Errorf("decoders %q, of which not fuzzed %q", seen, missed)
	}
}
