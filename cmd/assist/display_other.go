// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

// hasDisplay: these systems have one wherever a person can start the app.
func hasDisplay() bool { return true }
