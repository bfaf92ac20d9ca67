// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package process

// capabilities are Linux's alone.
func capabilities() []string { return nil }
