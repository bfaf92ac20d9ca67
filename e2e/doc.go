// SPDX-License-Identifier: Apache-2.0

// Package e2e plays whole interventions with the real programs: two apps and a
// server as separate processes of an ordinary user, on two X servers, the host's
// with two monitors of different sizes. Windows are used as people use them, with
// mouse and keyboard (xdotool); where a button lies is asked from a socket that
// exists only in apps built with the tag testdoor.
//
//	go test -tags e2e ./e2e
//
// Started by root it makes the user assist-e2e, gives the host's app a network
// of its own that can be cut, and runs Xorg with its dummy driver. Started by
// anyone else it does without the cut cable and uses Xvfb.
//
// Nothing waits for a fixed time: every wait is for something seen, with a limit.
package e2e
