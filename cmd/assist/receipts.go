// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"assist/assets"
	"assist/internal/config"
	"assist/internal/consent"
	"assist/internal/receipt"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/ui"
	"assist/internal/wire"
)

// issuer is a computer in a unit, as receipts name and sign it.
type issuer struct {
	machine string
	unit    trust.UnitPublic
	key     *trust.HostKey
}

// receipts is the person's own record, as the screens want it.
type receipts struct {
	book *receipt.Book
	text func() assets.Text
	tell func(context.Context, wire.Record) error // reports a session to the server
	log  *slog.Logger

	mu    sync.Mutex // guards the rest
	goes  string     // the session that goes on, empty without one
	lost  string     // the session whose receipt could not be written last, likewise
	broke *ui.Ending // of the app before this one, if it did not complete its last receipt
}

// look finds out, before anything else is kept, whether the app before this one came to
// complete its last receipt.
func (r *receipts) look() {
	kept, err := r.book.List()
	// The newest alone: an older one that was not completed was told at the start after it.
	if err != nil || len(kept) == 0 || kept[0].Completed() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broke = &ui.Ending{At: kept[0].Written(), Receipt: kept[0].Session}
}

// broken is what look found.
func (r *receipts) broken() *ui.Ending {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.broke
}

// going tells whether a session goes on, so that its receipt is not complete yet.
func (r *receipts) going(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.goes == id
}

// List returns the receipts, newest first, but for one that is still being written.
func (r *receipts) List() ([]ui.Receipt, error) {
	kept, err := r.book.List()
	if err != nil {
		return nil, err
	}
	out := make([]ui.Receipt, 0, len(kept))
	for _, one := range kept {
		if !r.going(one.Session) {
			out = append(out, r.shown(one))
		}
	}
	return out, nil
}

// keep writes down an intervention as it stands, or whole when it has ended, signed by
// this computer's key and with what both ends signed.
func (r *receipts) keep(at issuer, rec session.Record) error {
	r.mu.Lock()
	r.broke, r.goes = nil, ""
	if rec.End == 0 {
		r.goes = hex.EncodeToString(rec.Session[:])
	}
	r.mu.Unlock()
	kept := receipt.Receipt{
		Session: hex.EncodeToString(rec.Session[:]), Machine: at.machine,
		Name: rec.Who.Name, Role: rec.Who.Role, Unit: rec.Who.Unit, Until: rec.Who.Until,
		Reason: rec.Reason, Began: rec.Began, Length: rec.Length,
		Allowed: uint16(rec.Allowed), Omitted: rec.Dropped, End: uint8(rec.End), Words: rec.Words,
		Driven: rec.Driven, Pointed: rec.Pointed, Heard: rec.Proof.Heard, UnitKey: at.unit,
		Certificate: rec.Proof.Certificate, Request: rec.Proof.Request, Pledge: rec.Proof.Pledge, Answer: rec.Proof.Answer,
	}
	for _, d := range rec.Done {
		kept.Deeds = append(kept.Deeds, receipt.Deed{At: d.At, What: deedKey(d)})
	}
	for _, d := range rec.Done {
		if d.Act == session.ActBegan {
			kept.First = uint16(d.Rights)
		}
	}
	err := r.book.Add(kept, at.key) // not under mu: it writes to the disk, and the screens ask meanwhile
	if err != nil {
		r.log.Error("receipt not kept", "error", err)
	}
	r.mark(kept.Session, err != nil)
	return err
}

// mark notes whether the newest receipt could be written.
func (r *receipts) mark(session string, lost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost = ""
	if lost {
		r.lost = session
	}
}

// missing tells whether the receipt of a session could not be written.
func (r *receipts) missing(session string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost == session
}

