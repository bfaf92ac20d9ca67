// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// printTable writes the results as a table for people.
func printTable(w io.Writer, results []result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "target\twork\tdrawn/s\tseen/s\tlate p50 ms\tlate p90 ms\tkbit/s\thost CPU %\tviewer CPU %\tlost\t")
	for _, r := range results {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%.0f\t%.1f\t%.1f\t%d\t\n", r.Target, r.Work, number(r.Drawn), number(r.FPS),
			number(r.LateP50), number(r.LateP90), r.Kbit, r.HostCPU, r.ViewCPU, r.Lost)
	}
	return t.Flush()
}

// number leaves out what was not measured.
func number(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", v)
}

// printRatios writes how the rivals' figures compare with the first target's:
// above 1 the first target is better.
func printRatios(w io.Writer, results []result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	if len(results) == 0 {
		return nil
	}
	first := results[0].Target
	fmt.Fprintf(t, "%s against\twork\tseen\tlate p50\tlate p90\tkbit/s\tCPU\t\n", first)
	for _, rival := range results {
		for _, own := range results {
			if own.Target == first && rival.Target != first && own.Work == rival.Work {
				cells := []string{ratio(own.FPS, rival.FPS), ratio(rival.LateP50, own.LateP50), ratio(rival.LateP90, own.LateP90),
					ratio(rival.Kbit, own.Kbit), ratio(rival.HostCPU+rival.ViewCPU, own.HostCPU+own.ViewCPU)}
				fmt.Fprintf(t, "%s\t%s\t%s\t\n", rival.Target, own.Work, strings.Join(cells, "\t"))
			}
		}
	}
	return t.Flush()
}

func ratio(a, b float64) string {
	if a == 0 || b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", a/b)
}

// printJSON writes the results for programs.
func printJSON(w io.Writer, results []result) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(results)
}
