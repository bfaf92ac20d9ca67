// SPDX-License-Identifier: Apache-2.0

package refusal

import (
	"errors"

	"assist/internal/consent"
	"assist/internal/rendezvous"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/wire"
)

// Side is which half of the app refused: the one that is helped, or the technician's.
type Side string

// Sides.
const (
	Helped Side = "helped"
	Helper Side = "helper"
)

func (s Side) known() bool { return s == Helped || s == Helper }

// Request is a request of a technician, as it reached the computer to be helped.
const Request = session.AboutRequest

// Whats are all that can be refused.
func Whats() []string {
	return []string{
		session.AboutRequest, session.AboutQuestion, session.AboutPledge, session.AboutAnswer, session.AboutLink,
		session.AboutCertificate,
		rendezvous.AboutServer, rendezvous.AboutSignIn, rendezvous.AboutMessage, rendezvous.AboutCharter, rendezvous.AboutAsk,
		rendezvous.AboutEnrolment, rendezvous.AboutReport,
	}
}

// Unproven is the reason where nothing more exact is known.
const Unproven = "unproven"

// reason is a word of the list, and the errors that all have to be there for it.
type reason struct {
	word string
	all  []error
}

// reasons are looked through in their order: the exact ones come first.
func reasons() []reason {
	return append([]reason{
		{"charter missing", []error{trust.ErrNoCharter}},
		{"memory damaged", []error{trust.ErrMemory}},
		{"unit halted", []error{trust.ErrHalted}},
		{"older", []error{trust.ErrRollback}},
		{"forked", []error{trust.ErrForked}},
		{"not listed", []error{trust.ErrUnlisted}},
		{"revoked", []error{trust.ErrRevoked}},
		{"not opened", []error{trust.ErrNotOpened}},
		{"zone", []error{trust.ErrWrongZones}},
		{"address", []error{trust.ErrSource}},
		{"charter expired", []error{trust.ErrCharter, trust.ErrExpired}},
		{"charter early", []error{trust.ErrCharter, trust.ErrNotYetValid}},
		{"charter unproven", []error{trust.ErrCharter}},
		{"rotation unproven", []error{trust.ErrRotation}},
		{"certificate expired", []error{trust.ErrCertificate, trust.ErrExpired}},
		{"certificate", []error{trust.ErrCertificate}},
		{"replayed", []error{trust.ErrReplayed}},
		{"expired", []error{trust.ErrExpired}},
		{"other machine", []error{trust.ErrWrongMachine}},
		{"other session", []error{trust.ErrWrongSession}},
		{"other request", []error{trust.ErrWrongRequest}},
		{"other host", []error{trust.ErrWrongHost}},
		{"signature", []error{trust.ErrSignature}},
		{"malformed", []error{trust.ErrMalformed}},
		{"version", []error{trust.ErrVersion}},
		{"no reason", []error{trust.ErrNoReason}},
		{"rights", []error{trust.ErrRights}},
		{"beyond", []error{session.ErrBeyond}},
		{"not granted", []error{consent.ErrNotGranted}},
		{"unable", []error{session.ErrUnable}},
		{"busy", []error{consent.ErrBusy}},
		{"too often", []error{session.ErrTooOften}},
		{"reported", []error{consent.ErrReported}},
		{"refused", []error{consent.ErrRefused}},
		{"no answer", []error{consent.ErrNoAnswer}},
		{"pin", []error{rendezvous.ErrPin}},
		{"version", []error{rendezvous.ErrVersion}},
		{"history", []error{rendezvous.ErrHistory}},
		{"witness", []error{rendezvous.ErrWitness}},
		{"unknown session", []error{rendezvous.ErrStrange}},
		{"repeated", []error{rendezvous.ErrRepeated}},
		{"missing step", []error{rendezvous.ErrGap}},
		{"broken off", []error{rendezvous.ErrBrokenOff}},
		{"unreadable", []error{rendezvous.ErrServer}},
		{"unreadable", []error{wire.ErrMalformed}},
	}, told()...)
}

// told are the ends and refusals that somebody else said, or that the link said itself.
func told() []reason {
	return []reason{
		{"rules broken", []error{&session.Ended{Reason: wire.EndProtocol}}},
		{"address", []error{&session.Ended{Reason: wire.EndRevoked}}},
		{"withdrawn", []error{&session.Ended{Reason: wire.EndCancelled}}},
		{"withdrawn", []error{&session.Ended{Reason: wire.EndTechnician}}},
		{"technician gone", []error{&session.Ended{Reason: wire.EndTechnicianLost}}},
		{"server stopped", []error{&session.Ended{Reason: wire.EndServerStopped}}},
		{"no connection", []error{&session.Ended{Reason: wire.EndNetworkLost}}},
		{"no time left", []error{&session.Ended{Reason: wire.EndExpired}}},
		{"server: factors", []error{&rendezvous.RefusedError{Why: wire.RefusedIdentity}}},
		{"server: too many", []error{&rendezvous.RefusedError{Why: wire.RefusedTooMany}}},
		{"server: unknown", []error{&rendezvous.RefusedError{Why: wire.RefusedUnknown}}},
		{"server: not there", []error{&rendezvous.RefusedError{Why: wire.RefusedOffline}}},
		{"server: busy", []error{&rendezvous.RefusedError{Why: wire.RefusedBusy}}},
		{"server: rules", []error{&rendezvous.RefusedError{Why: wire.RefusedProtocol}}},
		{"server: twice", []error{&rendezvous.RefusedError{Why: wire.RefusedDuplicate}}},
		{"server: not signed", []error{&rendezvous.RefusedError{Why: wire.RefusedUnsigned}}},
		{"server: journal", []error{&rendezvous.RefusedError{Why: wire.RefusedJournal}}},
		{"server: password", []error{&rendezvous.RefusedError{Why: wire.RefusedPassword}}},
		{"server: crowded", []error{&rendezvous.RefusedError{Why: wire.RefusedCrowded}}},
	}
}

// fits reports whether an error holds another: one that says a number holds one that
// says the same number.
func fits(err, target error) bool {
	var ended, end *session.Ended
	var refused, no *rendezvous.RefusedError
	switch {
	case errors.As(target, &end):
		return errors.As(err, &ended) && ended.Reason == end.Reason
	case errors.As(target, &no):
		return errors.As(err, &refused) && refused.Why == no.Why
	}
	return errors.Is(err, target)
}

// Why is the word for an error: Unproven when the list has none.
func Why(err error) string {
	for _, r := range reasons() {
		all := true
		for _, one := range r.all {
			all = all && fits(err, one)
		}
		if all {
			return r.word
		}
	}
	return Unproven
}

// Whys are all the words.
func Whys() []string {
	words := []string{Unproven}
	for _, r := range reasons() {
		words = append(words, r.word)
	}
	return words
}

// Reason is an error of which Why is the word.
func Reason(word string) error {
	for _, r := range reasons() {
		if r.word == word {
			return errors.Join(r.all...)
		}
	}
	return trust.ErrMalformed
}
