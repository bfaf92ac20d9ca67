// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

// arrive is a number of machines that were never seen, without the slow hash. It
// returns how many were taken in, and why the next one was not.
func (r *rig) arrive(from netip.Addr, machines int) (int, error) {
	r.t.Helper()
	for i := range machines {
		key := fmt.Sprintf("a key of a machine from %s at %d, number %d", from, r.now().UnixNano(), i)
		if err := r.addMachine(r.t.Context(), fmt.Sprintf("%x", []byte(key)), []byte(key), from); err != nil {
			return i, err
		}
	}
	return machines, nil
}

func TestADayTakesInSoManyMachines(t *testing.T) {
	r := unserved(t)
	r.cfg.Server.NewMachinesPerDay, r.cfg.Server.NewMachinesPerAddress = 10, 5
	taken := len(r.fix.hosts) // from 127.0.0.1
	for _, c := range []struct {
		from string
		want int
	}{
		{"127.0.0.1", 2}, {"192.0.2.1", 5}, {"192.0.2.2", 0}, {"2001:db8::1", 0},
	} {
		n, err := r.arrive(mustAddr(t, c.from), 20)
		if n != c.want || !errors.Is(err, errCrowded) {
			t.Errorf("%s: %d were taken in, then %v", c.from, n, err)
		}
		taken += n
	}
	if n := len(entries[*journal.MachineRegistered](r)); n != 10 || taken != 10 {
		t.Errorf("%d entries, %d machines", n, taken)
	}
	r.advance(24 * time.Hour)
	if n, err := r.arrive(mustAddr(t, "2001:db8::1"), 3); err != nil {
		t.Errorf("the next day: %d, then %v", n, err)
	}
	if n, _ := r.arrive(mustAddr(t, "2001:db8::2"), 5); n != 2 {
		t.Errorf("%d more from one IPv6 network", n)
	}
	days, err := texts(t.Context(), r.store.reader, `select distinct day from newcomer`)
	if must(t, err); len(days) != 1 {
		t.Errorf("addresses of %d days are kept", len(days))
	}
}

// Known keys are not counted: nor when they come again, nor when the unit key has changed
// and the same machines come under other numbers.
func TestKnownMachinesAlwaysFindRoom(t *testing.T) {
	r := unserved(t)
	r.cfg.Server.NewMachinesPerDay = 1
	must(t, r.rotate())
	for i, k := range r.fix.hosts {
		id, err := r.machineOf(t.Context(), k.Public(), mustAddr(t, "127.0.0.1"))
		if err != nil || id == r.fix.numbers[i] {
			t.Errorf("%s, %v", id, err)
		}
		if again, err := r.machineOf(t.Context(), k.Public(), mustAddr(t, "127.0.0.1")); err != nil || again != id {
			t.Errorf("%s, then %s, %v", id, again, err)
		}
	}
	if n, err := r.arrive(mustAddr(t, "192.0.2.1"), 1); !errors.Is(err, errCrowded) {
		t.Errorf("%d, %v", n, err)
	}
}

// The count is in the database: neither a restart nor another process forgets it. The
// machine is told when to come again, the log says it once, and check as well.
func TestAMachineThatFindsNoRoomIsTold(t *testing.T) {
	log := &lockedBuffer{}
	r := unserved(t)
	file := r.path(fileConfig)
	text, err := os.ReadFile(file)
	must(t, err)
	few := fmt.Sprintf("new_machines_per_day = %d\n", len(r.fix.hosts))
	must(t, os.WriteFile(file, bytes.Replace(text, []byte("new_machines_per_day = 200\n"), []byte(few), 1), 0o600))
	must(t, r.Close())
	now := r.clock.Load()
	r = opened(t, r.dir, r.fix)
	r.clock.Store(now)
	r.log = textLog(log)
	r.run()
	for range 2 {
		k, err := trust.NewHostKey()
		must(t, err)
		c := r.dial()
		c.hello(k)
		m := expect[*wire.Refused](c)
		if m.Why != wire.RefusedCrowded || time.Duration(m.Wait)*time.Second != newcomerWait {
			t.Errorf("told %+v", m)
		}
		c.closed()
	}
	c := r.dial()
	c.hello(r.fix.hosts[0])
	expect[*wire.HostReady](c)
	must(t, r.stop())
	if n := strings.Count(log.String(), "turned away"); n != 1 || !strings.Contains(log.String(), "level=WARN") {
		t.Errorf("the log says it %d times:\n%s", n, log.String())
	}
	if n := len(entries[*journal.MachineRegistered](r)); n != len(r.fix.hosts) {
		t.Errorf("%d machines in the journal", n)
	}
}

func TestCheckTellsOfNewMachines(t *testing.T) {
	r := unserved(t)
	for _, c := range []struct {
		day, address int
		grade        Grade
		want         string
	}{
		{200, 100, Good, "3 today, of 200 at most"},
		{3, 100, Note, "3 today, 3 of them from 127.0.0.1/32; further ones are refused until midnight UTC, or until server.new_machines_per_day is raised"},
		{200, 3, Note, "3 today from 127.0.0.1/32; further ones from there are refused until midnight UTC, or until server.new_machines_per_address is raised"},
	} {
		r.cfg.Server.NewMachinesPerDay, r.cfg.Server.NewMachinesPerAddress = c.day, c.address
		var f Findings
		f.newcomers(t.Context(), r.Server)
		if len(f) != 1 || f[0].Grade != c.grade || !strings.HasSuffix(f[0].Text, c.want) {
			t.Errorf("%+v, want %s", f, c.want)
		}
	}
	r.advance(24 * time.Hour)
	var f Findings
	if f.newcomers(t.Context(), r.Server); f[0].Grade != Good || !strings.HasPrefix(f[0].Text, "0 today") {
		t.Errorf("the next day %+v", f)
	}
}

// A database from before the count knows its machines' keys all the same.
func TestKeysOfAnOlderDatabaseAreKnown(t *testing.T) {
	const before = 4 // migrations
	path, key := filepath.Join(t.TempDir(), fileDatabase), []byte("the public key of a machine")
	db, err := sql.Open("sqlite", dsn(path, ""))
	must(t, err)
	tx, err := db.Begin()
	must(t, err)
	for _, m := range migrations()[:before] {
		must(t, m.apply(t.Context(), tx))
	}
	_, err = tx.Exec(`insert into machine (id, host_key, first_seen, last_seen_day) values ('1', ?, 0, 0)`, key)
	must(t, err)
	_, err = tx.Exec(fmt.Sprintf(`pragma user_version = %d`, before))
	must(t, errors.Join(err, tx.Commit(), db.Close()))
	st, err := openStore(path)
	must(t, err)
	defer st.close()
	must(t, st.read(t.Context(), func(tx *transaction) error {
		counts, err := tx.room(newcomer{sum: keySum(key)}, serverConfig{})
		if counts {
			t.Error("a known machine is counted as new")
		}
		return err
	}))
}
