// SPDX-License-Identifier: Apache-2.0

package main

import "strconv"

// counted is a number of something, in the singular where there is one.
func counted(n int64, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + several
}

// entries is a number of entries of the journal.
func entries(n int64) string { return counted(n, "entry", "entries") }

// eventWords says what happened; the name itself where there are no words for it.
func eventWords(name string) string {
	words := map[string]string{
		"server.started": "server started", "server.stopped": "server stopped",
		"server.key-announced": "next TLS key made", "server.key-changed": "TLS key changed",
		"technician.added": "technician invited", "technician.enrolled": "technician enrolled",
		"technician.certified": "technician certified", "technician.disabled": "technician's account closed",
		"technician.opened": "external technician let in", "technician.photo-changed": "technician's photo changed",
		"policy.changed": "policy changed", "charter.published": "charter published", "unit.rekeyed": "unit key changed",
		"login.succeeded": "logged in", "login.refused": "log-in refused",
		"machine.registered": "new machine", "machine.duplicate": "two computers, one machine", "machine.released": "machine let in again",
		"session.requested": "help requested", "session.undelivered": "machine not reached", "session.answered": "request answered",
		"session.changed": "session changed", "session.ended": "session ended", "session.reported": "REPORTED BY THE PERSON",
		"session.held": "session on hold", "session.released": "session no longer on hold",
		"journal.migrated": "journal converted", "journal.read": "journal read", "journal.exported": "journal exported",
		"journal.purged": "journal purged", "journal.retention": "retention changed", "journal.restarted": "journal vouched for",
	}
	if said := words[name]; said != "" {
		return said
	}
	return name
}

// coded is what a number stands for (docs/server.md, "Numbers in the journal").
func coded(words []string, f entryField) string {
	n, err := strconv.Atoi(f.value)
	if err != nil || n < 1 || n > len(words) || words[n-1] == "" {
		return f.name + " " + f.value
	}
	return words[n-1]
}

// verdictWords begin with 1.
func verdictWords() []string {
	return []string{
		"granted", "the person refused", "the person refused and reported an unknown caller", "nobody answered in time",
		"busy with another intervention or request", "the machine could not verify the request; no question was shown",
		"the machine cannot share: no banner, no screen, or run as administrator",
		"too many questions of this technician went without a yes within ten minutes; no question was shown",
	}
}

// endWords begin with 1.
func endWords() []string {
	return []string{
		"the user cut", "the user closed the app", "the technician ended it", "the technician cancelled before the answer",
		"it was not granted: see the verdict", "network lost", "the banner could not be seen",
		"time ran out, of the request or of the session", "screen locked, session left, or machine asleep",
		"the other end broke the protocol", "the screen could not be captured", "the server ended it",
		"nobody at the machine any more", "the user cut and reported a problem", "the technician's app closed or died",
		"the unit's charter no longer let this technician help here", "the user's mouse or keyboard was switched off",
	}
}

// deedWords begin with 1; an end and a report have entries of their own.
func deedWords() []string {
	return []string{
		"the user granted more", "the user did not grant more", "the technician gave rights back", "the user took rights back",
		"paused", "went on", "", "the user let the session go on when asked again", "", "a new charter took rights back",
		"the banner was not seen and everything was held back", "the banner was seen again",
		"nobody seemed to be at the computer and input was held back", "the user said that they were there",
	}
}

// rightsWords reads a sum of rights.
func rightsWords(f entryField) string {
	n, err := strconv.Atoi(f.value)
	if err != nil || n < 0 || n > 7 {
		return f.value
	}
	return []string{"none", "see", "point", "see and point", "drive", "see and drive", "point and drive", "see, point and drive"}[n]
}
