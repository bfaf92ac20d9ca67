// SPDX-License-Identifier: Apache-2.0

package journal

// samples is one event of each type, with every field set.
func samples() []Event {
	return []Event{
		&ServerStarted{"1.0"},
		&ServerStopped{},
		&TechnicianAdded{"claire", "Claire Dubois", "IT support", "rssi as root"},
		&TechnicianEnrolled{"claire", "192.0.2.1", "d1"},
		&TechnicianCertified{"claire", "5e", 1800000000, "root"},
		&TechnicianDisabled{"claire", "root"},
		&LoginSucceeded{"claire", "192.0.2.1"},
		&LoginRefused{"claire", "192.0.2.1", "totp"},
		&MachineRegistered{"482917305566", "ab"},
		&SessionRequested{"51", "claire", "192.0.2.1", "482917305566", 3, "printer <stuck> & more", "0f", "c2ln"},
		&SessionUndelivered{"51", "claire", "482917305566", "offline"},
		&SessionAnswered{"51", "claire", "482917305566", 1, 3, "aa", "c2ln"},
		&SessionEnded{"51", "claire", "482917305566", 2, "host", "c2ln"},
		&SessionReported{"51", "claire", "482917305566", "c2ln"},
		&SessionChanged{"51", "claire", "482917305566", 1, 4, 3, 1800000000, "c2ln"},
		&SessionHeld{"51", "rssi", "the user contests it"},
		&SessionReleased{"51", "rssi", "settled"},
		&JournalMigrated{7, "ab"},
		&JournalRead{"rssi", "yearly review", "login claire"},
		&JournalExported{"rssi", "yearly review", "ndjson", "everything", 12},
		&JournalPurged{"server", 1700000000, 9, 8, 1, "cd"},
		&JournalRetention{24, "ongoing dispute, note 12/2026"},
		&TechnicianOpened{"denis", 1800000000, "root"},
		&PolicyChanged{"idle 10", "root"},
		&CharterPublished{2, "ab", 1800000000, "server"},
		&UnitKeyChanged{3, "ab", "root"},
		&ServerKeyAnnounced{"ab", "root"},
		&ServerKeyChanged{"ab", "root"},
		&MachineDuplicate{"482917305566", "192.0.2.1", "192.0.2.2"},
		&MachineReleased{"482917305566", "root"},
		&JournalRestarted{"root", "restored from the copy of 20 November", 7},
		&PhotoChanged{"claire", true, "root"},
	}
}
