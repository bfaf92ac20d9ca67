// SPDX-License-Identifier: Apache-2.0

package x11

import (
	"fmt"
	"math"
)

// The first version of XInput, as far as the second has no part for it.
const (
	xQueryDeviceState = 30

	xKeyClass    = 0
	xButtonClass = 1
)

// Down is what of a device is down.
type Down struct{ keys, buttons [32]byte }

// Key reports whether the key of this code is.
func (d Down) Key(code uint32) bool { return has(d.keys, code) }

// Button reports whether a button, counted before the pointer's mapping, is.
func (d Down) Button(number uint32) bool { return has(d.buttons, number) }

func has(set [32]byte, n uint32) bool { return n < 8*uint32(len(set)) && set[n/8]&(1<<(n%8)) != 0 }

// Down asks the server what of one device is down, whatever was told. A device that
// went is an error.
func (r *RawEvents) Down(device uint16) (Down, error) {
	if device > math.MaxUint8 {
		return Down{}, fmt.Errorf("device %d has no state", device)
	}
	reply, err := r.c.Query(r.opcode, xQueryDeviceState, []byte{byte(device), 0, 0, 0})
	if err != nil {
		return Down{}, fmt.Errorf("state of a device: %w", err)
	}
	return parseDown(reply), nil
}

// parseDown reads the classes of a device: kind, length, count, a byte, and for keys
// and buttons a bit for each.
func parseDown(reply []byte) Down {
	const head, bits = 32, 4
	var d Down
	count, b := int(reply[8]), reply[head:]
	for ; count > 0 && len(b) >= bits; count-- {
		class := b[:min(len(b), max(bits, int(b[1])))]
		switch class[0] {
		case xKeyClass:
			copy(d.keys[:], class[bits:])
		case xButtonClass:
			copy(d.buttons[:], class[bits:])
		}
		b = b[len(class):]
	}
	return d
}
