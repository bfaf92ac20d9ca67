// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"assist/internal/server"
)

// entryTime is when an entry was written, as a person at this server reads a clock.
const entryTime = "2006-01-02 15:04:05 -07:00"

// shownHash is how much of a hash is printed, in hexadecimal digits: enough to compare.
const shownHash = 16

// showEntries prints entries for people, one a line.
func showEntries(p *program, list []server.JournalEntry) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(p.out, "No entry is like that.")
		return err
	}
	lines := make([]string, 0, len(list))
	for _, e := range list {
		line, err := entryLine(e)
		if err != nil {
			return err
		}
		lines = append(lines, line)
	}
	return table(p.out, "NUMBER\tTIME\tEVENT\tWHO\tMACHINE\tMORE", len(lines), func(i int) string { return lines[i] })
}

// entryLine shows who acted, which is not whom it is about: an administrator's account stands
// in the column, the login it did something to among the rest.
//
// It is an entry as a row: its number and time, what happened, who did it, which
// machine, and everything else that a person can read.
func entryLine(e server.JournalEntry) (string, error) {
	all, err := fieldsOf(e.Body)
	if err != nil {
		return "", err
	}
	name, keys := e.Event.Type(), e.Keys()
	by := ""
	var more []string
	for _, f := range all {
		switch {
		case f.name == "login" || f.name == "machine": // in the columns
		case f.name == "by" && name != "session.ended":
			by = f.value
		default:
			if said := f.words(name); said != "" {
				more = append(more, said)
			}
		}
	}
	actor := keys.Login
	if by != "" {
		actor = by
	}
	if keys.Login != "" && actor != keys.Login {
		more = append([]string{"login " + printable(keys.Login)}, more...)
	}
	return strings.Join([]string{strconv.FormatInt(e.Number, 10), e.At.Local().Format(entryTime), eventWords(name), orDash(printable(actor)),
		orDash(grouped(keys.Machine)), strings.Join(more, ", ")}, "\t"), nil
}

// orDash keeps a column from being empty: a table that is cut by blanks would shift.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// grouped is a machine's number as people read it out.
func grouped(number string) string {
	if len(number) != 12 {
		return printable(number)
	}
	return number[:4] + " " + number[4:8] + " " + number[8:]
}

// printable quotes what a terminal might show as something else.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.QuoteToASCII(s)
	}
	return s
}

// entryField is one field of an entry.
type entryField struct {
	name, value string
	number      bool
}

// fieldsOf reads the fields of an entry, in their order, which a map would lose; numbers keep all of
// their digits.
func fieldsOf(body []byte) ([]entryField, error) {
	var stored struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &stored); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(stored.Data))
	d.UseNumber()
	var out []entryField
	_, err := d.Token() // the opening brace
	for err == nil && d.More() {
		var name, value json.Token
		if name, err = d.Token(); err != nil {
			break
		}
		if value, err = d.Token(); err == nil {
			_, number := value.(json.Number)
			out = append(out, entryField{fmt.Sprint(name), fmt.Sprint(value), number})
		}
	}
	return out, err
}

// words are what a field says; empty for what no person reads.
func (f entryField) words(event string) string {
	switch f.name {
	case "signed", "request", "answer", "list", "head":
		return ""
	case "until", "expires", "before":
		return f.name + " " + f.moment()
	case "at":
		if !f.number {
			return "at " + f.value // where a log-in was refused
		}
		return "by the machine's clock " + f.moment()
	case "verdict":
		return coded(verdictWords(), f)
	case "deed":
		return coded(deedWords(), f)
	case "rights":
		return "rights: " + rightsWords(f)
	case "by":
		return "by the " + f.value // an end of the session
	case "address":
		return "from " + printable(f.value)
	case "charter", "key", "pin", "device", "serial":
		return f.name + " " + f.value[:min(len(f.value), shownHash)]
	case "reason", "change", "what", "name", "role":
		return f.text(event)
	}
	return f.name + " " + printable(f.value) // of a later version: shown as it is, not left out
}

// text is a field that a person wrote; the reason of an end is a number.
func (f entryField) text(event string) string {
	switch {
	case f.number && event == "session.ended":
		return coded(endWords(), f)
	case f.value == "":
		return ""
	case f.name == "name" || f.name == "role":
		return printable(f.value)
	}
	return strings.Replace(f.name, "what", "chosen", 1) + " " + strconv.Quote(f.value)
}

func (f entryField) moment() string {
	n, err := strconv.ParseInt(f.value, 10, 64)
	if err != nil {
		return printable(f.value)
	}
	return time.Unix(n, 0).Local().Format(entryTime)
}
