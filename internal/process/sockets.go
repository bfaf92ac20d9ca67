// SPDX-License-Identifier: Apache-2.0

package process

// Socket is an open socket of a process.
type Socket struct {
	Protocol string `json:"protocol"` // tcp, tcp6, udp, udp6, unix
	Local    string `json:"local"`    // address:port, or a path
	Listens  bool   `json:"listens"`  // others can connect to it
}

// Running is the app that keeps its files in dir, 0 when none runs or nothing tells.
func Running(dir string) int { return running(dir) }

// Sockets lists the network sockets of a process, and the local ones it listens at.
func Sockets(pid int) ([]Socket, error) { return sockets(pid) }
