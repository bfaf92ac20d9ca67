// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"assist/internal/server"
)

func runCompliance(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "compliance", "Says of each rule (docs/compliance.md) where it stands in this unit. It changes\nnothing, and fails when a rule is not met.")
	asJSON := f.Bool("json", false, "print JSON")
	french := f.Bool("fr", false, "print the rules in French")
	if err := parse(p, f, args); err != nil {
		return err
	}
	return with(*dir, func(s *server.Server) error {
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
		for _, one := range found {
			if !one.Met {
				return errors.Join(err, errNotMet)
			}
		}
		return err
	})
}

var errNotMet = errors.New("not every rule is met")

func printCompliance(p *program, found []server.Standpoint, french bool) error {
	for _, one := range found {
		mark, in := "met", one.EN
		if french {
			in = one.FR
		}
		switch {
		case one.Partly:
			mark = "partly"
		case !one.Met:
			mark = "NOT MET"
		}
		if _, err := fmt.Fprintf(p.out, "%-9s %-8s %s\n%19s%s\n", one.ID, mark, in.Rule, "", plain(one.State)); err != nil {
			return err
		}
	}
	return nil
}
