// SPDX-License-Identifier: Apache-2.0

package process

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// harmless are the capabilities that desktops hand to every session: to wake the
// computer up at a set time.
const harmless = 1 << unix.CAP_WAKE_ALARM

// capabilityNames are those of the kernel's header, in its order.
const capabilityNames = "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable " +
	"net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace " +
	"sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control " +
	"setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore"

// capabilityName is the name of one, also where the kernel is newer than this list.
func capabilityName(bit int) string {
	if names := strings.Fields(capabilityNames); bit < len(names) {
		return "cap_" + names[bit]
	}
	return fmt.Sprintf("cap_%d", bit)
}

// capabilities names those that this process has or could take, but for harmless
// ones. Where they cannot be read, that is what is told.
func capabilities() []string {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData // low and high half
	if err := unix.Capget(&header, &data[0]); err != nil {
		return []string{"unknown"}
	}
	low, high := data[0].Effective|data[0].Permitted, data[1].Effective|data[1].Permitted
	return named(uint64(high)<<32 | uint64(low))
}

// named names the capabilities of a set, but for harmless ones.
func named(set uint64) []string {
	var names []string
	for bit := range 64 {
		if set&^harmless&(1<<bit) != 0 {
			names = append(names, capabilityName(bit))
		}
	}
	return names
}
