// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v4"
)

// A source may ask stunPerSecond times a second; a machine asks once per
// session and socket. The answer is hardly larger than the question, so the
// port is of little use to reflect traffic, and of less with the cap.
const (
	stunPerSecond = 20
	stunSources   = 8192 // sources counted per second; more are not answered
	stunMax       = 548  // bytes
)

// answerSTUN serves one socket until it is closed. Only Binding requests are
// answered.
func answerSTUN(conn net.PacketConn, now func() time.Time, d *drops) {
	var quota stunQuota
	buf := make([]byte, stunMax)
	for {
		n, from, err := conn.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error of an earlier answer
		}
		reply := bindingReply(buf[:n], from)
		if reply == nil || !quota.allow(addrPort(from).Addr(), now()) {
			d.stun.Add(1)
			continue
		}
		if _, err := conn.WriteTo(reply, from); err != nil {
			d.stun.Add(1)
		}
	}
}

// bindingReply returns nil for anything but a well-formed Binding request.
func bindingReply(packet []byte, from net.Addr) []byte {
	udp, ok := from.(*net.UDPAddr)
	if !ok || !stun.IsMessage(packet) {
		return nil
	}
	ask := &stun.Message{Raw: append([]byte(nil), packet...)}
	if ask.Decode() != nil || ask.Type != stun.BindingRequest {
		return nil
	}
	reply, err := stun.Build(stun.NewTransactionIDSetter(ask.TransactionID), stun.BindingSuccess,
		&stun.XORMappedAddress{IP: udp.IP, Port: udp.Port}, stun.Fingerprint)
	if err != nil {
		return nil
	}
	return reply.Raw
}

// stunQuota counts requests per source within one second. One goroutine owns it.
type stunQuota struct {
	second int64
	asked  map[netip.Prefix]int
}

func (q *stunQuota) allow(from netip.Addr, now time.Time) bool {
	if second := now.Unix(); second != q.second || q.asked == nil {
		q.second, q.asked = second, map[netip.Prefix]int{}
	}
	key := neighbourhood(from)
	if _, known := q.asked[key]; !known && len(q.asked) >= stunSources {
		return false
	}
	q.asked[key]++
	return q.asked[key] <= stunPerSecond
}
