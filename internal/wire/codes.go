// SPDX-License-Identifier: Apache-2.0

package wire

// Verdict is what became of a request at the host.
type Verdict uint8

// Verdicts. Everything but VerdictGranted ends the request.
const (
	VerdictGranted  Verdict = iota + 1
	VerdictRefused          // the person clicked refuse
	VerdictReported         // the person refused and reported an unknown caller
	VerdictNoAnswer         // the dialog ran out
	VerdictBusy             // another intervention is under way, or being asked
	VerdictInvalid          // the host could not verify the request; no dialog was shown
	VerdictUnable           // the host cannot share: no banner, no screen, or run as administrator
	VerdictTooOften         // this technician's questions went without a yes too often of late; no dialog was shown
	verdictEnd
)

// EndReason is why an intervention ended. Both ends and the journal use it.
type EndReason uint8

// End reasons.
const (
	EndUserCut        EndReason = iota + 1 // button, banner, hot-key, tray
	EndHostClosed                          // the user closed the app
	EndTechnician                          // the technician ended it
	EndCancelled                           // the technician cancelled before the answer
	EndRefused                             // the verdict was not VerdictGranted
	EndNetworkLost                         // nothing heard for too long
	EndLampLost                            // the banner could not be seen
	EndExpired                             // lease or request ran out
	EndLocked                              // screen locked, session left, machine asleep
	EndProtocol                            // the other end broke the protocol
	EndScreenLost                          // capture failed
	EndServerStopped                       // the server ended it
	EndPresence                            // nobody at the machine any more
	EndReported                            // the user cut and reported a problem
	EndTechnicianLost                      // the technician's app closed or died
	EndRevoked                             // the unit's charter no longer lets this technician help here
	EndInputOff                            // the user's mouse or keyboard was switched off
	endReasonEnd
)

// PauseCause is why pictures or input are held back for the moment.
type PauseCause uint8

// Pause causes.
const (
	PauseNone       PauseCause = iota
	PauseUser                  // the user pressed Pause
	PauseLamp                  // the banner is not seen
	PauseLocalInput            // the user is at mouse or keyboard: input only
	PauseDialog                // a question is open on the host: input only
	PausePresence              // the user is asked whether they are still there: input only
	pauseCauseEnd
)

// Refusal is why the server turned a client's message down.
type Refusal uint8

// Refusals. RefusedIdentity is the one answer to every wrong factor.
const (
	RefusedIdentity  Refusal = iota + 1 // login, password, device, TOTP, enrolment code: never says which
	RefusedTooMany                      // too many attempts; Wait says how long
	RefusedUnknown                      // no such machine
	RefusedOffline                      // the machine is not connected
	RefusedBusy                         // server at its limit, or draining
	RefusedProtocol                     // malformed, out of order, or another version
	RefusedDuplicate                    // two live hosts with one key
	RefusedUnsigned                     // the account's certificate awaits the administrator's signature
	RefusedJournal                      // the journal cannot be written: no new session
	RefusedPassword                     // the password chosen at enrolment is too weak
	RefusedCrowded                      // no more machines that are new today; Wait says when to come again
	refusalEnd
)
