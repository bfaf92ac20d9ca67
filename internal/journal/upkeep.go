// SPDX-License-Identifier: Apache-2.0

package journal

// The events of the journal itself: who reads it, and what is kept of it.

// SessionHeld says that a session's entries are kept whatever their age.
type SessionHeld struct {
	Session string `json:"session"`
	By      string `json:"by"` // account of the operating system
	Reason  string `json:"reason"`
}

// SessionReleased says that a session's entries may be purged again.
type SessionReleased struct {
	Session string `json:"session"`
	By      string `json:"by"`
	Reason  string `json:"reason"`
}

// JournalMigrated says that the entries before it came from the chain of hashes of
// earlier versions, which was verified on the way.
type JournalMigrated struct {
	Entries int64  `json:"entries"`
	Head    string `json:"head"` // hash of the chain's last entry, hex
}

// JournalRead says that somebody looked.
type JournalRead struct {
	By     string `json:"by"` // account of the operating system
	Reason string `json:"reason"`
	What   string `json:"what"` // what was chosen
}

// JournalExported says that a copy was made.
type JournalExported struct {
	By      string `json:"by"`
	Reason  string `json:"reason"`
	Format  string `json:"format"` // "ndjson", "csv"
	What    string `json:"what"`
	Entries int64  `json:"entries"`
}

// JournalPurged says that entries were erased: of all up to Through only those of
// sessions on hold are left. The newest one describes the whole journal.
type JournalPurged struct {
	By      string `json:"by"`      // "server" when it was the daily purge
	Before  int64  `json:"before"`  // Unix seconds: everything older went
	Through int64  `json:"through"` // number of the last entry looked at
	Entries int64  `json:"entries"` // erased by this purge
	Kept    int64  `json:"kept"`    // left up to Through
	List    string `json:"list"`    // SHA-256 of the numbers that are left, hex
}

// JournalRetention says for how long entries are kept from now on.
type JournalRetention struct {
	Months int    `json:"months"`
	Reason string `json:"reason"` // written when it is more than 12
}

// JournalRestarted says that the unit vouched for a history that the clients' apps
// would not take by itself: a restored copy, or another key of the journal.
type JournalRestarted struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
	Size   int64  `json:"size"` // entries before this one
}
