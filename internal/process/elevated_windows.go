// SPDX-License-Identifier: Apache-2.0

package process

import "golang.org/x/sys/windows"

// elevated asks the process token, which says yes for "run as administrator".
func elevated() bool { return windows.GetCurrentProcessToken().IsElevated() }
