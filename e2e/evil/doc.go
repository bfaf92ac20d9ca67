// SPDX-License-Identifier: Apache-2.0

// Package evil attacks the two ends with a server that lies, a technician who
// cheats and a host that is out for the technician's app. Both ends are the real
// code: rendezvous, session, trust, and a peer connection over loopback. Only the
// desktop and the person at it are played, so that each dialog, each frame read and
// each event done can be counted.
//
// The lies are made from the messages as package wire defines them: whatever field of
// whatever message passes between an end and the server is spoilt in every way that
// there is. A field without a line in the table of fates_test.go fails the test, and
// so does a message that nobody has played.
package evil
