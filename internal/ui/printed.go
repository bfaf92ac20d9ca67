// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"

	"assist/internal/wire"
)

// receiptHTML is the form of a saved receipt: one file that asks for nothing else, so
// that it reads the same in ten years. What others wrote is escaped by html/template.
//
//go:embed receipt.html
var receiptHTML string

// printed is a receipt as a page that any browser can read and print, in the language
// shown.
func (a *App) printed(c Receipt) ([]byte, error) {
	form, err := template.New("receipt").Parse(receiptHTML)
	if err != nil {
		return nil, fmt.Errorf("receipt page: %w", err)
	}
	page := struct {
		Language, Title, Moment, DoneTitle, Nothing, Omitted, Foot, ID string
		Facts, Done                                                    []fact
	}{
		Language: a.tongue.code, Title: a.say("receipt.title"), Moment: a.moment(c.Began), Facts: a.facts(c),
		DoneTitle: a.say("receipt.done"), Nothing: a.say("receipt.nothing"), ID: plain(c.ID, 2*len(wire.SessionID{})),
		Foot: a.say("receipt.foot", "version", a.cfg.Version, "moment", a.moment(a.cfg.Now())),
	}
	for _, d := range c.Done {
		page.Done = append(page.Done, fact{d.At.Local().Format("15:04:05"), plain(d.What, maxShownReason)})
	}
	if c.Omitted > 0 {
		page.Omitted = a.tongue.count("receipt.omitted", c.Omitted)
	}
	var out bytes.Buffer
	if err := form.Execute(&out, page); err != nil {
		return nil, fmt.Errorf("receipt page: %w", err)
	}
	return out.Bytes(), nil
}
