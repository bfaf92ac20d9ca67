// SPDX-License-Identifier: Apache-2.0

// Checks runs gosec's rules over every package of the tree. It stands in a module
// of its own, so that what the tools need never enters the programs' module, and
// calls gosec as a library: its command brings dozens of modules for a feature that
// is not wanted here (asking remote services for mends).
//
//	checks [-tags ci] gosec.txt    from the root of the tree
//
// What gosec finds must be mended, or stand in gosec.txt with its reason. A line
// there that excuses nothing is a finding too.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/securego/gosec/v2"
	"github.com/securego/gosec/v2/analyzers"
	"github.com/securego/gosec/v2/issue"
	"github.com/securego/gosec/v2/rules"
	"golang.org/x/tools/go/packages"
)

func main() {
	tags := flag.String("tags", "", "build tags, with commas")
	flag.Parse()
	if err := run(*tags, flag.Arg(0), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "checks:", err)
		os.Exit(1)
	}
}

func run(tags, excuses string, out io.Writer) error {
	text, err := os.ReadFile(excuses)
	if err != nil {
		return err
	}
	excused, err := parse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", excuses, err)
	}
	found, err := scan(tags)
	if err != nil {
		return err
	}
	bad := 0
	for _, f := range found {
		if !excuse(excused, f) {
			bad++
			fmt.Fprintf(out, "%s:%s: %s (%s, %s severity, %s confidence)\n", f.File, f.Line, f.What, f.RuleID, f.Severity, f.Confidence)
		}
	}
	for _, e := range excused {
		if !e.used {
			bad++
			fmt.Fprintf(out, "%s:%d: %s %s excuses nothing: take it out\n", excuses, e.line, e.rule, e.place)
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d findings", bad)
	}
	return nil
}

// scan returns what gosec finds, in order of place, with paths from the root.
func scan(tags string) ([]*issue.Issue, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	pkgs, err := packages.Load(&packages.Config{Mode: gosec.LoadMode, BuildFlags: []string{"-tags=" + tags}}, "./...")
	if err != nil {
		return nil, err
	}
	if len(pkgs) < 20 {
		return nil, fmt.Errorf("only %d packages found: started at the wrong place", len(pkgs))
	}
	analyzer := gosec.NewAnalyzer(gosec.NewConfig(), false, false, false, 1, log.New(io.Discard, "", 0))
	analyzer.LoadRules(rules.Generate(false).RulesInfo())
	analyzer.LoadAnalyzers(analyzers.Generate(false).AnalyzersInfo())
	for _, pkg := range pkgs {
		for _, e := range pkg.Errors {
			return nil, fmt.Errorf("%s does not load: %w", pkg.PkgPath, e)
		}
		analyzer.CheckRules(pkg)
		analyzer.CheckAnalyzers(pkg)
	}
	found, _, faults := analyzer.Report()
	for file, all := range faults {
		return nil, fmt.Errorf("%s: %s", file, all[0].Err)
	}
	return ours(found, root), nil
}

// ours leaves out the files that cgo writes, and makes paths those of the tree.
func ours(found []*issue.Issue, root string) []*issue.Issue {
	var kept []*issue.Issue
	for _, f := range found {
		name, err := filepath.Rel(root, f.File)
		if err != nil || strings.HasPrefix(name, "..") {
			continue
		}
		f.File = filepath.ToSlash(name)
		kept = append(kept, f)
	}
	slices.SortFunc(kept, func(a, b *issue.Issue) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(len(a.Line), len(b.Line)), cmp.Compare(a.Line, b.Line))
	})
	return kept
}

// excused is one line of gosec.txt: a rule, a file or a package, and the reason.
type excused struct {
	rule, place string
	line        int
	used        bool
}

var errShape = errors.New("want: RULE PLACE REASON")

// parse reads gosec.txt.
func parse(text string) ([]*excused, error) {
	var all []*excused
	for n, line := range strings.Split(text, "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) < 4 {
			return nil, fmt.Errorf("line %d: %w", n+1, errShape)
		}
		all = append(all, &excused{rule: fields[0], place: fields[1], line: n + 1})
	}
	return all, nil
}

// excuse reports whether a line excuses a finding, and remembers that it does.
func excuse(all []*excused, f *issue.Issue) bool {
	for _, e := range all {
		if e.rule == f.RuleID && (e.place == f.File || e.place == path.Dir(f.File)) {
			e.used = true
			return true
		}
	}
	return false
}
