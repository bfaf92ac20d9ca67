// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
)

// ports are the sockets of a running server: one of each kind per address
// family, so that an IPv4 client never appears as an IPv6 one.
type ports struct {
	tcp []net.Listener
	udp []net.PacketConn
}

// bind opens what the configuration names.
func bind(c serverConfig) (*ports, error) {
	var p ports
	var err error
	p.tcp, err = pair(c.Listen, "tcp", func(network, address string) (net.Listener, netip.AddrPort, error) {
		l, err := net.Listen(network, address)
		if err != nil {
			return nil, netip.AddrPort{}, err
		}
		return l, addrPort(l.Addr()), nil
	})
	if err != nil {
		return nil, err
	}
	if c.STUN == stunOff {
		return &p, nil
	}
	p.udp, err = pair(c.STUN, "udp", func(network, address string) (net.PacketConn, netip.AddrPort, error) {
		l, err := net.ListenPacket(network, address)
		if err != nil {
			return nil, netip.AddrPort{}, err
		}
		return l, addrPort(l.LocalAddr()), nil
	})
	if err != nil {
		p.close()
		return nil, err
	}
	return &p, nil
}

// pair opens an address once, or, without a host, for IPv4 and for IPv6. A
// family that this machine does not have is left out.
func pair[S interface{ Close() error }](address, network string, open func(network, address string) (S, netip.AddrPort, error)) ([]S, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("server: listen: %w", err)
	}
	if host != "" {
		s, _, err := open(network, address)
		if err != nil {
			return nil, refused(network, port, err)
		}
		return []S{s}, nil
	}
	for try := 0; ; try++ {
		four, at, err4 := open(network+"4", net.JoinHostPort("", port))
		if err4 != nil && !isMissingFamily(err4) {
			return nil, refused(network, port, err4)
		}
		second := port
		if err4 == nil {
			second = strconv.Itoa(int(at.Port()))
		}
		six, _, err6 := open(network+"6", net.JoinHostPort("", second))
		switch {
		case err4 == nil && err6 == nil:
			return []S{four, six}, nil
		case err4 != nil && err6 != nil:
			return nil, fmt.Errorf("server: listen: %w", errors.Join(err4, err6))
		case err6 == nil:
			return []S{six}, nil
		case isMissingFamily(err6):
			return []S{four}, nil
		}
		// The number that the system chose for IPv4 was taken for IPv6.
		err = errors.Join(err6, four.Close())
		if port != "0" || try == 5 { // only a number of the system's choosing is worth another try
			return nil, refused(network, port, err)
		}
	}
}

// refused says why a port is not opened, and what the likely reason is.
func refused(network, port string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("server: %s port %s is taken: is another assist-server already running? (%w)", strings.ToUpper(network), port, err)
	}
	return fmt.Errorf("server: %s port %s is not opened: %w", strings.ToUpper(network), port, err)
}

// isMissingFamily tells a computer without IPv6 (or IPv4) from a port that is taken.
func isMissingFamily(err error) bool {
	return errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL)
}

// addrPort is zero for an address of another kind, which no listener of ours has.
func addrPort(a net.Addr) netip.AddrPort {
	p, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}

// addr is that of IPv4 where there are both; the ports are one number.
func (p *ports) addr() netip.AddrPort { return addrPort(p.tcp[0].Addr()) }

// stunPort is 0 when STUN is off.
func (p *ports) stunPort() uint16 {
	if len(p.udp) == 0 {
		return 0
	}
	return addrPort(p.udp[0].LocalAddr()).Port()
}

// close has nobody to tell of an error: whoever waits for the sockets finds out by binding them.
func (p *ports) close() {
	for _, l := range p.tcp {
		_ = l.Close()
	}
	for _, l := range p.udp {
		_ = l.Close()
	}
}
