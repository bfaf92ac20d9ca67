// SPDX-License-Identifier: Apache-2.0

package hardware

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// tree is the directory that /proc, /sys and /dev lie in.
type tree string

// maxValue is the length of one mark, in bytes: a SCSI name of 256 and some more.
const maxValue = 300

func (t tree) marks() []string {
	root, err := filepath.EvalSymlinks(string(t))
	if err != nil {
		return nil
	}
	t = tree(root)
	var all []string
	for _, m := range slices.Concat(t.board(), t.disks(), t.networks()) {
		if len(all) < maxMarks && !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	return all
}

// board is the number of a board that has a device tree (ARM and the like). What firmware
// tells on a PC is for root alone, but for names of models.
func (t tree) board() []string {
	if v := t.read("/sys/firmware/devicetree/base/serial-number"); own(v) {
		return []string{"board " + v}
	}
	return nil
}

// text is what a file holds; empty when there is none, or none to be had.
func (t tree) text(path string) string {
	b, err := os.ReadFile(filepath.Join(string(t), path))
	if err != nil {
		return ""
	}
	return string(b)
}

// read is the text of a file in one line, if it is a short one.
func (t tree) read(path string) string {
	s := strings.Join(strings.Fields(strings.ReplaceAll(t.text(path), "\x00", " ")), " ")
	if len(s) > maxValue {
		return ""
	}
	return s
}

// names are those of a directory, sorted.
func (t tree) names(path string) []string {
	entries, err := os.ReadDir(filepath.Join(string(t), path))
	if err != nil {
		return nil
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// device is where a link of /sys or /dev leads; empty when it leads nowhere.
func (t tree) device(path string) string {
	full, err := filepath.EvalSymlinks(filepath.Join(string(t), path))
	if err != nil {
		return ""
	}
	rest, err := filepath.Rel(string(t), full)
	if err != nil || strings.HasPrefix(rest, "..") {
		return ""
	}
	return "/" + rest
}

func (t tree) exists(path string) bool {
	_, err := os.Lstat(filepath.Join(string(t), path))
	return err == nil
}

// under reports whether a device hangs on a bus whose name begins like one of these.
func under(device string, buses ...string) bool {
	return slices.ContainsFunc(strings.Split(device, "/"), func(part string) bool {
		return slices.ContainsFunc(buses, func(bus string) bool { return strings.HasPrefix(part, bus) })
	})
}
