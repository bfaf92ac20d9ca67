// SPDX-License-Identifier: Apache-2.0

package main

import (
	"assist/internal/refusal"
	"assist/internal/ui"
)

// refusals is what this app refused to believe, as the screens want it.
type refusals struct{ book *refusal.Book }

// List is newest first.
func (r refusals) List() ([]ui.Refusal, int) {
	lines, omitted := r.book.List()
	out := make([]ui.Refusal, 0, len(lines))
	for _, l := range lines {
		out = append(out, ui.Refusal{
			First: l.First, Last: l.Last, Helper: l.Side == refusal.Helper, What: l.What, Why: l.Why, Who: l.Who, Count: l.Count,
		})
	}
	return out, omitted
}
