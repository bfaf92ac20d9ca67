// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"fyne.io/fyne/v2/widget"

	"assist/internal/wire"
)

// This file turns what went wrong into a sentence that says what happened and what to
// do now, with a short code at its end to read out over the phone.

// sentence is the sentence of an error.
func (a *App) sentence(err error) string {
	var (
		refused  *Refused
		declined *Declined
		ended    *Ended
		bad      *BadFile
		barred   *Barred
	)
	switch {
	case errors.As(err, &barred):
		return coded(a.say(barKey("bar.there.", barred.Why)), "C", int(barred.Why))
	case errors.As(err, &refused):
		return a.refusal(refused)
	case errors.As(err, &declined):
		return coded(a.say(verdictKey(declined.Verdict)), "V", int(declined.Verdict))
	case errors.As(err, &ended):
		return coded(a.say(endKey("end.there.", ended.Reason)), "E", int(ended.Reason))
	case errors.As(err, &bad):
		return a.badFile(bad)
	}
	for i, s := range plainErrors() {
		if errors.Is(err, s.err) {
			return coded(a.say(s.key), "A", i+1)
		}
	}
	return coded(a.say("error.unexpected"), "A", 0)
}

// plainErrors are the errors with a sentence of their own, in the order of their codes.
func plainErrors() []struct {
	err error
	key string
} {
	return []struct {
		err error
		key string
	}{
		{ErrUnreachable, "error.unreachable"},
		{ErrWrongServer, "error.wrongServer"},
		{ErrBadCode, "error.badCode"},
		{ErrWrongMachine, "error.wrongMachine"},
		{ErrNoServer, "error.noServer"},
		{ErrDisk, "error.disk"},
		{context.DeadlineExceeded, "error.timeout"},
		{context.Canceled, "error.cancelled"},
		{ErrNotReported, "error.notReported"},
		{ErrNotKnown, "error.notKnown"},
		{ErrNotInvited, "error.notInvited"},
		{ErrFixed, "settings.fixed"},
		{ErrRewritten, "error.rewritten"},
		{ErrUnwitnessed, "error.unwitnessed"},
	}
}

// coded puts the code at the end of a sentence.
func coded(s, kind string, n int) string { return fmt.Sprintf("%s (%s%d)", s, kind, n) }

// refusal says how long to wait where that is known.
func (a *App) refusal(r *Refused) string {
	key := refusalKey(r.Why)
	if r.Why == wire.RefusedTooMany && r.Wait > 0 {
		return coded(a.say("refusal.tooManyWait", "wait", a.tongue.length(r.Wait.Round(time.Second))), "R", int(r.Why))
	}
	return coded(a.say(key), "R", int(r.Why))
}

// failAt is fail on a page where a wrong factor has a sentence of its own. The server's
// answer never says which factor; the page knows what was typed.
func (n *notice) failAt(identity string, err error) {
	var refused *Refused
	if errors.As(err, &refused) && refused.Why == wire.RefusedIdentity {
		n.show(moodAttention, n.a.wrongFactor(identity))
		return
	}
	n.fail(err)
}

// mends hides what was said about a form as soon as one of its fields changes: it is no
// longer about what stands there. While a call runs, what is said is about the call. forget,
// when there is one, is told.
func (n *notice) mends(busy *bool, forget func(), fields ...*widget.Entry) {
	for _, e := range fields {
		keep := e.OnChanged
		e.OnChanged = func(s string) {
			keep(s)
			if *busy {
				return
			}
			n.show(moodInfo, "")
			if forget != nil {
				forget()
			}
		}
	}
}

// wrongFactor is a page's sentence for a wrong factor.
func (a *App) wrongFactor(key string) string {
	return coded(a.say(key), "R", int(wire.RefusedIdentity))
}

// badFile names file, line and key, whichever are known.
func (a *App) badFile(b *BadFile) string {
	key := "file.bad"
	switch {
	case b.Line > 0 && b.Key != "":
		key = "file.badLineKey"
	case b.Line > 0:
		key = "file.badLine"
	}
	return a.say(key, "file", plain(filepath.Base(b.File), maxShownReason), "line", fmt.Sprint(b.Line), "key", plain(b.Key, maxShownName))
}

// endedHere says to the person helped how an intervention ended, or that the app did
// before it: at is then what it last wrote.
func (a *App) endedHere(why wire.EndReason, at time.Time) string {
	if why == 0 {
		return a.say("end.here.unfinished", "moment", a.moment(at))
	}
	return a.say(endKey("end.here.", why))
}

// named is names[v], or "unknown" for a value of a later version.
func named(names []string, v int) string {
	if v < 0 || v >= len(names) || names[v] == "" {
		return "unknown"
	}
	return names[v]
}

// refusalKey is the key of a refusal's sentence.
func refusalKey(v wire.Refusal) string {
	return "refusal." + named([]string{
		wire.RefusedIdentity:  "identity",
		wire.RefusedTooMany:   "tooMany",
		wire.RefusedUnknown:   "noMachine",
		wire.RefusedOffline:   "offline",
		wire.RefusedBusy:      "busy",
		wire.RefusedProtocol:  "protocol",
		wire.RefusedDuplicate: "duplicate",
		wire.RefusedUnsigned:  "unsigned",
		wire.RefusedJournal:   "journal",
		wire.RefusedPassword:  "password",
		wire.RefusedCrowded:   "crowded",
	}, int(v))
}

// verdictKey is the key of a verdict's sentence.
func verdictKey(v wire.Verdict) string {
	return "verdict." + named([]string{
		wire.VerdictGranted:  "granted",
		wire.VerdictRefused:  "refused",
		wire.VerdictReported: "reported",
		wire.VerdictNoAnswer: "noAnswer",
		wire.VerdictBusy:     "busy",
		wire.VerdictInvalid:  "invalid",
		wire.VerdictUnable:   "unable",
		wire.VerdictTooOften: "tooOften",
	}, int(v))
}

// endKey has a sentence for each side: end.here. for the person helped, end.there. for
// the technician.
func endKey(side string, v wire.EndReason) string {
	return side + named([]string{
		wire.EndUserCut:        "userCut",
		wire.EndHostClosed:     "hostClosed",
		wire.EndTechnician:     "technician",
		wire.EndCancelled:      "cancelled",
		wire.EndRefused:        "refused",
		wire.EndNetworkLost:    "networkLost",
		wire.EndLampLost:       "lampLost",
		wire.EndExpired:        "expired",
		wire.EndLocked:         "locked",
		wire.EndProtocol:       "protocol",
		wire.EndScreenLost:     "screenLost",
		wire.EndServerStopped:  "serverStopped",
		wire.EndPresence:       "presence",
		wire.EndReported:       "reported",
		wire.EndTechnicianLost: "technicianLost",
		wire.EndRevoked:        "revoked",
		wire.EndInputOff:       "inputOff",
	}, int(v))
}

// pauseKey is the key of what the person helped reads while something is held back.
func pauseKey(v wire.PauseCause) string {
	return "pause." + named([]string{
		wire.PauseNone:       "none",
		wire.PauseUser:       "user",
		wire.PauseLamp:       "lamp",
		wire.PauseLocalInput: "localInput",
		wire.PauseDialog:     "dialog",
		wire.PausePresence:   "presence",
	}, int(v))
}
