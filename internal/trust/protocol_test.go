// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"assist/internal/wire"
)

// The written specification is what another implementation is made from: each
// number in it that the code could change alone is looked for here.
func TestSpecificationSaysWhatTheCodeDoes(t *testing.T) {
	page := string(must(os.ReadFile("../../docs/protocol.md"))(t))
	for _, tag := range []string{tagCertificate, tagRequest, tagPledge, tagAnswer, tagHello, tagReceipt, tagCharter, tagRotation, tagRecord, tagCheckpoint, tagExport, tagRestart, machineTag, joinTag, ExporterLabel} {
		says(t, page, tag)
	}
	says(t, page, fmt.Sprintf("passes = %d, memory = %d KiB", machinePasses, machineMemory))
	says(t, page, fmt.Sprintf("passes %d, memory %d KiB", unitKeyCost().passes, unitKeyCost().memory))
	for row := range 10 {
		says(t, page, dammTable[10*row:10*row+10])
	}
	says(t, page, fmt.Sprintf("No message is longer than %d bytes", wire.MaxMessage))
	says(t, page, fmt.Sprintf("certificate bytes ≤ %d (an Envelope)", wire.MaxCertificate))
	says(t, page, fmt.Sprintf("at most %.0f minutes ahead (an app sets %.0f)", maxRequestLife.Minutes(), RequestLife.Minutes()))
	says(t, page, fmt.Sprintf("%d nonces, each kept for %.0f minutes", maxNonces, 2*maxRequestLife.Minutes()))
	says(t, page, fmt.Sprintf("now − %.0f minutes < expires", maxClockSkew.Minutes()))
	says(t, page, fmt.Sprintf("later than issued, by %.0f days at most", MaxCharterLife.Hours()/24))
	d := DefaultPolicy()
	says(t, page, fmt.Sprintf("until input freezes, 1 to %d (%d)", MaxIdleMinutes, d.IdleMinutes))
	says(t, page, fmt.Sprintf("is asked again, 1 to %d (%d)", MaxLeaseMinutes, d.LeaseMinutes))
	says(t, page, fmt.Sprintf("certificate-days N              1 to %d (%d)", MaxCertificateDays, d.CertificateDays))
	says(t, page, fmt.Sprintf("1 to %d lines, lower case", MaxServers))
	says(t, page, fmt.Sprintf("section 11; 0 to %d lines", MaxSources))
	says(t, page, fmt.Sprintf("a zone it is in; 0 to %d lines", MaxMachineZones))
	says(t, page, fmt.Sprintf("envelope; 0 to %d lines in all", MaxTechnicians))
	says(t, page, fmt.Sprintf("is at most %d bytes (512 KiB)", MaxCharter))
	says(t, page, fmt.Sprintf("of at most %d bytes", MaxRotation))
	says(t, page, fmt.Sprintf("at most %d links", MaxRotations))
	says(t, page, strings.Join(rightNames(), " "))
	for _, file := range []string{charterFile, rotationFile, memoryFile, sourceFile, vectorFile,
		checkpointFile, nextCheckpointFile, otherCheckpointFile, restartFile, witnessFile, otherWitnessFile, journalVectorsFile} {
		says(t, page, strings.TrimPrefix(file, "testdata/"))
	}
}

// Every message there is stands in the specification under its kind.
func TestSpecificationListsEveryMessage(t *testing.T) {
	page := string(must(os.ReadFile("../../docs/protocol.md"))(t))
	for line := range strings.Lines(string(must(os.ReadFile("../wire/testdata/golden.txt"))(t))) {
		name, bytes, _ := strings.Cut(line, " ")
		says(t, page, fmt.Sprintf("| %s | %s |", bytes[:2], name))
	}
}

func says(t *testing.T, page, what string) {
	t.Helper()
	if !strings.Contains(page, what) {
		t.Errorf("docs/protocol.md does not say %q", what)
	}
}
