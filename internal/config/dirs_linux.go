// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"path/filepath"
)

func machineDir() string { return "/etc/assist" }

// dataDir follows the XDG base directory specification.
func dataDir(configDir string) string {
	if d := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "assist")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "share", "assist")
	}
	return filepath.Join(configDir, "assist")
}
