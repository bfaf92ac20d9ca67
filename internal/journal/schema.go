// SPDX-License-Identifier: Apache-2.0

package journal

// The name of each event as it is stored. A name is never reused.

// Type is the stored name.
func (*ServerStarted) Type() string { return "server.started" }

// Type is the stored name.
func (*ServerStopped) Type() string { return "server.stopped" }

// Type is the stored name.
func (*TechnicianAdded) Type() string { return "technician.added" }

// Type is the stored name.
func (*TechnicianEnrolled) Type() string { return "technician.enrolled" }

// Type is the stored name.
func (*TechnicianCertified) Type() string { return "technician.certified" }

// Type is the stored name.
func (*TechnicianDisabled) Type() string { return "technician.disabled" }

// Type is the stored name.
func (*LoginSucceeded) Type() string { return "login.succeeded" }

// Type is the stored name.
func (*LoginRefused) Type() string { return "login.refused" }

// Type is the stored name.
func (*MachineRegistered) Type() string { return "machine.registered" }

// Type is the stored name.
func (*SessionRequested) Type() string { return "session.requested" }

// Type is the stored name.
func (*SessionUndelivered) Type() string { return "session.undelivered" }

// Type is the stored name.
func (*SessionAnswered) Type() string { return "session.answered" }

// Type is the stored name.
func (*SessionEnded) Type() string { return "session.ended" }

// Type is the stored name.
func (*SessionReported) Type() string { return "session.reported" }

// Type is the stored name.
func (*TechnicianOpened) Type() string { return "technician.opened" }

// Type is the stored name.
func (*PhotoChanged) Type() string { return "technician.photo-changed" }

// Type is the stored name.
func (*PolicyChanged) Type() string { return "policy.changed" }

// Type is the stored name.
func (*CharterPublished) Type() string { return "charter.published" }

// Type is the stored name.
func (*UnitKeyChanged) Type() string { return "unit.rekeyed" }

// Type is the stored name.
func (*ServerKeyAnnounced) Type() string { return "server.key-announced" }

// Type is the stored name.
func (*ServerKeyChanged) Type() string { return "server.key-changed" }

// Type is the stored name.
func (*MachineDuplicate) Type() string { return "machine.duplicate" }

// Type is the stored name.
func (*MachineReleased) Type() string { return "machine.released" }

// Type is the stored name.
func (*SessionChanged) Type() string { return "session.changed" }

// Type is the stored name.
func (*SessionHeld) Type() string { return "session.held" }

// Type is the stored name.
func (*SessionReleased) Type() string { return "session.released" }

// Type is the stored name.
func (*JournalMigrated) Type() string { return "journal.migrated" }

// Type is the stored name.
func (*JournalRead) Type() string { return "journal.read" }

// Type is the stored name.
func (*JournalExported) Type() string { return "journal.exported" }

// Type is the stored name.
func (*JournalPurged) Type() string { return "journal.purged" }

// Type is the stored name.
func (*JournalRetention) Type() string { return "journal.retention" }

// Type is the stored name.
func (*JournalRestarted) Type() string { return "journal.restarted" }

func (*ServerStarted) keys() Keys         { return Keys{} }
func (*ServerStopped) keys() Keys         { return Keys{} }
func (e *TechnicianAdded) keys() Keys     { return Keys{Login: e.Login} }
func (e *TechnicianEnrolled) keys() Keys  { return Keys{Login: e.Login} }
func (e *TechnicianCertified) keys() Keys { return Keys{Login: e.Login} }
func (e *TechnicianDisabled) keys() Keys  { return Keys{Login: e.Login} }
func (e *TechnicianOpened) keys() Keys    { return Keys{Login: e.Login} }
func (e *PhotoChanged) keys() Keys        { return Keys{Login: e.Login} }
func (*PolicyChanged) keys() Keys         { return Keys{} }
func (*CharterPublished) keys() Keys      { return Keys{} }
func (*UnitKeyChanged) keys() Keys        { return Keys{} }
func (*ServerKeyAnnounced) keys() Keys    { return Keys{} }
func (*ServerKeyChanged) keys() Keys      { return Keys{} }
func (e *MachineDuplicate) keys() Keys    { return Keys{Machine: e.Machine} }
func (e *MachineReleased) keys() Keys     { return Keys{Machine: e.Machine} }
func (e *LoginSucceeded) keys() Keys      { return Keys{Login: e.Login} }
func (e *LoginRefused) keys() Keys        { return Keys{Login: e.Login} }
func (e *MachineRegistered) keys() Keys   { return Keys{Machine: e.Machine} }
func (e *SessionRequested) keys() Keys    { return Keys{e.Session, e.Login, e.Machine} }
func (e *SessionUndelivered) keys() Keys  { return Keys{e.Session, e.Login, e.Machine} }
func (e *SessionAnswered) keys() Keys     { return Keys{e.Session, e.Login, e.Machine} }
func (e *SessionEnded) keys() Keys        { return Keys{e.Session, e.Login, e.Machine} }
func (e *SessionReported) keys() Keys     { return Keys{e.Session, e.Login, e.Machine} }

