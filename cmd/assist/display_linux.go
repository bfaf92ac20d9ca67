// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/jezek/xgb"

// hasDisplay reports whether windows can be shown: the toolkit dies without a word
// where they cannot.
func hasDisplay() bool {
	c, err := xgb.NewConn()
	if err != nil {
		return false
	}
	c.Close()
	return true
}
