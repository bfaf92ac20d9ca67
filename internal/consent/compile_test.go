// SPDX-License-Identifier: Apache-2.0

package consent_test

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

const self = "assist/internal/consent"

// workshop type-checks snippets against this very package.
type workshop struct {
	files   *token.FileSet
	std     types.Importer
	consent *types.Package
}

func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	w := &workshop{files: token.NewFileSet()}
	w.std = importer.ForCompiler(w.files, "source", nil)
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var parsed []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(w.files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	conf := types.Config{Importer: w.std}
	if w.consent, err = conf.Check(self, w.files, parsed, nil); err != nil {
		t.Fatal(err)
	}
	return w
}

// Import gives this package to the snippets, and the standard library.
func (w *workshop) Import(path string) (*types.Package, error) {
	switch path {
	case self:
		return w.consent, nil
	case "context":
		return w.std.Import(path)
	}
	return nil, fs.ErrNotExist
}

// check type-checks the body of a function of another package.
func (w *workshop) check(t *testing.T, body string) error {
	t.Helper()
	src := `package thief
import ("context"; "assist/internal/consent")
var _ context.Context
func f(l *consent.Lease, g *consent.Gate, v consent.View, p consent.Pointer, c consent.Control) {
` + body + "\n}\n"
	f, err := parser.ParseFile(w.files, "thief.go", src, 0)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	conf := types.Config{Importer: w}
	_, err = conf.Check("assist/internal/thief", w.files, []*ast.File{f}, nil)
	return err
}

// What no other package can even write down.
func TestWhatDoesNotCompile(t *testing.T) {
	w := newWorkshop(t)
	for _, try := range []struct{ body, complaint string }{
		{`_ = consent.View(c)`, "cannot convert"},
		{`_ = consent.View(p)`, "cannot convert"},
		{`_ = consent.Control(v)`, "cannot convert"},
		{`_ = consent.Control(p)`, "cannot convert"},
		{`_ = consent.Pointer(v)`, "cannot convert"},
		{`_ = consent.Pointer(c)`, "cannot convert"},
		{`c = v`, "cannot use v"},
		{`_ = consent.View{view: nil}`, "unexported field"},
		{`_ = consent.Control{control: nil}`, "unexported field"},
		{`_ = consent.Control{nil}`, "unexported field"},
		{`_ = consent.View(struct{ view *int }{})`, "cannot convert"},
		{`type view struct{ view *int }; _ = consent.View(view{})`, "cannot convert"},
		{`_ = v.view`, "undefined"},
		{`_ = consent.Lease{cause: nil}`, "unexported field"},
		{`_ = consent.Lease{nil, nil}`, "unexported field"},
		{`l.cause = nil`, "undefined"},
		{`l.add(consent.AllRights)`, "undefined"},
		{`l.beat()`, "undefined"},
		{`_ = consent.Gate{ceiling: consent.AllRights}`, "unexported field"},
		{`g.ceiling = consent.AllRights`, "undefined"},
		{`_, _ = g.light(context.TODO(), l)`, "undefined"},
		{`_ = consent.newLease(g, consent.Question{}, consent.AllRights)`, "not exported"},
	} {
		err := w.check(t, try.body)
		if err == nil {
			t.Errorf("another package can write %s", try.body)
		} else if !strings.Contains(err.Error(), try.complaint) {
			t.Errorf("%s fails for the wrong reason: %v", try.body, err)
		}
	}
	for _, fair := range []string{
		`_, _ = l.View()`,
		`_ = c.Do(func() error { return nil })`,
		`_, _ = g.Ask(context.TODO(), consent.Question{})`,
		`_ = consent.View{}; _ = consent.Lease{}`, // zero values: they refuse, see TestZeroValuesRefuse
	} {
		if err := w.check(t, fair); err != nil {
			t.Errorf("%s: %v", fair, err)
		}
	}
}

// births are the only functions that return these types: one more is one more
// way to a right.
func TestRightsHaveOneBirthplace(t *testing.T) {
	births := map[string]string{
		"Lease":   "(*Gate).Ask",
		"View":    "(*Lease).View",
		"Pointer": "(*Lease).Pointer",
		"Control": "(*Lease).Control",
	}
	w := newWorkshop(t)
	found := map[string][]string{}
	for _, name := range w.consent.Scope().Names() {
		object := w.consent.Scope().Lookup(name)
		if !object.Exported() {
			continue
		}
		switch o := object.(type) {
		case *types.Func:
			noteBirths(found, name, o)
		case *types.TypeName:
			methods := types.NewMethodSet(types.NewPointer(o.Type()))
			for i := range methods.Len() {
				if m, ok := methods.At(i).Obj().(*types.Func); ok && m.Exported() {
					noteBirths(found, "(*"+name+")."+m.Name(), m)
				}
			}
		case *types.Var:
			if _, isError := o.Type().Underlying().(*types.Interface); !isError {
				t.Errorf("%s is a package variable of type %v", name, o.Type())
			}
		}
	}
	for born, where := range births {
		if got := found[born]; len(got) != 1 || got[0] != where {
			t.Errorf("a %s comes out of %v, want %s alone", born, got, where)
		}
	}
}

func noteBirths(found map[string][]string, name string, f *types.Func) {
	results := f.Signature().Results()
	for i := range results.Len() {
		result := results.At(i).Type()
		if p, ok := result.(*types.Pointer); ok {
			result = p.Elem()
		}
		if n, ok := result.(*types.Named); ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == self {
			found[n.Obj().Name()] = append(found[n.Obj().Name()], name)
		}
	}
}
