// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

var errCounters = errors.New("system counters cannot be read")

const loopback = "lo"

// ticksPerSecond is the unit of /proc/PID/stat on every Linux.
const ticksPerSecond = 100

// counters are what the system has counted up to a moment.
type counters struct {
	at         time.Time
	host, view time.Duration // CPU time of the programs
	bytes      uint64        // over the network interface
}

// count reads all counters.
func (t target) count() (counters, error) {
	c := counters{at: time.Now()}
	var err error
	if c.host, err = cpuOf(t.HostPIDs); err != nil {
		return c, err
	}
	if c.view, err = cpuOf(t.ViewPIDs); err != nil {
		return c, err
	}
	b, err := os.ReadFile("/proc/net/dev")
	if err != nil {
		return c, fmt.Errorf("%w: %w", errCounters, err)
	}
	c.bytes, err = carriedBytes(string(b), t.Interface)
	return c, err
}

// since fills in what was used from an earlier moment on, as rates.
func (c counters) since(before counters, r *result) {
	wall := c.at.Sub(before.at).Seconds()
	r.Kbit = float64(c.bytes-before.bytes) * 8 / 1000 / wall
	r.HostCPU = 100 * (c.host - before.host).Seconds() / wall
	r.ViewCPU = 100 * (c.view - before.view).Seconds() / wall
}

// cpuOf is the CPU time that processes have used, all threads.
func cpuOf(pids []int) (time.Duration, error) {
	var sum time.Duration
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, fmt.Errorf("%w: %w", errCounters, err)
		}
		d, err := parseStat(string(b))
		if err != nil {
			return 0, err
		}
		sum += d
	}
	return sum, nil
}

// parseStat takes user and system time from a stat line. The program's name may
// hold blanks and brackets: fields count from the last bracket.
func parseStat(line string) (time.Duration, error) {
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	if len(fields) < 13 {
		return 0, errCounters
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0, errCounters
	}
	return time.Duration(user+system) * time.Second / ticksPerSecond, nil
}

// carriedBytes finds what an interface has carried, both ways, in the text of
// /proc/net/dev. What a loopback sends it receives, so there one way is both.
func carriedBytes(text, name string) (uint64, error) {
	for line := range strings.Lines(text) {
		have, numbers, ok := strings.Cut(line, ":")
		fields := strings.Fields(numbers)
		if !ok || strings.TrimSpace(have) != name || len(fields) <= 8 {
			continue
		}
		in, err1 := strconv.ParseUint(fields[0], 10, 64)
		out, err2 := strconv.ParseUint(fields[8], 10, 64)
		if name == loopback {
			in = 0
		}
		return in + out, errors.Join(err1, err2)
	}
	return 0, errCounters
}

// percentile is the value that this share of the sorted values does not exceed,
// in milliseconds.
func percentile(ds []time.Duration, share float64) float64 {
	if len(ds) == 0 {
		return 0
	}
	sorted := slices.Clone(ds)
	slices.Sort(sorted)
	i := min(len(sorted)-1, int(share*float64(len(sorted))))
	return float64(sorted[i].Microseconds()) / 1000
}
