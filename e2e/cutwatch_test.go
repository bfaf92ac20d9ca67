// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"encoding/binary"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"
)

// pictureSize is what a datagram has at least that carries a piece of a picture of a
// screen that changes all the time; goodbyes, answers and signs of life are smaller.
const pictureSize = 500 // bytes

// tap notes when datagrams of that size left the host's app, by the kernel's clock.
type tap struct {
	fd   int
	end  chan struct{}
	work sync.WaitGroup

	mu   sync.Mutex
	last time.Time
	n    int
}

// newTap listens at the near end of the cable; without one there is nothing to hear.
func newTap(t *testing.T, c cable) *tap {
	t.Helper()
	p := &tap{fd: -1, end: make(chan struct{})}
	if c.space == "" {
		return p
	}
	on, err := net.InterfaceByName(c.near)
	if err != nil {
		t.Fatal(err)
	}
	const everything = syscall.ETH_P_ALL<<8&0xff00 | syscall.ETH_P_ALL>>8 // in network order
	if p.fd, err = syscall.Socket(syscall.AF_PACKET, syscall.SOCK_DGRAM, everything); err != nil {
		t.Fatal(err)
	}
	wake := syscall.Timeval{Usec: 50_000}
	for _, err := range []error{
		syscall.Bind(p.fd, &syscall.SockaddrLinklayer{Protocol: everything, Ifindex: on.Index}),
		syscall.SetsockoptInt(p.fd, syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1),
		syscall.SetsockoptTimeval(p.fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &wake),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	p.work.Go(p.listen)
	t.Cleanup(p.close)
	return p
}

func (p *tap) listen() {
	packet, control := make([]byte, 64), make([]byte, 128)
	for {
		select {
		case <-p.end:
			return
		default:
		}
		n, m, _, from, err := syscall.Recvmsg(p.fd, packet, control, syscall.MSG_TRUNC)
		if err != nil || n < pictureSize || packet[9] != syscall.IPPROTO_UDP {
			continue
		}
		if l, ok := from.(*syscall.SockaddrLinklayer); !ok || l.Pkttype == syscall.PACKET_OUTGOING {
			continue
		}
		at := stamp(control[:m])
		p.mu.Lock()
		p.n++
		p.last = at
		p.mu.Unlock()
	}
}

// stamp reads when the kernel had a packet.
func stamp(control []byte) time.Time {
	all, err := syscall.ParseSocketControlMessage(control)
	for _, c := range all {
		if err == nil && c.Header.Type == syscall.SO_TIMESTAMPNS && len(c.Data) >= 16 {
			return time.Unix(int64(binary.NativeEndian.Uint64(c.Data)), int64(binary.NativeEndian.Uint64(c.Data[8:])))
		}
	}
	return time.Now()
}

// seen is how many pieces of pictures were heard, and when the last was.
func (p *tap) seen() (int, time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n, p.last
}

func (p *tap) close() {
	select {
	case <-p.end:
		return
	default:
	}
	close(p.end)
	p.work.Wait()
	if p.fd >= 0 {
		_ = syscall.Close(p.fd)
	}
}
