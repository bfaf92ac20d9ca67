// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The vectors of charter and rotation are the files themselves, as they would be
// published, and what must be read in them. They are written anew, with fresh
// keys, and the fuzzing corpus with them, by
// go test ./internal/trust -run TestCharterVectors -update
// and only when the first line of either text rises.

const (
	charterFile        = "testdata/charter.txt"
	nextCharterFile    = "testdata/charter-next.txt" // of the new key
	rotationFile       = "testdata/rotation.txt"
	memoryFile         = "testdata/memory.txt" // after all three
	charterVectorsFile = "testdata/charter.json"
)

// charterVectors is what the files must be read as.
type charterVectors struct {
	Now              int64
	Unit, Next       hexBytes // unit keys
	KeyHash          string   // of the charter's signature line
	Devices          []hexBytes
	People           []string
	RotationEpoch    uint64
	Machine          string
	AllowedAddresses []string
	RefusedAddresses []string
	NextEpoch        uint64 // of the new key's charter
	Epoch            uint64
	Issued, Expires  int64
	Policy           Policy
	Servers          int
}

func TestCharterVectors(t *testing.T) {
	if *update {
		writeCharterVectors(t)
	}
	var v charterVectors
	must(0, json.Unmarshal(must(os.ReadFile(charterVectorsFile))(t), &v))(t)
	now := time.Unix(v.Now, 0)
	c := must(VerifyCharter(must(os.ReadFile(charterFile))(t), UnitPublic(v.Unit), now, v.Epoch))(t)
	if c.Epoch != v.Epoch || c.Issued != v.Issued || c.Expires != v.Expires || c.Policy != v.Policy || len(c.Servers) != v.Servers {
		t.Errorf("read %+v", c)
	}
	if h := fmt.Sprintf("%08x", (textKey{tagCharter, keyPair{public: v.Unit}}).KeyHash()); h != v.KeyHash {
		t.Errorf("key hash %s, want %s", h, v.KeyHash)
	}
	for i, device := range v.Devices {
		if c.cards[i].Name != v.People[i] || !bytes.Equal(c.cards[i].DeviceKey, device) {
			t.Errorf("technician %d: %+v", i, c.cards[i])
		}
	}
	if card, err := c.Technician(v.Devices[0], now); err != nil || c.CheckZones(v.Machine, card) == nil {
		t.Errorf("%+v, %v", card, err)
	}
	for _, a := range v.AllowedAddresses {
		if !c.AllowsSource(must(ParseSourceAddr(a))(t)) {
			t.Errorf("%s is refused", a)
		}
	}
	for _, a := range v.RefusedAddresses {
		if addr, err := ParseSourceAddr(a); err == nil && c.AllowsSource(addr) {
			t.Errorf("%s is allowed", a)
		}
	}
	checkSuccession(t, v)
}

// checkSuccession plays the rotation and the charter of the new key.
func checkSuccession(t *testing.T, v charterVectors) {
	now, rotation := time.Unix(v.Now, 0), must(os.ReadFile(rotationFile))(t)
	r := must(VerifyRotation(rotation, UnitPublic(v.Unit), now, v.Epoch))(t)
	if r.Epoch != v.RotationEpoch || !bytes.Equal(r.To, v.Next) {
		t.Errorf("rotation %+v", r)
	}
	next := must(os.ReadFile(nextCharterFile))(t)
	if c, err := VerifyCharter(next, r.To, now, r.Epoch); err != nil || c.Epoch != v.NextEpoch || c.Policy.Rights != 0 {
		t.Errorf("%+v, %v", c, err)
	}
	m := must(NewMemory(t.TempDir(), UnitPublic(v.Unit)))(t)
	must(m.Learn(must(os.ReadFile(charterFile))(t), now))(t)
	must(m.Follow([][]byte{rotation}, now))(t)
	must(m.Learn(next, now))(t)
	if got, want := must(os.ReadFile(m.path))(t), must(os.ReadFile(memoryFile))(t); !bytes.Equal(got, want) {
		t.Errorf("the memory is\n%s\nwant\n%s", got, want)
	}
}

func writeCharterVectors(t *testing.T) {
	f := setUp(t)
	next := must(NewUnitKey())(t)
	charter := f.charter(t)
	stopped := f.charter(t, func(c *Charter) { c.Epoch, c.Technicians, c.Policy.Rights = 8, nil, 0 })
	r := Rotation{Epoch: 8, Issued: f.now.Unix(), To: next.Public()}
	files := map[string][]byte{
		charterFile: must(f.unit.SignCharter(charter))(t), rotationFile: must(f.unit.SignRotation(r))(t),
		nextCharterFile: must(next.SignCharter(stopped))(t),
	}
	r.From = f.unit.Public()
	files[memoryFile] = []byte(formatMemory(&remembered{pinned: r.From, key: r.To, epoch: 8, charter: files[nextCharterFile]}))
	v := charterVectors{
		Now: f.now.Unix(), Unit: hexBytes(r.From), Next: hexBytes(r.To), RotationEpoch: r.Epoch, Machine: f.machine,
		KeyHash:          fmt.Sprintf("%08x", (textKey{tagCharter, f.unit.pair}).KeyHash()),
		AllowedAddresses: []string{"10.1.255.255", "::ffff:10.1.0.1", "64:ff9b::a01:203", "2001:db8::5"},
		RefusedAddresses: []string{"10.2.0.0", "2002:a01:203::1", "2001:db9::", "::", "fe80::1%eth0"},
	}
	for _, card := range must(charter.readCards(r.From))(t) {
		v.Devices, v.People = append(v.Devices, card.DeviceKey), append(v.People, card.Name)
	}
	v.Epoch, v.Issued, v.Expires = charter.Epoch, charter.Issued, charter.Expires
	v.Policy, v.Servers, v.NextEpoch = charter.Policy, len(charter.Servers), stopped.Epoch
	files[charterVectorsFile] = append(must(json.MarshalIndent(v, "", "  "))(t), '\n')
	text, rotation := must(formatCharter(&charter))(t), must(formatRotation(&r))(t)
	seed(files, "FuzzParseCharter", map[string]string{"good": text, "next": must(formatCharter(&stopped))(t)})
	seed(files, "FuzzParseRotation", map[string]string{"good": rotation, "open": rotation + "\n— " + tagRotation + " AAAAAAA=\n"})
	seed(files, "FuzzParseMemory", map[string]string{"good": string(files[memoryFile])})
	for i, e := range []string{"epoch with zero", "rights out of order", "state unknown", "source of old"} {
		seed(files, "FuzzParseCharter", map[string]string{fmt.Sprint("edit", i): nearly(t, text, edits()[e])})
	}
	for name, b := range files {
		must(0, os.MkdirAll(filepath.Dir(name), 0o755))(t)
		must(0, os.WriteFile(name, b, 0o644))(t)
	}
}

// seed adds committed seeds of one fuzz test to the files.
func seed(files map[string][]byte, test string, texts map[string]string) {
	for name, text := range texts {
		files[filepath.Join("testdata", "fuzz", test, name)] = fmt.Appendf(nil, "go test fuzz v1\nstring(%q)\n", text)
	}
}
