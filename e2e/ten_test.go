// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import "testing"

// sessions is how many interventions follow each other.
const sessions = 10

// ten plays interventions one after another in the same processes, which must be as
// small after the last as after the first.
func (w *world) ten(t *testing.T) {
	w.intervene(t, true).end(t) // loads what is loaded once
	apps := []*app{w.host, w.tech}
	var before []figures
	var memory []int
	for _, a := range apps {
		before = append(before, a.figures(t))
		n, err := a.proc.resident()
		if err != nil {
			t.Fatal(err)
		}
		memory = append(memory, n)
	}
	for range sessions {
		w.intervene(t, true).end(t)
	}
	for i, a := range apps {
		w.leavesNothing(t, a, before[i])
		now := a.figures(t)
		rss, err := a.proc.resident()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: goroutines %d → %d, heap %d → %d kB, resident %d → %d kB", a.name, before[i].Goroutines, now.Goroutines,
			before[i].Heap>>10, now.Heap>>10, memory[i]>>10, rss>>10)
		if now.Heap > before[i].Heap+before[i].Heap/4+4<<20 {
			t.Errorf("%s: the heap grew from %d to %d bytes", a.name, before[i].Heap, now.Heap)
		}
		if rss > memory[i]+memory[i]/5+16<<20 {
			t.Errorf("%s: the process grew from %d to %d bytes", a.name, memory[i], rss)
		}
	}
}
