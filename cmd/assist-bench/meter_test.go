// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"image"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	line := "42 (a) b (c) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 100 1000 10"
	if d, err := parseStat(line); err != nil || d != 3*time.Second {
		t.Errorf("%v, %v", d, err)
	}
	if _, err := parseStat("nonsense"); err == nil {
		t.Error("believed")
	}
}

func TestCarriedBytes(t *testing.T) {
	text := "Inter-|   Receive\n face |bytes\n    lo: 111 2 0 0 0 0 0 0 999 2 0 0 0 0 0 0\n  eth0: 5 0 0 0 0 0 0 0 6 0 0 0 0 0 0 0\n"
	if n, err := carriedBytes(text, "lo"); err != nil || n != 999 {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := carriedBytes(text, "eth0"); err != nil || n != 11 {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := carriedBytes(text, "wlan0"); err == nil {
		t.Error("an interface that is not there")
	}
}

func TestPercentile(t *testing.T) {
	var ds []time.Duration
	for i := 10; i > 0; i-- {
		ds = append(ds, time.Duration(i)*time.Millisecond)
	}
	if p50, p90 := percentile(ds, 0.5), percentile(ds, 0.9); p50 != 6 || p90 != 10 {
		t.Errorf("p50 %v, p90 %v", p50, p90)
	}
	if percentile(nil, 0.5) != 0 {
		t.Error("of nothing")
	}
}

func TestRatios(t *testing.T) {
	var b bytes.Buffer
	err := printRatios(&b, []result{
		{Target: "assist", Work: "film", FPS: 60, LateP50: 20, Kbit: 1000, HostCPU: 50},
		{Target: "other", Work: "film", FPS: 30, LateP50: 30, Kbit: 4000, HostCPU: 25},
	})
	if err != nil {
		t.Fatal(err)
	}
	last := strings.Split(strings.TrimSpace(b.String()), "\n")[1]
	if got := strings.Fields(last); !slices.Equal(got, []string{"other", "film", "2.00", "1.50", "-", "4.00", "0.50"}) {
		t.Errorf("%q", got)
	}
}

func TestCommandLine(t *testing.T) {
	s, err := parse([]string{"-host-display", ":1", "-view-display", ":2", "-host-pid", "3,4", "-view-pid", "5", "-rival", "xvnc"})
	if err != nil || !slices.Equal(s.target.HostPIDs, []int{3, 4}) || !slices.Equal(s.rivals, []string{"xvnc"}) {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range [][]string{{}, {"-host-display", ":1"}, {"-host-pid", "x", "-rival", "xvnc"}} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// Each frame must differ from the one before, or there is nothing to measure.
func TestWorksMove(t *testing.T) {
	size := image.Pt(960, 540)
	for name, w := range map[string]work{"scroll": newScroll(size.X), "film": newFilm(size)} {
		before, pix := make([]byte, 4*size.X*size.Y), make([]byte, 4*size.X*size.Y)
		for n := 1; n < 700; n += 77 {
			w.draw(before, size, n)
			w.draw(pix, size, n+1)
			if bytes.Equal(before, pix) {
				t.Errorf("%s: frames %d and %d are the same", name, n, n+1)
			}
		}
	}
}
