// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import "testing"

// TestIntervention plays the whole job on one pair of apps, which stay open from the
// first intervention to the last.
func TestIntervention(t *testing.T) {
	w := newWorld(t)
	t.Run("before accept", w.beforeAccept)
	t.Run("pictures", w.picturesMatch)
	t.Run("ladder", w.ladder)
	t.Run("drive", w.drive)
	t.Run("listeners", w.listeners)
	t.Run("cuts", w.cuts)
	t.Run("refusals", w.refusals)
	t.Run("charter", w.charter)
	t.Run("ten", w.ten)
}
