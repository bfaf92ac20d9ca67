// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !windows

package config

import "path/filepath"

func machineDir() string { return "/Library/Application Support/Assist" }

func dataDir(configDir string) string { return filepath.Join(configDir, "assist") }
