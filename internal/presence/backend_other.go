// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !windows

package presence

// sources is empty: nothing here is asked yet, which Sources says plainly. On macOS
// it will be the distributed notifications of the login window.
func sources(Options) []source { return nil }
