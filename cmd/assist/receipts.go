// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"log/slog"

	"assist/assets"
	"assist/internal/consent"
	"assist/internal/receipt"
	"assist/internal/session"
	"assist/internal/ui"
	"assist/internal/wire"
)

// receipts is the person's own record, as the screens want it.
type receipts struct {
	book *receipt.Book
	text func() assets.Text
	log  *slog.Logger
}

// List returns the receipts, newest first.
func (r *receipts) List() ([]ui.Receipt, error) {
	kept, err := r.book.List()
	if err != nil {
		return nil, err
	}
	out := make([]ui.Receipt, len(kept))
	for i, one := range kept {
		out[i] = r.shown(one)
	}
	return out, nil
}

// keep writes down an intervention that has ended.
func (r *receipts) keep(machine string, rec session.Record) {
	kept := receipt.Receipt{
		Session: hex.EncodeToString(rec.Session[:]), Machine: machine,
		Name: rec.Who.Name, Role: rec.Who.Role, Unit: rec.Who.Unit, Until: rec.Who.Until,
		Reason: rec.Reason, Began: rec.Began, Length: rec.Length,
		Allowed: uint16(rec.Allowed), Omitted: rec.Dropped, End: uint8(rec.End), Words: rec.Words,
	}
	for _, d := range rec.Done {
		kept.Deeds = append(kept.Deeds, receipt.Deed{At: d.At, What: deedKey(d)})
	}
	if err := r.book.Add(kept); err != nil {
		r.log.Error("receipt not kept", "error", err)
	}
}

func (r *receipts) shown(k receipt.Receipt) ui.Receipt {
	text := r.text()
	out := ui.Receipt{
		ID: k.Session, Who: consent.Card{Name: k.Name, Role: k.Role, Unit: k.Unit, Until: k.Until},
		Reason: k.Reason, Began: k.Began, Length: k.Length, Allowed: consent.Rights(k.Allowed),
		End: wire.EndReason(k.End), Words: k.Words,
	}
	for _, d := range k.Deeds {
		out.Done = append(out.Done, ui.Deed{At: d.At, What: text(d.What)})
	}
	return out
}

// deedKey is the key of the words for a deed.
func deedKey(d session.Deed) string {
	name, withRights := deedName(d.Act)
	if !withRights {
		return "deed." + name
	}
	if d.Rights.Has(consent.RightControl) {
		return "deed." + name + ".control"
	}
	return "deed." + name + ".point"
}

func deedName(a session.Act) (name string, withRights bool) {
	switch a {
	case session.ActBegan:
		return "began", false
	case session.ActAsked:
		return "asked", true
	case session.ActGranted:
		return "granted", true
	case session.ActRefused:
		return "refused", true
	case session.ActReleased:
		return "released", true
	case session.ActTakenBack:
		return "takenBack", false
	case session.ActPaused:
		return "paused", false
	case session.ActResumed:
		return "resumed", false
	case session.ActDrove:
		return "drove", false
	}
	return "ended", false
}

// Save writes the receipt of a session as a page.
func (r *receipts) Save(id, path string) error { return errNotMember }

// Report tells the administrator of a problem with a session.
func (r *receipts) Report(id string) error { return errNotMember }
