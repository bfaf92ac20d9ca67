// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"path/filepath"
)

func machineDir() string { return filepath.Join(os.Getenv("ProgramData"), "Assist") }

// dataDir is %LocalAppData%: keys must not roam to other machines.
func dataDir(configDir string) string {
	if d := os.Getenv("LocalAppData"); d != "" {
		return filepath.Join(d, "Assist")
	}
	return filepath.Join(configDir, "assist")
}
