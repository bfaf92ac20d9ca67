// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"fmt"
	"net/netip"
	"strings"
)

// charterVersion is the first line. A charter with another one is for other apps.
const charterVersion = "assist charter 1\n"

// formatCharter writes the one text of a charter, or says why it has none.
func formatCharter(c *Charter) (string, error) {
	if err := c.check(); err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(charterVersion)
	fmt.Fprintf(&b, "unit %s\nepoch %d\nissued %s\nexpires %s\n", c.Unit, c.Epoch, formatTime(c.Issued), formatTime(c.Expires))
	fmt.Fprintf(&b, "rights %s\nidle %d\nlease %d\nrelay %s\ncertificate-days %d\n",
		formatRights(c.Policy.Rights), c.Policy.IdleMinutes, c.Policy.LeaseMinutes, c.Policy.Relay, c.Policy.CertificateDays)
	for _, s := range c.Servers {
		fmt.Fprintf(&b, "server %s %s %s\n", s.Address, formatPin(s.Pin), formatPin(s.Next))
	}
	for _, p := range c.Sources {
		fmt.Fprintf(&b, "source %s\n", p)
	}
	for _, z := range c.Zones {
		fmt.Fprintf(&b, "zone %s %s\n", z.Machine, z.Zone)
	}
	for _, t := range c.Technicians {
		fmt.Fprintf(&b, "technician %s %s\n", formatState(t), formatBytes(t.Envelope))
	}
	return b.String(), nil
}

func formatState(t Technician) string {
	if t.State == StateExternal {
		return string(t.State) + " " + formatTime(t.Until)
	}
	return string(t.State)
}

// FormatRights names rights as a charter does, in the order of the ladder.
func FormatRights(rights uint16) string { return formatRights(rights) }

// ParseRights reads what FormatRights writes.
func ParseRights(s string) (uint16, error) {
	l := &lines{rest: "rights " + s + "\n"}
	rights := l.rights()
	if err := l.end(); err != nil {
		return 0, err
	}
	if formatRights(rights) != s {
		return 0, fmt.Errorf("%w: rights out of order", ErrMalformed)
	}
	return rights, nil
}

// formatRights names the rights in the order of the ladder.
func formatRights(rights uint16) string {
	var names []string
	for bit, name := range rightNames() {
		if rights&(1<<bit) != 0 {
			names = append(names, name)
		}
	}
	if names == nil {
		return noRights
	}
	return strings.Join(names, " ")
}

// noRights is the ceiling of a unit that has stopped all help.
const noRights = "none"

// parseCharter reads a text that formatCharter could have written, and no other.
func parseCharter(text string) (*Charter, error) {
	rest, found := strings.CutPrefix(text, charterVersion)
	if !found {
		return nil, ErrVersion
	}
	l := &lines{rest: rest}
	// Calls in a literal are made in the order they are written: the lines' order.
	c := &Charter{
		Unit: l.next("unit"), Epoch: l.number("epoch"), Issued: l.moment("issued"), Expires: l.moment("expires"),
		Policy: Policy{
			Rights: l.rights(), IdleMinutes: l.small("idle"), LeaseMinutes: l.small("lease"),
			Relay: Relay(l.next("relay")), CertificateDays: l.small("certificate-days"),
		},
	}
	l.lists(c)
	if err := l.end(); err != nil {
		return nil, err
	}
	again, err := formatCharter(c)
	if err != nil {
		return nil, err
	}
	if again != text {
		return nil, fmt.Errorf("%w: written in another way than the one", ErrMalformed)
	}
	return c, nil
}

func (l *lines) lists(c *Charter) {
	for l.another("server", len(c.Servers), MaxServers) {
		c.Servers = append(c.Servers, l.server())
	}
	for l.another("source", len(c.Sources), MaxSources) {
		c.Sources = append(c.Sources, l.source())
	}
	for l.another("zone", len(c.Zones), MaxMachineZones) {
		machine, zone, _ := strings.Cut(l.next("zone"), " ")
		c.Zones = append(c.Zones, MachineZone{machine, zone})
	}
	for l.another("technician", len(c.Technicians), MaxTechnicians) {
		c.Technicians = append(c.Technicians, l.technician())
	}
}

func (l *lines) rights() uint16 {
	value := l.next("rights")
	if value == noRights {
		return 0
	}
	var rights uint16
	for _, name := range strings.Split(value, " ") {
		bit := uint16(0)
		for i, known := range rightNames() {
			if name == known {
				bit = 1 << i
			}
		}
		if bit == 0 {
			l.fail("rights", "names an unknown one")
		}
		rights |= bit
	}
	return rights
}

func (l *lines) server() Server {
	part := strings.Split(l.next("server"), " ")
	if len(part) != 3 {
		l.fail("server", "is not an address and two pins")
		return Server{}
	}
	return Server{Address: part[0], Pin: l.asPin("server", part[1]), Next: l.asPin("server", part[2])}
}

func (l *lines) source() netip.Prefix {
	p, err := ParseSource(l.next("source"))
	if err != nil {
		l.fail("source", err.Error())
	}
	return p
}

func (l *lines) technician() Technician {
	state, rest, _ := strings.Cut(l.next("technician"), " ")
	t := Technician{State: TechnicianState(state)}
	if t.State == StateExternal {
		until, env, _ := strings.Cut(rest, " ")
		t.Until, rest = l.asMoment("technician", until), env
	}
	t.Envelope = l.asBytes("technician", rest)
	return t
}
