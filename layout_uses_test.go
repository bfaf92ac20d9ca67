// SPDX-License-Identifier: Apache-2.0

package assist_test

import (
	"slices"
	"strings"
	"testing"
)

// mayUse lists whose code each package may use besides its own module's: every library,
// and of the standard library what reaches networks, programs or databases. An entry that
// ends in "/..." stands for all below it. A new one is a change of design: it needs the
// purpose that its package has in mayImport, and a page in docs/decisions when it is a
// library. Reading and driving a desktop are named here alone: xtest, shm, kbinani, robotgo.
var mayUse = map[string][]string{
	"cmd/assist": {"fyne.io/fyne/v2", "fyne.io/fyne/v2/app", "fyne.io/fyne/v2/lang", "github.com/jezek/xgb", "net", "syscall"},
	"cmd/assist-bench": {"github.com/jezek/xgb", "github.com/jezek/xgb/shm", "github.com/jezek/xgb/xproto", "github.com/jezek/xgb/xtest",
		"golang.org/x/image/...", "golang.org/x/sys/unix", "net", "os/exec"},
	"cmd/assist-server": {"github.com/boombuler/barcode/...", "golang.org/x/term", "syscall"},
	"internal/capture": {"github.com/jezek/xgb/damage", "github.com/jezek/xgb/shm", "github.com/jezek/xgb/xfixes", "github.com/jezek/xgb/xproto",
		"github.com/kbinani/screenshot", "golang.org/x/sys/unix"},
	"internal/config":   {"github.com/pelletier/go-toml/v2"},
	"internal/tomlline": {"github.com/pelletier/go-toml/v2/unstable"},
	"internal/input": {"github.com/go-vgo/robotgo/...", "github.com/jezek/xgb", "github.com/jezek/xgb/res", "github.com/jezek/xgb/xproto",
		"github.com/jezek/xgb/xtest", "golang.org/x/sys/windows", "os/exec", "syscall"},
	"internal/journal": {"database/sql", "golang.org/x/mod/sumdb/tlog"},
	"internal/lamp": {"github.com/jezek/xgb/randr", "github.com/jezek/xgb/render", "github.com/jezek/xgb/shape", "github.com/jezek/xgb/xproto",
		"golang.org/x/image/..."},
	"internal/peer": {"github.com/pion/datachannel", "github.com/pion/dtls/v3/...", "github.com/pion/ice/v4", "github.com/pion/interceptor/...",
		"github.com/pion/logging", "github.com/pion/rtcp", "github.com/pion/rtp/...", "github.com/pion/sdp/v3", "github.com/pion/transport/v4/...",
		"github.com/pion/webrtc/v4", "net"},
	"internal/photo": {"golang.org/x/image/..."},
	"internal/presence": {"github.com/godbus/dbus/v5", "github.com/jezek/xgb/dpms", "github.com/jezek/xgb/screensaver",
		"github.com/jezek/xgb/xproto", "golang.org/x/sys/unix", "golang.org/x/sys/windows"},
	"internal/process":    {"golang.org/x/sys/unix", "golang.org/x/sys/windows", "net"},
	"internal/rendezvous": {"crypto/tls", "github.com/coder/websocket", "net", "net/http"},
	"internal/server": {"crypto/tls", "database/sql", "github.com/coder/websocket", "github.com/nats-io/nats-server/v2/server",
		"github.com/nats-io/nats.go", "github.com/pelletier/go-toml/v2", "github.com/pion/stun/v4", "github.com/pires/go-proxyproto", "github.com/pquerna/otp/...",
		"golang.org/x/crypto/argon2", "golang.org/x/crypto/chacha20poly1305", "golang.org/x/sys/unix", "golang.org/x/time/rate", "modernc.org/sqlite", "net", "net/http", "syscall"},
	"internal/trust": {"golang.org/x/crypto/argon2", "golang.org/x/crypto/chacha20poly1305", "golang.org/x/mod/sumdb/note",
		"golang.org/x/mod/sumdb/tlog", "net"},
	"internal/ui": {"fyne.io/fyne/v2/...", "github.com/boombuler/barcode/...", "net"},
	"internal/ui/view": {"fyne.io/fyne/v2/...", "github.com/go-gl/gl/v2.1/gl", "github.com/go-gl/glfw/v3.4/glfw", "github.com/jezek/xgb",
		"github.com/jezek/xgb/shm", "github.com/jezek/xgb/xproto", "golang.org/x/sys/unix"},
	"internal/x11":   {"github.com/jezek/xgb", "github.com/jezek/xgb/randr", "github.com/jezek/xgb/xproto", "net"},
	"scripts/checks": {"github.com/securego/gosec/v2/...", "golang.org/x/tools/go/packages"},
}

// able are packages of the standard library that reach beyond the process, with all
// below them; free are those of them that only take text apart.
var (
	able = []string{"net", "os/exec", "log/syslog", "crypto/tls", "plugin", "syscall", "database/sql", "testing"}
	free = []string{"net/netip", "net/url"}
)

func (s *source) checkUses() {
	if _, bound := onlyOf[s.dir]; s.test || bound {
		return
	}
	for name, i := range s.imports() {
		if strings.HasPrefix(name, module) || slices.Contains(free, name) {
			continue
		}
		reaches := begins(name, ".") || slices.ContainsFunc(able, func(rule string) bool { return begins(name, rule) })
		if reaches && !slices.ContainsFunc(mayUse[s.dir], func(rule string) bool { return covers(rule, name) }) {
			s.fail(i.Pos(), "%s may not use %s: see mayUse", s.dir, name)
		}
	}
}

// covers reports whether an entry of mayUse lets a package use another.
func covers(rule, name string) bool {
	family, all := strings.CutSuffix(rule, "/...")
	return name == family || all && strings.HasPrefix(name, family+"/")
}

// An entry that nothing uses is an open door.
func TestUsesAreUsed(t *testing.T) {
	all := sources(t)
	for dir, list := range mayUse {
		for _, rule := range list {
			used := slices.ContainsFunc(all, func(s *source) bool {
				for name := range s.imports() {
					if s.dir == dir && !s.test && covers(rule, name) {
						return true
					}
				}
				return false
			})
			if !used {
				t.Errorf("%s uses nothing of %s", dir, rule)
			}
		}
	}
}
