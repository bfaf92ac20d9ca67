// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"assist/internal/wire"
)

// Text returns the text of a key with each {name} replaced; pairs are name, value,
// name, value. A key without a text is its own text.
type Text func(key string, pairs ...string) string

// clock is a duration as minutes:seconds.
func clock(d time.Duration) string {
	s := int(max(d, 0) / time.Second)
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

// rate is a bit rate in the unit that suits it.
func (t Text) rate(bits int) string {
	if bits < 1_000_000 {
		return t("view.stats.kbit", "n", strconv.Itoa((bits+500)/1000))
	}
	n := strconv.FormatFloat(float64(bits)/1e6, 'f', 1, 64)
	return t("view.stats.mbit", "n", strings.Replace(n, ".", t("view.decimal"), 1))
}

// line is the figures of the status line.
func (t Text) line(s Stats) string {
	way := "view.stats.direct"
	if s.Relayed {
		way = "view.stats.relayed"
	}
	parts := []string{t("view.stats.fps", "n", strconv.Itoa(int(s.FPS+0.5)))}
	if s.Delay > 0 { // zero: not measured yet
		ms := max(1, s.Delay.Round(time.Millisecond).Milliseconds())
		parts = append(parts, t("view.stats.delay", "n", strconv.FormatInt(ms, 10)))
	}
	parts = append(parts, t.rate(s.Bitrate), t(way))
	if s.Codec != "" {
		parts = append(parts, s.Codec)
	}
	return strings.Join(parts, " · ")
}

// frozen says why the picture stands still; empty while it does not.
func (t Text) frozen(s State, now time.Time) string {
	if !s.Silent.IsZero() {
		return t("view.frozen.silent", "n", strconv.Itoa(int(now.Sub(s.Silent)/time.Second)))
	}
	switch s.Pictures {
	case wire.PauseNone:
		return ""
	case wire.PauseUser:
		return t("view.frozen.user")
	case wire.PauseLamp:
		return t("view.frozen.lamp")
	case wire.PauseDialog:
		return t("view.frozen.dialog")
	}
	return t("view.frozen.other")
}

// held says why mouse and keyboard have no effect for now; empty while they have.
func (t Text) held(c wire.PauseCause) string {
	switch c {
	case wire.PauseNone:
		return ""
	case wire.PauseUser:
		return t("view.held.user")
	case wire.PauseLamp:
		return t("view.held.lamp")
	case wire.PauseLocalInput:
		return t("view.held.local")
	case wire.PauseDialog:
		return t("view.held.dialog")
	case wire.PausePresence:
		return t("view.held.presence")
	}
	return t("view.held.other")
}

// ended says why the session ended.
func (t Text) ended(r wire.EndReason) string {
	switch r {
	case wire.EndUserCut:
		return t("view.end.cut")
	case wire.EndHostClosed:
		return t("view.end.closed")
	case wire.EndTechnician, wire.EndCancelled:
		return t("view.end.technician")
	case wire.EndNetworkLost, wire.EndTechnicianLost:
		return t("view.end.network")
	case wire.EndLampLost:
		return t("view.end.lamp")
	case wire.EndExpired:
		return t("view.end.expired")
	case wire.EndLocked:
		return t("view.end.locked")
	case wire.EndScreenLost:
		return t("view.end.screen")
	case wire.EndServerStopped:
		return t("view.end.server")
	case wire.EndPresence:
		return t("view.end.presence")
	case wire.EndReported:
		return t("view.end.reported")
	case wire.EndRevoked:
		return t("view.end.revoked")
	case wire.EndInputOff:
		return t("view.end.inputOff")
	}
	return t("view.end.other", "code", strconv.Itoa(int(r)))
}