// shown words the deeds in the language of now, not in that of then.
func (r *receipts) shown(k receipt.Receipt) ui.Receipt {
	text := r.text()
	out := ui.Receipt{
		ID: k.Session, Machine: k.Machine, Omitted: k.Omitted, Who: consent.Card{Name: k.Name, Role: k.Role, Unit: k.Unit, Until: k.Until},
		Reason: k.Reason, Began: k.Began, Length: k.Length, Allowed: consent.Rights(k.Allowed),
		End: wire.EndReason(k.End), Words: k.Words, Driven: k.Driven, Pointed: k.Pointed,
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

// deedName is kept in the receipt, so a name never changes its meaning.
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
	case session.ActUnanswered:
		return "unanswered", true
	case session.ActBarred:
		return "barred", true
	case session.ActReleased:
		return "released", true
	case session.ActTakenBack:
		return "takenBack", false
	case session.ActLimited:
		return "limited", true
	case session.ActLapsed:
		return "lapsed", true
	case session.ActPaused:
		return "paused", false
	case session.ActResumed:
		return "resumed", false
	case session.ActDrove:
		return "drove", false
	case session.ActRenewed:
		return "renewed", false
	case session.ActReported:
		return "reported", false
	}
	return quietDeed(a), false
}

// quietDeed names what nobody did on purpose.
func quietDeed(a session.Act) string {
	switch a {
	case session.ActPointed:
		return "pointed"
	case session.ActLampLost:
		return "lampLost"
	case session.ActLampBack:
		return "lampBack"
	case session.ActIdle:
		return "idle"
	case session.ActStillHere:
		return "stillHere"
	}
	return "ended"
}

// Save puts a page where the person wants it, and beside it the signed receipt, which
// proves it. The person was asked about the page alone, so nothing else is replaced.
func (r *receipts) Save(id, path string, page []byte) (string, error) {
	proof, err := r.book.File(id)
	var beside string
	if err == nil {
		beside, err = freeFor(proof, strings.TrimSuffix(path, filepath.Ext(path)))
	}
	if err == nil {
		err = errors.Join(config.WriteFile(path, page), config.WriteFile(beside, proof))
	}
	if err != nil {
		r.log.Warn("receipt not saved", "error", err)
		return "", ui.ErrDisk
	}
	return beside, nil
}

// maxNames is how many names are tried for a signed receipt.
const maxNames = 100

// freeFor is the first of NAME.json, NAME-2.json, … that nobody has, or that holds the
// same already.
func freeFor(proof []byte, name string) (string, error) {
	for n := range maxNames {
		path := name + ".json"
		if n > 0 {
			path = fmt.Sprintf("%s-%d.json", name, n+1)
		}
		switch there, err := os.ReadFile(path); {
		case errors.Is(err, fs.ErrNotExist), err == nil && bytes.Equal(there, proof):
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, fs.ErrExist)
}

// reportWithin is how long the server may take to confirm a report.
const reportWithin = 20 * time.Second

// Report tells the administrator of a problem with a session. It returns nil only
// when that is in the server's journal.
func (r *receipts) Report(ctx context.Context, id string) error {
	b, err := hex.DecodeString(id)
	if err != nil || len(b) != len(wire.SessionID{}) {
		return ui.ErrNotKnown
	}
	kept, err := r.book.Get(id)
	if err != nil {
		r.log.Warn("receipt not readable", "error", err)
		return ui.ErrNotKnown
	}
	hash, err := trust.RequestHash(kept.Request)
	if err != nil {
		r.log.Warn("receipt without its request", "error", err)
		return ui.ErrNotKnown
	}
	ctx, cancel := context.WithTimeout(ctx, reportWithin)
	defer cancel()
	err = r.tell(ctx, wire.Record{Session: wire.SessionID(b), RequestHash: hash, At: time.Now().Unix(), Deed: wire.DeedReported})
	why, wait, refused := saysNo(err)
	switch {
	case err == nil:
		return nil
	case refused && why == wire.RefusedUnknown:
		return ui.ErrNotKnown
	case refused:
		return &ui.Refused{Why: why, Wait: wait}
	}
	r.log.Warn("report not confirmed", "error", err)
	return ui.ErrNotReported
}
