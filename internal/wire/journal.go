// SPDX-License-Identifier: Apache-2.0

package wire

// What the ends and the server's journal say to each other. The ends are witnesses:
// they keep the newest checkpoint of the journal, and take only one that continues it.
// And they sign what happened, so that the server cannot make it up.

// Limits of these messages.
const (
	MaxNote  = 1 << 10 // bytes of a signed text of the journal
	MaxProof = 2 << 10 // bytes: 64 hashes, enough for any tree
)

// CheckpointAsk wants the journal's newest checkpoint, with a proof that it continues
// the one of Size entries, which this client has kept. Size is 0 when there is none.
type CheckpointAsk struct {
	Size uint64
}

// Checkpoint is the answer. Restart and RestartProof are empty unless the unit has
// vouched for a new beginning of the history.
type Checkpoint struct {
	Key          []byte // SubjectPublicKeyInfo of the journal's key
	Note         []byte // the checkpoint, a text signed by that key
	Proof        []byte // hashes, from the Size that was asked to the note's
	Restart      []byte // a text signed by the unit key
	RestartProof []byte // hashes, from the restart's size to the note's
}

// Noted carries the Envelope of a Record to the server, for the journal.
type Noted struct {
	Session SessionID
	Record  []byte
}

// Recorded is the answer to Noted: what of that end is in the journal. What comes after
// Number is told again.
type Recorded struct {
	Session SessionID
	Number  uint32 // of the last of this end's records; 0 for none
}

// Deed is what a Record says was done.
type Deed uint8

// Deeds.
const (
	DeedGranted   Deed = iota + 1 // the person granted more
	DeedRefused                   // the person was asked for more, and did not
	DeedReleased                  // the technician gave rights back
	DeedTakenBack                 // the person took rights back
	DeedPaused                    // the person held pictures and input back
	DeedResumed                   // and let them go on
	DeedEnded
	DeedRenewed  // the person let the session go on when they were asked again
	DeedReported // the person reported a problem afterwards; in a Report alone
	DeedLimited  // a new charter took rights back
	DeedFrozen   // the banner was not seen: pictures and input were held back
	DeedThawed   // it was seen again
	DeedIdle     // nobody seemed to be at the machine: input was held back
	DeedPresent  // the person said that they were there
	deedEnd
)

// Party is one of the two ends of a session.
type Party uint8

// Parties.
const (
	PartyHost Party = iota + 1
	PartyTechnician
	partyEnd
)

// Record is what one end says happened in a session, signed by its key. Reason is
// zero unless the deed is DeedEnded.
type Record struct {
	Session     SessionID
	RequestHash [32]byte // of the Request that the session came of
	Number      uint32   // of this end's records of this session, from 1; 0 for DeedReported, which is none of them
	At          int64    // Unix seconds, by this end's clock
	By          Party
	Deed        Deed
	Rights      uint16 // in force from then on
	Reason      EndReason
}

func (m *CheckpointAsk) walk(w *walker) { w.u64("size", &m.Size) }

func (m *Checkpoint) walk(w *walker) {
	w.bytes("key", &m.Key, MaxKey)
	w.bytes("note", &m.Note, MaxNote)
	w.bytes("proof", &m.Proof, MaxProof)
	w.bytes("restart", &m.Restart, MaxNote)
	w.bytes("restartProof", &m.RestartProof, MaxProof)
}

func (m *Noted) walk(w *walker) {
	w.raw("session", m.Session[:])
	w.bytes("record", &m.Record, MaxEnvelope)
}

func (m *Recorded) walk(w *walker) {
	w.raw("session", m.Session[:])
	w.u32("number", &m.Number)
}

func (m *Record) walk(w *walker) {
	w.raw("session", m.Session[:])
	w.raw("requestHash", m.RequestHash[:])
	w.u32("number", &m.Number)
	w.i64("at", &m.At)
	enum(w, "by", &m.By, PartyHost, partyEnd)
	enum(w, "deed", &m.Deed, DeedGranted, deedEnd)
	w.u16("rights", &m.Rights)
	enum(w, "reason", &m.Reason, 0, endReasonEnd)
}

func (*CheckpointAsk) kind() uint8 { return kindCheckpointAsk }
func (*Checkpoint) kind() uint8    { return kindCheckpoint }
func (*Noted) kind() uint8         { return kindNoted }
func (*Recorded) kind() uint8      { return kindRecorded }
func (*Record) kind() uint8        { return kindRecord }

func (*CheckpointAsk) fromClient() {}
func (*Checkpoint) fromServer()    {}
func (*Noted) fromClient()         {}
func (*Recorded) fromServer()      {}
func (*Record) signed()            {}
