// SPDX-License-Identifier: Apache-2.0

package input

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jezek/xgb"
)

var errDisplay = errors.New("display name is malformed")

// First bytes of what a server sends.
const (
	packetError   = 0
	packetReply   = 1
	packetGeneric = 35
	sentFlag      = 0x80
	maxPacket     = 16 << 20 // bytes; larger replies are not believed
	lastCoreError = 17
)

// tap is the stream from an X server with the events taken out: generic events
// go to onGeneric (package xgb cannot read their length), the others, which a
// server sends unasked, are dropped. It is read by one goroutine of xgb.
type tap struct {
	net.Conn
	in        *bufio.Reader
	greeted   bool
	pending   []byte
	onGeneric func(packet []byte) // must not block; may be nil
}

// Read returns the next bytes that are not of an event.
func (t *tap) Read(p []byte) (int, error) {
	for len(t.pending) == 0 {
		if err := t.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, t.pending)
	t.pending = t.pending[n:]
	return n, nil
}

// next takes in one packet.
func (t *tap) next() error {
	if !t.greeted {
		return t.greeting()
	}
	packet := make([]byte, 32)
	if _, err := io.ReadFull(t.in, packet); err != nil {
		return err
	}
	switch packet[0] &^ sentFlag {
	case packetError:
		// xgb loses count at errors of extensions that it does not know.
		packet[1] = min(packet[1], lastCoreError)
		t.pending = packet
		return nil
	case packetReply, packetGeneric:
		return t.long(packet)
	}
	return nil
}

// greeting takes in the answer to the connection's first request.
func (t *tap) greeting() error {
	t.greeted = true
	head := make([]byte, 8)
	if _, err := io.ReadFull(t.in, head); err != nil {
		return err
	}
	t.pending = append(head, make([]byte, 4*int(binary.LittleEndian.Uint16(head[6:])))...)
	_, err := io.ReadFull(t.in, t.pending[8:])
	return err
}

// long takes in a packet that says its own length.
func (t *tap) long(packet []byte) error {
	size := 4 * uint64(binary.LittleEndian.Uint32(packet[4:]))
	if size > maxPacket {
		return fmt.Errorf("reply of %d bytes", size)
	}
	packet = append(packet, make([]byte, size)...)
	if _, err := io.ReadFull(t.in, packet[32:]); err != nil {
		return err
	}
	if packet[0] == packetReply {
		t.pending = packet
	} else if t.onGeneric != nil {
		t.onGeneric(packet)
	}
	return nil
}

// dialX11 connects to a display such as ":0" or "host:10.0".
func dialX11(display string, onGeneric func([]byte)) (*xgb.Conn, error) {
	host, number, err := parseDisplay(display)
	if err != nil {
		return nil, err
	}
	conn, err := dialDisplay(host, number)
	if err != nil {
		return nil, fmt.Errorf("connect to display %s: %w", display, err)
	}
	t := &tap{Conn: conn, in: bufio.NewReader(conn), onGeneric: onGeneric}
	var c *xgb.Conn
	if cookie := authority(host, number); cookie != "" {
		c, err = xgb.NewConnNetWithCookieHex(t, cookie)
	} else {
		c, err = xgb.NewConnNet(t)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("connect to display %s: %w", display, err)
	}
	return c, nil
}

func parseDisplay(display string) (host string, number int, err error) {
	colon := strings.LastIndexByte(display, ':')
	if colon < 0 {
		return "", 0, errDisplay
	}
	digits, _, _ := strings.Cut(display[colon+1:], ".")
	number, err = strconv.Atoi(digits)
	if err != nil || number < 0 {
		return "", 0, errDisplay
	}
	return display[:colon], number, nil
}

func dialDisplay(host string, number int) (net.Conn, error) {
	if host != "" && host != "unix" {
		return net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(6000+number)))
	}
	path := fmt.Sprintf("/tmp/.X11-unix/X%d", number)
	conn, err := net.Dial("unix", path)
	if err != nil {
		conn, err = net.Dial("unix", "@"+path) // the abstract socket of the same name
	}
	return conn, err
}

// authority returns the display's cookie as hexadecimal digits, or nothing.
func authority(host string, number int) string {
	path := os.Getenv("XAUTHORITY")
	if path == "" {
		path = filepath.Join(os.Getenv("HOME"), ".Xauthority")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	if host == "" || host == "unix" || host == "localhost" {
		host, _ = os.Hostname()
	}
	return findCookie(b, host, strconv.Itoa(number))
}

// findCookie looks through an Xauthority file: records of a family and four
// counted strings (address, display number, kind, cookie), all big-endian.
func findCookie(file []byte, host, number string) string {
	const familyWild = 0xffff
	r := bytes.NewReader(file)
	for {
		var family uint16
		if binary.Read(r, binary.BigEndian, &family) != nil {
			return ""
		}
		var field [4][]byte
		for i := range field {
			var n uint16
			if binary.Read(r, binary.BigEndian, &n) != nil || int(n) > r.Len() {
				return ""
			}
			field[i] = make([]byte, n)
			_, _ = io.ReadFull(r, field[i]) // n bytes are there
		}
		here := family == familyWild || string(field[0]) == host
		this := len(field[1]) == 0 || string(field[1]) == number
		if here && this && string(field[2]) == "MIT-MAGIC-COOKIE-1" && len(field[3]) == 16 {
			return hex.EncodeToString(field[3])
		}
	}
}
