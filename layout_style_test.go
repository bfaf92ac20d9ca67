// SPDX-License-Identifier: Apache-2.0

package assist_test

import (
	"bytes"
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// Budgets of the house style.
const (
	maxFile     = 500 // lines
	maxFunction = 80  // lines
)

// checkSleep: a test that sleeps is slow or flaky. In a bubble of testing/synctest
// sleeping costs nothing and is exact.
func (s *source) checkSleep() {
	if !s.test || s.bubble {
		return
	}
	ast.Inspect(s.tree, func(n ast.Node) bool {
		if call, ok := n.(*ast.SelectorExpr); ok && call.Sel.Name == "Sleep" {
			if x, ok := call.X.(*ast.Ident); ok && x.Name == "time" {
				s.fail(n.Pos(), "a test sleeps: wait for what must happen, or use testing/synctest")
			}
		}
		return true
	})
}

func (s *source) checkSizes() {
	if n := bytes.Count(s.text, []byte("\n")); n > maxFile {
		s.fail(s.tree.End(), "the file has %d lines, more than %d: it holds more than one thing", n, maxFile)
	}
	for _, d := range s.tree.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := s.line(f.End()) - s.line(f.Pos()) + 1; n > maxFunction {
			s.fail(f.Pos(), "%s has %d lines, more than %d", f.Name.Name, n, maxFunction)
		}
	}
}

func (s *source) checkLicence() {
	if !bytes.HasPrefix(s.text, []byte("// SPDX-License-Identifier: Apache-2.0\n\n")) {
		s.fail(s.tree.Package, "the first line is not the SPDX licence line, with an empty one after it")
	}
}

// vague are names that say nothing of what is inside.
var vague = []string{"util", "utils", "common", "types", "helper", "helpers", "models", "misc"}

// theHelper are files named after this product's helper, the one who helps.
var theHelper = []string{"cmd/assist/helper.go", "internal/ui/helper.go"}

func (s *source) checkNames() {
	base := strings.TrimSuffix(strings.TrimSuffix(path.Base(s.path), ".go"), "_test")
	for _, name := range []string{base, path.Base(s.dir), s.tree.Name.Name} {
		if slices.Contains(vague, name) && !slices.Contains(theHelper, s.path) {
			s.fail(s.tree.Package, "the name %q does not say what is inside", name)
		}
	}
}

func TestPackagesAreDocumented(t *testing.T) {
	documented := map[string]bool{}
	first := map[string]*source{}
	for _, s := range sources(t) {
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		if first[s.dir] == nil {
			first[s.dir] = s
		}
		if s.tree.Doc != nil && strings.TrimSpace(s.tree.Doc.Text()) != "" {
			documented[s.dir] = true
		}
	}
	for dir, s := range first {
		if !documented[dir] {
			s.fail(s.tree.Package, "package %s has no comment that says what it is for", dir)
			t.Error(s.wrong[len(s.wrong)-1])
		}
	}
}

func (s *source) checkDocumentation() {
	if strings.HasSuffix(s.path, "_test.go") {
		return
	}
	for _, d := range s.tree.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && !hidden(d) && d.Doc == nil && !selfEvident(d) {
				s.fail(d.Pos(), "exported %s has no comment", d.Name.Name)
			}
		case *ast.GenDecl:
			s.checkDocumented(d)
		}
	}
}

// selfEvident are methods whose meaning the standard library fixes.
func selfEvident(f *ast.FuncDecl) bool {
	return f.Recv != nil && slices.Contains([]string{"Error", "Unwrap"}, f.Name.Name)
}

// hidden reports whether a method belongs to a type that is not exported.
func hidden(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return false
	}
	receiver := f.Recv.List[0].Type
	for {
		switch r := receiver.(type) {
		case *ast.StarExpr:
			receiver = r.X
		case *ast.IndexExpr:
			receiver = r.X
		case *ast.IndexListExpr:
			receiver = r.X
		case *ast.Ident:
			return !r.IsExported()
		default:
			return false
		}
	}
}

// checkDocumented looks at types, constants and variables; a group may be
// documented as one.
func (s *source) checkDocumented(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		var names []*ast.Ident
		commented := d.Doc != nil
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			names = []*ast.Ident{spec.Name}
			commented = spec.Doc != nil || spec.Comment != nil || commented
		case *ast.ValueSpec:
			names = spec.Names
			commented = commented || spec.Doc != nil || spec.Comment != nil
		}
		for _, name := range names {
			if name.IsExported() && !commented {
				s.fail(name.Pos(), "exported %s has no comment", name.Name)
			}
		}
	}
}

// Nothing runs before main, nothing dies but by returning, nothing is shared but
// by handing it over.
func (s *source) checkHiddenState() {
	if s.test {
		return
	}
	ast.Inspect(s.tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Name.Name == "init" && n.Recv == nil {
				s.fail(n.Pos(), "an init function runs before anybody asked")
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "panic" {
				s.fail(n.Pos(), "panic leaves keys held and banners lit: return an error")
			}
		}
		return true
	})
	for _, d := range s.tree.Decls {
		if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.VAR {
			s.checkVariables(d)
		}
	}
}

// checkVariables lets pass sentinel errors, embedded files, assertions that a
// type has a method set, and the version that the linker writes into an app.
func (s *source) checkVariables(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok || embeds(d.Doc) || embeds(v.Doc) {
			continue
		}
		for i, name := range v.Names {
			linked := name.Name == "version" && strings.HasPrefix(s.dir, "cmd/")
			if name.Name == "_" || linked || (i < len(v.Values) && sentinel(name.Name, v.Values[i])) {
				continue
			}
			s.fail(name.Pos(), "package variable %s: state belongs to a value that somebody owns", name.Name)
		}
	}
}

func embeds(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//go:embed ")
	})
}

// sentinel reports whether a variable is an error made by errors.New or fmt.Errorf.
func sentinel(name string, value ast.Expr) bool {
	call, ok := value.(*ast.CallExpr)
	if !ok || !strings.HasPrefix(strings.ToLower(name), "err") {
		return false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	return ok && (f.Sel.Name == "New" || f.Sel.Name == "Errorf")
}
