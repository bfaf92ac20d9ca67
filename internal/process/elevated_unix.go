// SPDX-License-Identifier: Apache-2.0

//go:build unix

package process

import "os"

func elevated() bool { return os.Geteuid() == 0 || os.Getuid() != os.Geteuid() }
