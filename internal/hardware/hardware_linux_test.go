// SPDX-License-Identifier: Apache-2.0

package hardware

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// plant makes a tree of files. A value that begins with "->" is where a link leads.
func plant(t *testing.T, parts ...map[string]string) tree {
	t.Helper()
	dir := t.TempDir()
	for _, files := range parts {
		for name, value := range files {
			full := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
				t.Fatal(err)
			}
			var err error
			if to, link := strings.CutPrefix(value, "->"); link {
				err = os.Symlink(to, full)
			} else {
				err = os.WriteFile(full, []byte(value), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return tree(dir)
}

// mounted is a root directory on a device of that number, mounted from that source.
func mounted(number, kind, source string) map[string]string {
	return map[string]string{"proc/self/mountinfo": "22 27 0:21 / /proc rw - proc proc rw\n" +
		"27 1 " + number + " /@ / rw,relatime shared:1 - " + kind + " " + source + " rw\n" +
		"30 27 0:44 / /home rw shared:2 - nfs4 server:/home rw\n"}
}

const (
	pci   = "sys/devices/pci0000:00/"
	nvme  = pci + "0000:00:06.0/0000:01:00.0/nvme/nvme0/nvme0n1/"
	sata  = pci + "0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda/"
	stick = pci + "0000:00:14.0/usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:0/block/sdb/"
)

// drive is an NVMe drive with a partition 259:2.
func drive(wwid, serial string) map[string]string {
	return map[string]string{
		nvme + "wwid": wwid + "\n", nvme + "device": "->../../nvme0",
		pci + "0000:00:06.0/0000:01:00.0/nvme/nvme0/serial": serial + "     \n",
		nvme + "nvme0n1p2/partition":                        "2\n", "sys/dev/block/259:2": "->../../devices/pci0000:00/0000:00:06.0/0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p2",
		"sys/class/block/nvme0n1p2": "->../../devices/pci0000:00/0000:00:06.0/0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p2",
	}
}

// mapped is a device-mapper device above others.
func mapped(name, number string, below ...string) map[string]string {
	at := "sys/devices/virtual/block/" + name + "/"
	files := map[string]string{at + "size": "1\n", "sys/dev/block/" + number: "->../../devices/virtual/block/" + name,
		"sys/class/block/" + name: "->../../devices/virtual/block/" + name}
	for i, to := range below {
		files[fmt.Sprintf("%sslaves/%d", at, i)] = "->../../../../../../" + to
	}
	return files
}

// card is a network device at a place on the buses.
func card(name, place string, files map[string]string) map[string]string {
	out := map[string]string{place + "vendor": "0x8086\n", "sys/class/net/" + name: "->../../" + strings.TrimPrefix(place, "sys/") + "net/" + name,
		place + "net/" + name + "/device": "->../..", place + "net/" + name + "/type": "1\n"}
	for f, v := range files {
		out[place+"net/"+name+"/"+f] = v + "\n"
	}
	return out
}

const (
	samsung  = "eui.002538ba11b73a4e"
	wired    = "3c:52:82:10:20:30"
	wireless = "a4:c3:f0:11:22:33"
)

// arm is what a processor says there: never whether it is a virtual one.
const arm = "processor\t: 0\nBogoMIPS\t: 48.00\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics\nCPU implementer\t: 0x61\n"

// firmware is who made a computer, and which.
func firmware(vendor, product string) map[string]string {
	return map[string]string{"sys/class/dmi/id/sys_vendor": vendor + "\n", "sys/class/dmi/id/product_name": product + "\n"}
}

func onboard() map[string]string {
	return card("eno1", pci+"0000:00:1f.6/", map[string]string{"address": wired, "addr_assign_type": "0"})
}

func TestMarksOfComputers(t *testing.T) {
	ssd := drive(samsung, "S5GXNX0R123456A")
	ofSSD := []string{"disk " + samsung, "disk S5GXNX0R123456A"}
	for name, c := range map[string]struct {
		files []map[string]string
		want  []string
	}{
		"a partition": {[]map[string]string{mounted("259:2", "ext4", "/dev/nvme0n1p2"), ssd, onboard()}, append(slices.Clone(ofSSD), "net "+wired)},
		"LVM in LUKS": {[]map[string]string{mounted("254:1", "ext4", "/dev/mapper/vg-root"), ssd,
			mapped("dm-1", "254:1", "sys/devices/virtual/block/dm-0"), mapped("dm-0", "254:0", nvme+"nvme0n1p2")}, ofSSD},
		"btrfs on LUKS": {[]map[string]string{mounted("0:29", "btrfs", "/dev/mapper/luks-1"), ssd, mapped("dm-0", "254:0", nvme+"nvme0n1p2"),
			{"dev/mapper/luks-1": "->../dm-0", "dev/dm-0": "", "sys/fs/btrfs/features/x": "1",
				"sys/fs/btrfs/6f5e/devices/dm-0": "->../../../../devices/virtual/block/dm-0"}}, ofSSD},
		"btrfs without a list": {[]map[string]string{mounted("0:29", "btrfs", "/dev/nvme0n1p2"), ssd, {"dev/nvme0n1p2": ""}}, ofSSD},
		"btrfs on two disks": {[]map[string]string{mounted("0:29", "btrfs", "/dev/sda"), ssd, {"dev/sda": "",
			sata + "device/wwid": "naa.5002538e40a1b2c3\n", "sys/class/block/sda": "->../../" + strings.TrimPrefix(sata, "sys/"),
			"sys/fs/btrfs/6f5e/devices/sda":       "->../../../../" + strings.TrimPrefix(sata, "sys/"),
			"sys/fs/btrfs/6f5e/devices/nvme0n1p2": "->../../../../" + strings.TrimPrefix(nvme, "sys/") + "nvme0n1p2"}},
			append(slices.Clone(ofSSD), "disk naa.5002538e40a1b2c3")},
		"RAID of two": {[]map[string]string{mounted("9:0", "ext4", "/dev/md0"), ssd, mapped("md0", "9:0", sata, nvme),
			{sata + "device/wwid": "t10.ATA     ST1000    Z1D5 \n"}}, append([]string{"disk t10.ATA ST1000 Z1D5"}, ofSSD...)},
		"a stick": {[]map[string]string{mounted("8:16", "ext4", "/dev/sdb"), {stick + "device/wwid": "naa.60a98000486e2f34\n",
			"sys/dev/block/8:16": "->../../" + strings.TrimPrefix(stick, "sys/")}}, []string{"disk naa.60a98000486e2f34"}},
		"a board with a card": {[]map[string]string{mounted("179:2", "ext4", "/dev/root"), {
			"sys/devices/platform/emmc2/mmc_host/mmc0/mmc0:aaaa/cid":                        "1b534d454231515430a1b2c3d4e5f601\n",
			"sys/devices/platform/emmc2/mmc_host/mmc0/mmc0:aaaa/block/mmcblk0/device":       "->../../../mmc0:aaaa",
			"sys/devices/platform/emmc2/mmc_host/mmc0/mmc0:aaaa/block/mmcblk0/p2/partition": "2\n",
			"sys/dev/block/179:2":                        "->../../devices/platform/emmc2/mmc_host/mmc0/mmc0:aaaa/block/mmcblk0/p2",
			"sys/firmware/devicetree/base/serial-number": "10000000a1b2c3d4\x00"}},
			[]string{"board 10000000a1b2c3d4", "disk 1b534d454231515430a1b2c3d4e5f601"}},
		"a laptop with ARM": {[]map[string]string{mounted("259:2", "ext4", "/dev/nvme0n1p2"), ssd, firmware("LENOVO", "21BX0000"), {"proc/cpuinfo": arm,
			nvme + "device/model": "SAMSUNG MZVL2512", "sys/firmware/devicetree/base/compatible": "lenovo,thinkpad-x13s\x00qcom,sc8280xp\x00"}}, ofSSD},
		"nothing to read":  {[]map[string]string{{"etc/hostname": "x"}}, nil},
		"a container":      {[]map[string]string{mounted("0:50", "overlay", "overlay"), ssd, {"sys/class/net/eth0": "->../../devices/virtual/net/eth0", "sys/devices/virtual/net/eth0/address": wired}}, nil},
		"a device unknown": {[]map[string]string{mounted("259:9", "ext4", "/dev/x"), ssd}, nil},
		"a link in a circle": {[]map[string]string{mounted("254:0", "ext4", "/dev/dm-0"), mapped("dm-0", "254:0", "sys/devices/virtual/block/dm-1"),
			mapped("dm-1", "254:1", "sys/devices/virtual/block/dm-0")}, nil},
		"a later root covers": {[]map[string]string{{"proc/self/mountinfo": "1 1 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 259:2 / / rw - ext4 /dev/nvme0n1p2 rw\nnonsense\n"}, ssd}, ofSSD},
	} {
		t.Run(name, func(t *testing.T) {
			got := plant(t, c.files...).marks()
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A virtual machine says by its firmware what it is where its processor does not; its disk,
// whatever it looks like, has the number of the one that it was cloned from.
func TestGuestsDisksAreNoMarks(t *testing.T) {
	for name, told := range map[string]map[string]string{
		"VMware":        firmware("VMware, Inc.", "VMware20,1"),
		"Parallels":     firmware("Parallels International GmbH.", "Parallels ARM Virtual Machine"),
		"QEMU":          firmware("QEMU", "QEMU Virtual Machine"),
		"KVM":           firmware("Red Hat", "KVM"),
		"VirtualBox":    firmware("innotek GmbH", "VirtualBox"),
		"Hyper-V":       firmware("Microsoft Corporation", "Virtual Machine"),
		"of Apple's":    firmware("Apple Inc.", "Apple Virtualization Generic Platform"),
		"in a cloud":    firmware("Amazon EC2", "m6g.large"),
		"device tree":   {"sys/firmware/devicetree/base/compatible": "linux,dummy-virt\x00"},
		"Xen":           {"sys/firmware/devicetree/base/hypervisor/compatible": "xen,xen-4.17\x00xen,xen\x00"},
		"drive's model": {nvme + "device/model": "QEMU NVMe Ctrl                          \n"},
		"drive's maker": {nvme + "device/vendor": "VBOX    \n"},
		"card's name":   {nvme + "device/name": "QEMU!\n"},
	} {
		got := plant(t, mounted("259:2", "ext4", "/dev/nvme0n1p2"), drive(samsung, "VMware NVME_0000"), told, map[string]string{"proc/cpuinfo": arm}).marks()
		if len(got) != 0 {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// What several computers may have in common is no mark of one.
func TestMarksThatAreNoOnesOwn(t *testing.T) {
	root := mounted("259:2", "ext4", "/dev/nvme0n1p2")
	virtio := pci + "0000:00:02.0/virtio1/block/vda/"
	for name, files := range map[string][]map[string]string{
		"drive without a number": {root, drive("eui.0000000000000000", "00000000")},
		"drive with any number":  {root, drive("nvme.1.2", "0123456789ABCDEF")},
		"drive of a guest":       {root, drive(samsung, "VMware NVME_0000"), {"proc/cpuinfo": "processor : 0\nflags\t\t: fpu sse2 hypervisor lahf_lm\n"}},
		"virtual drive": {mounted("252:0", "ext4", "/dev/vda"), {virtio + "serial": "template-disk-7", virtio + "wwid": "naa.600224801122",
			"sys/dev/block/252:0": "->../../" + strings.TrimPrefix(virtio, "sys/")}},
		"dock on USB": {card("enx1", pci+"0000:00:14.0/usb2/2-1/2-1:1.0/", map[string]string{"address": wired, "addr_assign_type": "0"})},
		"dock on Thunderbolt": {card("enp9s0", pci+"0000:00:07.0/0000:03:00.0/", map[string]string{"address": wired, "addr_assign_type": "0"}),
			{pci + "0000:00:07.0/0000:03:00.0/removable": "removable\n", pci + "0000:00:07.0/removable": "fixed\n"}},
		"bridge":              {{"sys/class/net/br0": "->../../devices/virtual/net/br0", "sys/devices/virtual/net/br0/address": wired, "sys/devices/virtual/net/br0/addr_assign_type": "0"}},
		"address made up":     {card("eno1", pci+"0000:00:1f.6/", map[string]string{"address": wired, "addr_assign_type": "3"})},
		"address of a group":  {card("eno1", pci+"0000:00:1f.6/", map[string]string{"address": "01:00:5e:10:20:30", "addr_assign_type": "0"})},
		"address of nobody":   {card("eno1", pci+"0000:00:1f.6/", map[string]string{"address": "00:00:00:00:00:00", "addr_assign_type": "0"})},
		"address of any QEMU": {card("eno1", pci+"0000:00:1f.6/", map[string]string{"address": "52:54:00:12:34:56", "addr_assign_type": "0"})},
		"no address":          {card("eno1", pci+"0000:00:1f.6/", map[string]string{"address": "a4:c3", "addr_assign_type": "0"})},
		"another network":     {card("ib0", pci+"0000:00:1f.6/", map[string]string{"address": wired, "addr_assign_type": "0", "type": "32"})},
		"board without one":   {{"sys/firmware/devicetree/base/serial-number": "0000000000000000\x00"}},
		"endless number":      {{"sys/firmware/devicetree/base/serial-number": strings.Repeat("1a2b", 100)}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := plant(t, files...).marks(); len(got) != 0 {
				t.Errorf("got %q", got)
			}
		})
	}
}

// Wi-Fi and bonds show made-up addresses; the maker's stands beside.
func TestMakersAddressBesideAMadeUpOne(t *testing.T) {
	got := plant(t, card("wlan0", pci+"0000:00:14.3/", map[string]string{"address": "7a:00:11:22:33:44", "addr_assign_type": "3", "phy80211/macaddress": wireless}),
		card("mon0", pci+"0000:00:14.3/", map[string]string{"address": "7a:00:11:22:33:45", "addr_assign_type": "1", "phy80211/macaddress": wireless}),
		card("eno1", pci+"0000:00:1f.6/", map[string]string{"address": "7a:00:11:22:33:46", "addr_assign_type": "3", "bonding_slave/perm_hwaddr": wired})).marks()
	if want := []string{"net " + wired, "net " + wireless}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMarksAreBounded(t *testing.T) {
	var all []map[string]string
	for i := range 3 * maxMarks {
		all = append(all, card(fmt.Sprintf("eth%d", i), fmt.Sprintf("%s0000:01:00.%d/", pci, i),
			map[string]string{"address": fmt.Sprintf("3c:52:82:00:1f:%02x", i), "addr_assign_type": "0"}))
	}
	if got := plant(t, all...).marks(); len(got) != maxMarks {
		t.Errorf("%d marks", len(got))
	}
}

// This computer, whatever it is, can be asked.
func TestMarksOfThisComputer(t *testing.T) {
	if first, again := Marks(), Marks(); !slices.Equal(first, again) || len(first) > maxMarks {
		t.Errorf("%d marks, then %d", len(first), len(again))
	}
	if got := tree("/nowhere/at/all").marks(); got != nil {
		t.Errorf("got %q", got)
	}
}
