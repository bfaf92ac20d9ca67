// SPDX-License-Identifier: Apache-2.0

package process

// CheckWriters finds nothing: rights are lists here, and inherited from the user's folder.
func CheckWriters(string) error { return nil }

// CheckAdministrators finds nothing, for the same reason.
func CheckAdministrators(string) error { return nil }
