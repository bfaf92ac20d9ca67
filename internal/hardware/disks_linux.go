// SPDX-License-Identifier: Apache-2.0

package hardware

import (
	"path"
	"slices"
	"strings"
)

// Bounds of the way from the root directory to its disks.
const (
	maxDepth = 8  // partition, RAID, LUKS, LVM, and as many again
	maxDisks = 32 // looked at
)

// disks are the marks of the disks that the root directory lies on. Those of a virtual
// machine are left out: their numbers stand in the file or the template that is cloned.
func (t tree) disks() []string {
	if t.isGuest() {
		return nil
	}
	var found []string
	for _, device := range t.rootDevices() {
		found = t.leaves(device, maxDepth, found)
	}
	var all []string
	for _, disk := range found {
		if under(disk, "virtio", "vbd-", "VMBUS", "vmbus") || t.isOfGuests(disk, "device/model", "device/vendor", "device/name") {
			continue
		}
		// A kernel may learn a better name for a disk: each that it has counts.
		for _, at := range []string{"wwid", "device/wwid", "device/cid", "device/serial"} {
			if v := t.read(path.Join(disk, at)); own(v) {
				all = append(all, "disk "+v)
			}
		}
	}
	return all
}

// isGuest reports whether a processor says that it is a virtual one, as those of PCs do
// unless they were told not to, or the firmware does, which on ARM alone can.
func (t tree) isGuest() bool {
	if t.isOfGuests("/sys/class/dmi/id", "sys_vendor", "product_name") ||
		t.isOfGuests("/sys/firmware/devicetree/base", "compatible", "hypervisor/compatible") {
		return true
	}
	for line := range strings.Lines(t.text("/proc/cpuinfo")) {
		if name, flags, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "flags" {
			return slices.Contains(strings.Fields(flags), "hypervisor")
		}
	}
	return false
}

// isOfGuests reports whether one of these files names something that virtual machines alone
// are, or are made of. A real one that is taken for it has its network addresses left.
func (t tree) isOfGuests(dir string, files ...string) bool {
	makers := []string{"virt", "qemu", "kvm", "vmware", "vbox", "innotek", "parallels", "xen", "bochs", "bhyve", "amazon ec2", "google compute", "openstack"}
	return slices.ContainsFunc(files, func(file string) bool {
		told := strings.ToLower(t.text(path.Join(dir, file)))
		return slices.ContainsFunc(makers, func(m string) bool { return strings.Contains(told, m) })
	})
}

// rootDevices are the block devices that the root directory is mounted from.
func (t tree) rootDevices() []string {
	number, source := t.rootMount()
	if !strings.HasPrefix(number, "0:") {
		return []string{t.device(path.Join("/sys/dev/block", number))}
	}
	// Btrfs has no number of its own: by one of its devices the others are found.
	name := path.Base(t.device(source))
	if !strings.HasPrefix(source, "/dev/") || !t.exists(path.Join("/sys/class/block", name)) {
		return nil
	}
	for _, unit := range t.names("/sys/fs/btrfs") {
		dir := path.Join("/sys/fs/btrfs", unit, "devices")
		members := t.names(dir)
		if !slices.Contains(members, name) {
			continue
		}
		for i, m := range members {
			members[i] = t.device(path.Join(dir, m))
		}
		return members
	}
	return []string{t.device(path.Join("/sys/class/block", name))}
}

// rootMount is the number and the source of what is mounted at "/", the last if several.
func (t tree) rootMount() (number, source string) {
	for line := range strings.Lines(t.text("/proc/self/mountinfo")) {
		head, tail, _ := strings.Cut(line, " - ")
		h, s := strings.Fields(head), strings.Fields(tail)
		if len(h) > 4 && len(s) > 1 && h[4] == "/" {
			number, source = h[2], s[1]
		}
	}
	return number, source
}

// leaves adds the disks that a block device is made of: partitions lie in one, and what
// is mapped (LUKS, LVM, RAID) names those below it.
func (t tree) leaves(device string, depth int, found []string) []string {
	if device == "" || depth == 0 || len(found) == maxDisks {
		return found
	}
	if t.exists(path.Join(device, "partition")) {
		return t.leaves(path.Dir(device), depth-1, found)
	}
	below := t.names(path.Join(device, "slaves"))
	for _, name := range below {
		found = t.leaves(t.device(path.Join(device, "slaves", name)), depth-1, found)
	}
	if len(below) > 0 || slices.Contains(found, device) {
		return found
	}
	return append(found, device)
}
