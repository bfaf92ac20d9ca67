// SPDX-License-Identifier: Apache-2.0

package x11test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// configuration is that of an Xorg without hardware, but for its devices.
const configuration = `Section "ServerFlags"
  Option "AutoAddDevices" "false"
  Option "AutoEnableDevices" "false"
  Option "DontVTSwitch" "true"
EndSection
Section "Device"
  Identifier "dummy"
  Driver "dummy"
  VideoRam 64000
EndSection
Section "Monitor"
  Identifier "any"
  HorizSync 5-1000
  VertRefresh 5-200
  Modeline "1920x1080" 173.00 1920 2048 2248 2576 1080 1083 1088 1120
EndSection
Section "Screen"
  Identifier "screen"
  Device "dummy"
  Monitor "any"
  DefaultDepth 24
  SubSection "Display"
    Depth 24
    Modes "1920x1080"
  EndSubSection
EndSection
`

// StartXorg starts an Xorg of 1920x1080 with devices, makes it $DISPLAY and ends it
// with the test. It takes root; without it the test is skipped. Where Xorg is not
// installed it is skipped too, but for a CI, where that is a failure.
func StartXorg(t testing.TB, keyboard Rules) (*Server, *Devices) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a server with devices takes root")
	}
	name, err := exec.LookPath("Xorg")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("Xorg is not installed")
		}
		t.Skip("Xorg is not installed (apt install xserver-xorg-core xserver-xorg-video-dummy)")
	}
	dir, err := os.MkdirTemp("", "x") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	file := filepath.Join(dir, "xorg.conf")
	text := configuration + Configuration(dir, keyboard)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := launch(t, name, "-config", file, "-logfile", filepath.Join(dir, "log"),
		"-noreset", "-novtswitch", "-sharevts", "-nolisten", "tcp")
	return s, Attach(t, dir)
}
