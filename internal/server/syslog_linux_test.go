// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// The kernel tells what the other side has not taken, and when it has.
func TestUnacknowledgedIsWhatNobodyHasTaken(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer ln.Close()
	out, err := net.Dial("tcp", ln.Addr().String())
	must(t, err)
	defer out.Close()
	in, err := ln.Accept()
	must(t, err)
	defer in.Close()
	must(t, out.SetWriteDeadline(time.Now().Add(3*time.Second)))
	total, chunk := int64(0), bytes.Repeat([]byte{1}, 1<<16)
	for err == nil {
		var n int
		n, err = out.Write(chunk)
		total += int64(n)
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	left, err := unacknowledged(out.(*net.TCPConn))
	if err != nil || left <= 0 || left >= total {
		t.Errorf("%d of %d bytes wait, %v", left, total, err)
	}
	_, err = io.CopyN(io.Discard, in, total)
	must(t, err)
	waitFor(t, func() bool {
		left, err := unacknowledged(out.(*net.TCPConn))
		must(t, err)
		return left == 0
	})
}
