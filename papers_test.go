// SPDX-License-Identifier: Apache-2.0

package assist_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// papers promise things, and name the test that holds each of them: "pkg: TestName",
// or TestName of the package named before it on the line (assist: those at the root), or "e2e: name/of subtest",
// or a file of tests at the root. None may name what is not there.
var papers = []string{"docs/security.md", "docs/threats.md", "docs/compliance.md"}

// held are the tests of the tree, and what the end-to-end tests call their steps.
type held struct {
	tests map[string][]string // name of the test to its packages
	steps map[string]bool     // every string in the end-to-end tests
}

func heldBy(all []*source) held {
	h := held{map[string][]string{}, map[string]bool{}}
	for _, s := range all {
		if !strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		for _, d := range s.tree.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && isTest(f.Name.Name) {
				h.tests[f.Name.Name] = append(h.tests[f.Name.Name], s.dir)
			}
		}
		if s.dir == "e2e" {
			h.collect(s.tree)
		}
	}
	return h
}

func (h held) collect(tree *ast.File) {
	ast.Inspect(tree, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				h.steps[text] = true
			}
		}
		return true
	})
}

func isTest(name string) bool {
	return strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz")
}

// in reports whether a package of that short name holds the test; any does when no
// package is named.
func (h held) in(pkg, test string) bool {
	return slices.ContainsFunc(h.tests[test], func(dir string) bool {
		return pkg == "" || (pkg == "assist" && dir == ".") || slices.Contains(strings.Split(dir, "/"), pkg)
	})
}

var (
	quoted  = regexp.MustCompile("`([^`]+)`")
	named   = regexp.MustCompile(`^(?:(?:[a-z0-9-]+/)*([a-z0-9-]+): )?((?:Test|Fuzz)[A-Za-z0-9_]+)((?:/[^/]+)*)$`)
	stepped = regexp.MustCompile(`^e2e: ([^/]+(?:/[^/]+)*)$`)
)

// missing lists what a line names and is not there, and counts what is.
func (h held) missing(line string) (wrong []string, good int) {
	pkg := ""
	for _, q := range quoted.FindAllStringSubmatch(line, -1) {
		ok, known := true, true
		if m := named.FindStringSubmatch(q[1]); m != nil {
			if m[1] != "" {
				pkg = m[1]
			}
			ok = h.in(pkg, m[2])
		} else if m := stepped.FindStringSubmatch(q[1]); m != nil {
			ok = !slices.ContainsFunc(strings.Split(m[1], "/"), func(s string) bool { return s != "…" && !h.steps[s] })
		} else if strings.HasSuffix(q[1], "_test.go") {
			_, err := os.Stat(q[1])
			ok = err == nil
		} else {
			known = false
		}
		switch {
		case known && ok:
			good++
		case known:
			wrong = append(wrong, fmt.Sprintf("there is no %s (package %q)", q[1], pkg))
		}
	}
	return wrong, good
}

// unheld says what is wrong with a paper: names that are not there, and promises, rows
// of tables headed "held by" or "test", that neither name a test nor say that they are
// not covered.
func (h held) unheld(name, text string) []string {
	var wrong []string
	promises := false
	for n, line := range strings.Split(text, "\n") {
		bad, good := h.missing(line)
		for _, w := range bad {
			wrong = append(wrong, fmt.Sprintf("%s:%d: %s", name, n+1, w))
		}
		row := strings.HasPrefix(line, "|")
		switch {
		case !row:
			promises = false
		case strings.HasSuffix(line, "| held by |") || strings.HasSuffix(line, "| test |"):
			promises = true
		case strings.HasPrefix(line, "|---") || !promises:
		case good == 0 && !strings.Contains(line, "**not covered**") && !strings.Contains(line, "**partly**"):
			wrong = append(wrong, fmt.Sprintf("%s:%d: names no test, and does not say **not covered**", name, n+1))
		}
	}
	return wrong
}

func TestPapersNameTestsThatExist(t *testing.T) {
	h := heldBy(sources(t))
	for _, name := range papers {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range h.unheld(name, string(text)) {
			t.Error(w)
		}
	}
}

// The check of the papers must find what is wrong with them.
func TestPapersAreRead(t *testing.T) {
	h := heldBy(sources(t))
	const head = "| promise | held by |\n|---|---|\n"
	for text, want := range map[string]int{
		head + "| a | `consent: TestNoBannerNoLease`, `TestRenewal` |":                 0,
		head + "| a | `e2e: cuts/interface stuck`, `e2e: cuts/…`, `layout_test.go` |":  0,
		head + "| a | **not covered**: nobody can |":                                   0,
		head + "| a | it is so |":                                                      1,
		head + "| a | `consent: TestNoSuchThing` |":                                    2,
		head + "| a | `trust: TestNoBannerNoLease`, `consent: TestNoBannerNoLease` |":  1,
		head + "| a | `consent: TestNoBannerNoLease`, `TestOlderTLSIsRefused` |":       1,
		head + "| a | `e2e: cuts/no such thing`, `e2e: before accept` |":               1,
		head + "| a | `no_such_test.go`, `TestNoBannerNoLease` |":                      1,
		"Prose that names `TestNoSuchThing`.":                                          1,
		"Prose without a name.\n| a table | of something else |\n|---|---|\n| a | b |": 0,
	} {
		if got := h.unheld("x.md", text); len(got) != want {
			t.Errorf("%q: %q, want %d", text, got, want)
		}
	}
}
