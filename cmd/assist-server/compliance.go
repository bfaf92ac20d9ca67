// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"assist/internal/server"
)

// runCompliance fails when a rule is not met, after everything was printed.
func runCompliance(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "compliance", "Says of each rule (docs/compliance.md) where it stands in this unit. It changes\nnothing, and fails when a rule is not met.")
	asJSON := f.Bool("json", false, "print JSON")
	french := f.Bool("fr", false, "print everything in French")
	if err := parse(p, f, args); err != nil {
		return err
	}
	// As it is: a look must not bring the database of a running older server up to date.
	return opened(*dir, server.Options{By: account(), AsItIs: true}, func(s *server.Server) error {
		found, err := s.Compliance(ctx)
		if err != nil {
			return err
		}
		if *asJSON {
			e := json.NewEncoder(p.out)
			e.SetIndent("", "  ")
			err = e.Encode(found)
		} else {
			err = printCompliance(p, found, *french)
		}
		for _, one := range found { // rules met in part count as met: nothing can be mended here
			if one.Met {
				continue
			}
			if *french {
				return errors.Join(err, errNotMetFR)
			}
			return errors.Join(err, errNotMet)
		}
		return err
	})
}

// What is said when a rule is not met.
var (
	errNotMet   = errors.New("not every rule is met: mend what is marked NOT MET")
	errNotMetFR = errors.New("toutes les règles ne sont pas tenues\u00a0: corrigez ce qui est marqué NON TENU")
)

// printCompliance keeps one language a page: who reads it signs for it.
func printCompliance(p *program, found []server.Standpoint, french bool) error {
	for _, one := range found {
		in, state, marks := one.EN, one.State, [3]string{"met", "partly", "NOT MET"}
		if french {
			in, state, marks = one.FR, one.StateFR, [3]string{"tenu", "en partie", "NON TENU"}
		}
		mark := marks[0]
		switch {
		case !one.Met:
			mark = marks[2]
		case one.Partly:
			mark = marks[1]
		}
		if _, err := fmt.Fprintf(p.out, "%-9s %-9s %s\n%20s%s\n", one.ID, mark, in.Rule, "", plain(state)); err != nil {
			return err
		}
	}
	return nil
}
