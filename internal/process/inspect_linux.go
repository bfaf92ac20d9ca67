// SPDX-License-Identifier: Apache-2.0

package process

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// inspect asks the kernel, not the process.
func inspect(pid int) (Program, error) {
	var p Program
	dir := fmt.Sprintf("/proc/%d/", pid)
	path, err := os.Readlink(dir + "exe")
	if err != nil {
		return p, fmt.Errorf("process: %w", err)
	}
	f, err := os.Open(dir + "exe") // the file that runs, also when another took its name
	if err != nil {
		return p, fmt.Errorf("process: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return p, fmt.Errorf("process: %w", err)
	}
	i, err := f.Stat()
	if err != nil {
		return p, fmt.Errorf("process: %w", err)
	}
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		return p, fmt.Errorf("process: %w", err)
	}
	environ, err := os.ReadFile(dir + "environ")
	if err != nil {
		return p, fmt.Errorf("process: %w", err)
	}
	p = Program{path, hex.EncodeToString(h.Sum(nil)), statusRights(string(status))}
	p.Rights.SetID = p.Rights.SetID || i.Mode()&(fs.ModeSetuid|fs.ModeSetgid) != 0
	p.Rights.Sudo = onBehalf(func(name string) string { return entry(string(environ), name) }, p.Rights.User)
	return p, nil
}

// entry is the value of a variable in an environment as the kernel shows it.
func entry(environ, name string) string {
	for one := range strings.SplitSeq(environ, "\x00") {
		if value, ok := strings.CutPrefix(one, name+"="); ok {
			return value
		}
	}
	return ""
}

// statusRights reads the rights in the status of a process. What is not there is not
// believed to be harmless.
func statusRights(status string) Rights {
	field := map[string][]string{}
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		field[name] = strings.Fields(value)
	}
	user, group := numbers(field["Uid"]), numbers(field["Gid"]) // real, effective, saved, of files
	if len(user) != 4 || len(group) != 4 {
		return Rights{User: -1, Group: -1, Elevated: true}
	}
	r := Rights{User: user[0], Group: group[0], Groups: numbers(field["Groups"]), Elevated: slices.Contains(user, 0)}
	r.SetID = len(slices.Compact(user)) > 1 || len(slices.Compact(group)) > 1
	var all uint64
	for _, name := range []string{"CapPrm", "CapEff"} {
		set, err := strconv.ParseUint(strings.Join(field[name], ""), 16, 64)
		if err != nil {
			r.Capabilities = []string{"unknown"}
			return r
		}
		all |= set
	}
	r.Capabilities = named(all)
	return r
}

func numbers(words []string) []int {
	var out []int
	for _, w := range words {
		if n, err := strconv.Atoi(w); err == nil {
			out = append(out, n)
		}
	}
	return out
}
