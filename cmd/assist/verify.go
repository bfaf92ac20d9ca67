// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"assist/assets"
	"assist/internal/config"
	"assist/internal/receipt"
	"assist/internal/trust"
)

// verifyReceipt tells whether the receipt in a file is authentic, and what it is of; it
// returns the exit status, 0 only for one of this app's own unit. It needs no app, no display, and changes nothing.
func verifyReceipt(path, dir string, out io.Writer, text assets.Text) int {
	b, err := os.ReadFile(path)
	if err != nil {
		return fail(out, text("verify.unread"), err)
	}
	r, err := receipt.Verify(b, assets.WordLists("fr"))
	switch {
	case errors.Is(err, receipt.ErrUnproven):
		return fail(out, text("verify.unproven"), err)
	case err != nil:
		return fail(out, text("verify.damaged"), err)
	}
	head, whose, status := "verify.stranger", "verify.other", 1 // anybody can make a unit of their own
	for _, unit := range ownUnits(dir) {
		if bytes.Equal(unit, r.UnitKey) {
			head, whose, status = "verify.ok", "verify.ours", 0
		}
	}
	for _, line := range []string{
		text(head),
		text("verify.who", "name", printable(r.Name), "role", printable(r.Role), "unit", printable(r.Unit)),
		text("verify.when", "date", moment(r.Began, text), "length", length(r.Length, text), "reason", printable(r.Reason)),
		unfinished(r, text),
		text("verify.machine", "machine", trust.FormatMachineID(r.Machine)),
		text("verify.unit", "key", fingerprint(r.UnitKey)),
		text(whose),
	} {
		if line != "" {
			fmt.Fprintln(out, line)
		}
	}
	return status
}

// unfinished says that the app came to no end of a receipt; empty when it did.
func unfinished(r receipt.Receipt, text assets.Text) string {
	if r.Completed() {
		return ""
	}
	return text("verify.unfinished", "date", moment(r.Written(), text))
}

// moment is a day and a time to the second, as one writes them in the language of text.
func moment(t time.Time, text assets.Text) string {
	return text("verify.moment", "date", t.Local().Format(text("verify.date")), "time", t.Local().Format("15:04:05"))
}

// length is in minutes and seconds.
func length(d time.Duration, text assets.Text) string {
	d = d.Round(time.Second)
	return text("verify.minutes", "m", fmt.Sprint(int(d/time.Minute)), "s", fmt.Sprint(int(d%time.Minute/time.Second)))
}

// ownUnits are the keys of the unit that this app belongs to, if any: the one of the join
// code, and the one that took its place.
func ownUnits(dir string) []trust.UnitPublic {
	dirs, err := directories(dir)
	if err != nil {
		return nil
	}
	file, err := config.Load(dirs)
	if err != nil {
		return nil
	}
	code, err := trust.ParseJoinCode(file.Unit.Join)
	if err != nil {
		return nil
	}
	own := []trust.UnitPublic{code.Unit}
	memory, err := trust.NewMemory(dirs.Data, code.Unit)
	if err != nil {
		return own
	}
	if now, _, err := memory.Epoch(); err == nil {
		own = append(own, now)
	}
	return own
}

// printable keeps what others wrote from steering a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}
