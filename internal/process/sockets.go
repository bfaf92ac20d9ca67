// SPDX-License-Identifier: Apache-2.0

package process

// Socket is an open socket of a process.
type Socket struct {
	Protocol string `json:"protocol"` // tcp, tcp6, udp, udp6, unix
	Local    string `json:"local"`    // address:port, or a path
	Listens  bool   `json:"listens"`  // others can connect to it
}

// Running is the app that keeps its files in dir, 0 when none runs. An error says that one
// runs, or may, and that nothing more can be found out here: such an app is not none.
func Running(dir string) (int, error) { return running(dir) }

// Program is what a running process is.
type Program struct {
	Path   string // its file
	SHA256 string // of that file as it was when started, hexadecimal
	Rights Rights
}

// Inspect looks at another process.
func Inspect(pid int) (Program, error) { return inspect(pid) }

// Sockets lists the network sockets of a process, and the local ones it listens at.
func Sockets(pid int) ([]Socket, error) { return sockets(pid) }
