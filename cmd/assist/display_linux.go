// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"assist/internal/x11"
)

// hasDisplay reports whether windows can be shown: the toolkit dies without a word
// where they cannot.
func hasDisplay() bool {
	c, err := x11.Dial(os.Getenv("DISPLAY"), func(x11.Event) {})
	if err != nil {
		return false
	}
	c.Close()
	return true
}
