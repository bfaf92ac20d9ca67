// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// cable is the network between the host's app and the rest: its near end is with
// the tests, its far end in a namespace where the host's app lives. Without root
// there is none, and everything is on the loopback.
type cable struct {
	space string // network namespace; empty: no cable
	near  string // interface of the tests' end
	here  string // its address
}

// layCable makes the namespace.
func layCable(t *testing.T) cable {
	if os.Getuid() != 0 {
		return cable{here: "127.0.0.1"}
	}
	pid := os.Getpid()
	net := fmt.Sprintf("10.%d.%d.", 64+pid/250%64, pid%250) // runs side by side must not meet
	c := cable{space: fmt.Sprintf("assist-e2e-%d", pid), near: fmt.Sprintf("ae2e%d", pid%100000), here: net + "1"}
	far := c.near + "h"
	run(t, nil, "ip", "netns", "add", c.space)
	t.Cleanup(func() {
		_ = exec.Command("ip", "link", "del", c.near).Run() // it may outlive its namespace
		_ = exec.Command("ip", "netns", "del", c.space).Run()
	})
	run(t, nil, "ip", "link", "add", c.near, "type", "veth", "peer", "name", far, "netns", c.space)
	run(t, nil, "ip", "addr", "add", c.here+"/30", "dev", c.near)
	run(t, nil, "ip", "link", "set", c.near, "up")
	for _, args := range []string{"link set lo up", "addr add " + net + "2/30 dev " + far, "link set " + far + " up"} {
		run(t, nil, "ip", append([]string{"-n", c.space}, strings.Fields(args)...)...)
	}
	return c
}

// cut freezes the network: nothing passes any more, and nobody is told.
func (c cable) cut(t *testing.T) {
	t.Helper()
	run(t, nil, "ip", "link", "set", c.near, "down")
	t.Cleanup(func() { c.mend(t) })
}

// mend lets everything pass again.
func (c cable) mend(t *testing.T) {
	t.Helper()
	if c.space == "" {
		return
	}
	run(t, nil, "ip", "link", "set", c.near, "up")
}

// fromHost is how many bytes the host's app has sent.
func (c cable) fromHost() (int, error) {
	b, err := os.ReadFile("/sys/class/net/" + c.near + "/statistics/rx_bytes")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}
