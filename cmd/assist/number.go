// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"log/slog"
	"time"

	"assist/internal/config"
	"assist/internal/trust"
)

// keepNews is for how long a new number is said to be new: not everybody sits at their
// computer on the day on which the unit's key changes.
const keepNews = 14 * 24 * time.Hour

// numbered is the number that this computer had last, as its file holds it. The number
// follows from the computer's key and from the unit's: it changes with either.
type numbered struct {
	Number string    `json:"number"`
	Since  time.Time `json:"since,omitzero"` // zero for the first
}

// renumbered keeps a computer's number, and returns since when people may have noted
// another one; zero when they have not, or long enough ago.
func renumbered(path, number string, now time.Time, log *slog.Logger) time.Time {
	var kept numbered
	config.ReadKept(path, log, func(b []byte) error {
		err := json.Unmarshal(b, &kept)
		if err == nil {
			err = trust.CheckMachineID(kept.Number)
		}
		if err != nil {
			kept = numbered{}
		}
		return err
	})
	if kept.Number == number {
		if now.Sub(kept.Since) < keepNews {
			return kept.Since
		}
		return time.Time{}
	}
	if kept.Number != "" {
		kept.Since = now
	}
	kept.Number = number
	b, err := json.Marshal(kept)
	if err == nil {
		err = config.WriteFile(path, b)
	}
	if err != nil { // it is said now, and once more when the app starts again
		log.Warn("this computer's number is not kept", "error", err)
	}
	return kept.Since
}