func (e *SessionChanged) keys() Keys  { return Keys{e.Session, e.Login, e.Machine} }
func (e *SessionHeld) keys() Keys     { return Keys{Session: e.Session} }
func (e *SessionReleased) keys() Keys { return Keys{Session: e.Session} }
func (*JournalMigrated) keys() Keys   { return Keys{} }
func (*JournalRead) keys() Keys       { return Keys{} }
func (*JournalExported) keys() Keys   { return Keys{} }
func (*JournalPurged) keys() Keys     { return Keys{} }
func (*JournalRetention) keys() Keys  { return Keys{} }
func (*JournalRestarted) keys() Keys  { return Keys{} }

func (e *ServerStarted) fields() []string       { return []string{e.Version} }
func (*ServerStopped) fields() []string         { return nil }
func (e *TechnicianAdded) fields() []string     { return []string{e.Login, e.Name, e.Role, e.By} }
func (e *TechnicianEnrolled) fields() []string  { return []string{e.Login, e.Address, e.Device} }
func (e *TechnicianCertified) fields() []string { return []string{e.Login, e.Serial, e.By} }
func (e *TechnicianDisabled) fields() []string  { return []string{e.Login, e.By} }
func (e *TechnicianOpened) fields() []string    { return []string{e.Login, e.By} }
func (e *PhotoChanged) fields() []string        { return []string{e.Login, e.By} }
func (e *PolicyChanged) fields() []string       { return []string{e.Change, e.By} }
func (e *CharterPublished) fields() []string    { return []string{e.Charter, e.By} }
func (e *UnitKeyChanged) fields() []string      { return []string{e.Key, e.By} }
func (e *ServerKeyAnnounced) fields() []string  { return []string{e.Pin, e.By} }
func (e *ServerKeyChanged) fields() []string    { return []string{e.Pin, e.By} }
func (e *MachineDuplicate) fields() []string    { return []string{e.Machine, e.First, e.Second} }
func (e *MachineReleased) fields() []string     { return []string{e.Machine, e.By} }
func (e *LoginSucceeded) fields() []string      { return []string{e.Login, e.Address} }
func (e *LoginRefused) fields() []string        { return []string{e.Login, e.Address, e.At} }
func (e *MachineRegistered) fields() []string   { return []string{e.Machine, e.Key} }
func (e *SessionRequested) fields() []string {
	return []string{e.Session, e.Login, e.Address, e.Machine, e.Reason, e.Request, e.Signed}
}
func (e *SessionUndelivered) fields() []string {
	return []string{e.Session, e.Login, e.Machine, e.Why}
}
func (e *SessionAnswered) fields() []string {
	return []string{e.Session, e.Login, e.Machine, e.Answer, e.Signed}
}
func (e *SessionChanged) fields() []string {
	return []string{e.Session, e.Login, e.Machine, e.Signed}
}
func (e *SessionEnded) fields() []string {
	return []string{e.Session, e.Login, e.Machine, e.By, e.Signed}
}
func (e *SessionReported) fields() []string {
	return []string{e.Session, e.Login, e.Machine, e.Signed}
}
func (e *SessionHeld) fields() []string      { return []string{e.Session, e.By, e.Reason} }
func (e *SessionReleased) fields() []string  { return []string{e.Session, e.By, e.Reason} }
func (e *JournalMigrated) fields() []string  { return []string{e.Head} }
func (e *JournalRead) fields() []string      { return []string{e.By, e.Reason, e.What} }
func (e *JournalExported) fields() []string  { return []string{e.By, e.Reason, e.Format, e.What} }
func (e *JournalPurged) fields() []string    { return []string{e.By, e.List} }
func (e *JournalRetention) fields() []string { return []string{e.Reason} }
func (e *JournalRestarted) fields() []string { return []string{e.By, e.Reason} }
