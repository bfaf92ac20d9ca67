// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/hex"
	"net/netip"
	"time"

	"assist/internal/trust"
)

// tellBegin says in the log what this server goes by, one line a matter: whoever looks for
// why nobody can help begins here. No person is named.
func (s *Server) tellBegin() {
	s.mu.Lock()
	tcp, udp := s.listening.addresses()
	s.mu.Unlock()
	s.log.Info("listening", "tcp", tcp, "stun", udp, "address", s.cfg.Server.Address)
	now, next := s.pins()
	announced := "none"
	if next != [32]byte{} {
		announced = hex.EncodeToString(next[:])
	}
	s.log.Info("tls key", "pin", hex.EncodeToString(now[:]), "next", announced)
	f := s.inForce()
	c := f.charter
	if c == nil {
		s.log.Info("no charter is in force: nobody may help until one is signed (charter sign)", "error", f.err)
		return
	}
	s.log.Info("charter in force", "epoch", c.Epoch, "expires", time.Unix(c.Expires, 0).UTC().Format(time.RFC3339),
		"expired", f.current(s.now()) == nil, "technicians", len(c.Technicians), "sources", len(c.Sources), "zones", len(c.Zones))
	p := c.Policy
	s.log.Info("policy", "rights", trust.FormatRights(p.Rights), "idleMinutes", p.IdleMinutes, "leaseMinutes", p.LeaseMinutes,
		"relay", string(p.Relay), "certificateDays", p.CertificateDays, "retentionMonths", s.cfg.Journal.RetentionMonths)
}

// addresses are those that are open.
func (p *ports) addresses() (tcp, udp []netip.AddrPort) {
	for _, l := range p.tcp {
		tcp = append(tcp, addrPort(l.Addr()))
	}
	for _, l := range p.udp {
		udp = append(udp, addrPort(l.LocalAddr()))
	}
	return tcp, udp
}
