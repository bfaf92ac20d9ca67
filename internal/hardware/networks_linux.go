// SPDX-License-Identifier: Apache-2.0

package hardware

import (
	"encoding/hex"
	"path"
	"strings"
)

// Values of files in /sys/class/net.
const (
	ethernet  = "1" // type, that of Wi-Fi too
	permanent = "0" // addr_assign_type: neither random nor set by a program
)

// networks are the addresses that the makers gave to the built-in network devices. A
// device on USB or Thunderbolt is a docking station's as often as not.
func (t tree) networks() []string {
	var all []string
	for _, name := range t.names("/sys/class/net") {
		device := t.device(path.Join("/sys/class/net", name))
		if device == "" || !t.exists(path.Join(device, "device")) || t.read(path.Join(device, "type")) != ethernet || t.isOutside(device) {
			continue
		}
		if address := t.makersAddress(device); unique(address) {
			all = append(all, "net "+address)
		}
	}
	return all
}

// isOutside reports whether a device is plugged in: on USB, or behind a port that the
// firmware calls one for removable devices.
func (t tree) isOutside(device string) bool {
	for d := device; len(d) > 1; d = path.Dir(d) {
		if t.read(path.Join(d, "removable")) == "removable" {
			return true
		}
	}
	return under(device, "usb", "virtual")
}

// makersAddress is the address that a device has of its own: what it shows may have been
// made up for a network, or be that of a bond.
func (t tree) makersAddress(device string) string {
	for _, at := range []string{"phy80211/macaddress", "bonding_slave/perm_hwaddr"} {
		if a := t.read(path.Join(device, at)); a != "" {
			return a
		}
	}
	if t.read(path.Join(device, "addr_assign_type")) != permanent {
		return ""
	}
	return t.read(path.Join(device, "address"))
}

// unique reports whether an address is one device's: not a group's, not zero, and not the
// one that QEMU gives to each machine that was given none.
func unique(address string) bool {
	b, err := hex.DecodeString(strings.ReplaceAll(address, ":", ""))
	return err == nil && len(b) == 6 && b[0]&1 == 0 && own(address) && address != "52:54:00:12:34:56"
}
