// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"assist/internal/wire"
)

// Nothing that a stranger made up is believed, whatever it is taken for. The keys are
// new in each run, so that no corpus can hold what they signed.
func FuzzForgeries(f *testing.F) {
	v := readVectors(f)
	unit, err := NewUnitKey()
	if err != nil {
		f.Fatal(err)
	}
	own := JournalPublic(slices.Clone(unit.Public()))
	for _, seed := range [][]byte{v.Request, v.Certificate, v.Pledge, v.Answer, []byte("a note\n\n— name AAAA\n")} {
		f.Add(seed)
	}
	now := time.Unix(1_800_000_000, 0)
	f.Fuzz(func(t *testing.T, b []byte) {
		_, pledge := VerifyPledge(b, PledgeCheck{Unit: unit.Public(), Machine: "000000000000"})
		_, answer := VerifyAnswer(b, AnswerCheck{PledgeCheck: PledgeCheck{Unit: unit.Public()}, Now: now})
		_, record := VerifyRecord(b, RecordCheck{Key: unit.Public(), By: wire.PartyHost})
		_, report := VerifyReport(b, RecordCheck{Key: unit.Public()})
		_, verified := VerifyCharter(b, unit.Public(), now, 0)
		_, opened := OpenCharter(b, unit.Public())
		_, rotation := VerifyRotation(b, unit.Public(), now, 0)
		_, restart := VerifyRestart(b, unit.Public(), now)
		_, export := own.OpenExport(b)
		hello := VerifyHello(b, RoleHost, [32]byte{}, make([]byte, ExporterLength), b)
		receipt := VerifyReceipt(unit.Public(), b, b)
		card := VerifyOwn(b, unit.Public(), unit.Public(), now)
		for what, err := range map[string]error{"pledge": pledge, "answer": answer, "record": record, "report": report, "charter": verified,
			"opened charter": opened, "rotation": rotation, "restart": restart, "export": export, "hello": hello, "receipt": receipt, "card": card} {
			if err == nil {
				t.Errorf("believed as a %s: %x", what, b)
			}
		}
		if (textKey{tagExport, unit.pair}).Verify(b, b) {
			t.Errorf("believed as a signature: %x", b)
		}
	})
}

// A charter is read through to the technicians' certificates, and none that the unit did
// not sign is believed. It is the kept one, so that each process that fuzzes knows its unit.
func FuzzCharterCards(f *testing.F) {
	var v charterVectors
	must(0, json.Unmarshal(must(os.ReadFile(charterVectorsFile))(f), &v))(f)
	unit := UnitPublic(v.Unit)
	text := must(openText(must(os.ReadFile(charterFile))(f), unit, tagCharter))(f)
	c := must(parseCharter(text))(f)
	if cards := must(c.readCards(unit))(f); len(cards) == 0 {
		f.Fatal("the charter lists nobody: nothing is reached")
	}
	own := func(card []byte) bool {
		return slices.ContainsFunc(c.Technicians, func(t Technician) bool { return slices.Equal(t.Envelope, card) })
	}
	f.Add(text, c.Technicians[0].Envelope)
	f.Fuzz(func(t *testing.T, text string, card []byte) {
		if _, err := readCard(card, unit); err == nil && !own(card) {
			t.Errorf("a card is believed: %x", card)
		}
		read, err := parseCharter(text)
		if err != nil {
			return
		}
		if _, err := read.readCards(unit); err != nil {
			return
		}
		for i, one := range read.Technicians {
			if !own(one.Envelope) {
				t.Errorf("technician %d is believed: %x", i, one.Envelope)
			}
		}
	})
}

// A key file opens only as it was written.
func FuzzKeyFile(f *testing.F) {
	key, err := NewUnitKey()
	if err != nil {
		f.Fatal(err)
	}
	cost := kdfCost{memory: 8, passes: 1}
	sealed, err := sealKey(key.pair, "a passphrase", cost)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte("-----BEGIN ASSIST SEALED UNIT KEY-----\n-----END ASSIST SEALED UNIT KEY-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := openKey(b, "a passphrase", cost); err == nil != slices.Equal(b, sealed) {
			t.Errorf("sealed key: %v", err)
		}
		if _, err := decodeBlock(b, blockUnit); err != nil && !errors.Is(err, ErrKeyFile) {
			t.Errorf("block: %v", err)
		}
	})
}

// What is read as a number or as rights is written back as it was read.
func FuzzWords(f *testing.F) {
	for _, seed := range []string{"", "view", "view point control", "none", "123 456 789 012", "view  point"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := ParseRights(s); err == nil && FormatRights(r) != s {
			t.Errorf("%q is read as %q", s, FormatRights(r))
		}
		id, err := ParseMachineID(s)
		if err != nil {
			return
		}
		if again, err := ParseMachineID(id); err != nil || again != id {
			t.Errorf("%q is read as %q, and that as %q: %v", s, id, again, err)
		}
	})
}
