// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"image"
	"image/color"
	"math"
	"testing"
	"time"

	"assist/internal/consent"
)

func TestContrast(t *testing.T) {
	for _, driven := range []bool{false, true} {
		p := colours(driven)
		for name, pair := range map[string][2]color.RGBA{
			"text": {p.text, p.ground}, "button": {p.buttonText, p.button}, "cut": {p.cutText, p.cut},
		} {
			a, b := luminance(pair[0]), luminance(pair[1])
			if c := (max(a, b) + 0.05) / (min(a, b) + 0.05); c < 4.5 {
				t.Errorf("driven %v, %s: contrast %.2f", driven, name, c)
			}
		}
	}
}

// luminance is the relative luminance of WCAG.
func luminance(c color.RGBA) float64 {
	linear := func(v uint8) float64 {
		x := float64(v) / 255
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

func TestElapsed(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "00:00", 252*time.Second + 999*time.Millisecond: "04:12", 3852 * time.Second: "1:04:12",
	} {
		if got := elapsed(d); got != want {
			t.Errorf("%v: %s, not %s", d, got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	for from, want := range map[string]string{
		"Prénom\nNom":                  "PrénomNom",
		"a\u202eb\u200bc\x07":          "abc",
		"  x ":                         "x",
		"a\u3164\u2800b\ufe0f":         "ab",
		string(make([]byte, 100)):      "",
		"{time}":                       "{time}",
		string(repeat('é', maxName+9)): string(repeat('é', maxName)) + ellipsis,
	} {
		if got := plain(from); got != want {
			t.Errorf("%q became %q", from, got)
		}
	}
}

func repeat(r rune, n int) []rune {
	s := make([]rune, n)
	for i := range s {
		s[i] = r
	}
	return s
}

func testScene(width int) scene {
	now := time.Date(2026, 11, 21, 11, 43, 9, 0, time.UTC)
	return scene{
		status: consent.Status{
			Who: consent.Card{Name: "Prénom Nom", Unit: "INCI"}, Since: now.Add(-252 * time.Second), Rights: consent.RightView,
		},
		texts: Texts{
			Seen: "{name} ({unit}) voit vos écrans · {time}", SeenShort: "Écrans vus",
			Pause: "Pause", TakeBack: "Reprendre la main", Resume: "Reprendre", Cut: "Couper",
		},
		now: now, width: width,
	}
}

func TestWordsGoBeforeButtons(t *testing.T) {
	a, err := newArtist(100)
	if err != nil {
		t.Fatal(err)
	}
	s := testScene(0)
	for room, want := range map[int]string{
		400: "Prénom Nom (INCI) voit vos écrans · 04:12", 255: "Prénom Nom voit vos écrans · 04:12",
		215: "Prénom… voit vos écrans · 04:12", 100: "Écrans vus", 50: "04:12", 10: "",
	} {
		if got := a.sentence(s, room); got != want {
			t.Errorf("%d pixels: %q, not %q", room, got, want)
		}
	}
	for _, width := range []int{240, 320, 640, 960} {
		img, buttons := a.banner(testScene(width))
		if len(buttons) != 2 || buttons[1].act != actCut {
			t.Fatalf("width %d: buttons %+v", width, buttons)
		}
		for _, b := range buttons {
			if !b.rect.In(img.Rect) || b.rect.Overlaps(image.Rect(0, 0, 20, 32)) {
				t.Errorf("width %d: button %d at %v", width, b.act, b.rect)
			}
		}
	}
}

// While the person is asked whether they are still there, the banner asks, too, and
// still says who sees; a pause outranks it, since then nobody sees.
func TestBannerAsksIdleHands(t *testing.T) {
	x := Texts{Seen: "seen", Driven: "driven", Paused: "paused", Idle: "idle"}
	all := consent.RightView | consent.RightControl
	for want, s := range map[string]consent.Status{
		"idle":   {Rights: all, Input: consent.PausePresence},
		"paused": {Rights: all, Input: consent.PauseUser, Paused: consent.PauseUser},
		"driven": {Rights: all, Input: consent.PauseDialog},
	} {
		if got, _ := x.forms(s); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

// With one monitor each sentence is in the singular, if there is one.
func TestWordsForOneMonitor(t *testing.T) {
	x := Texts{Seen: "screens", SeenShort: "seen", Idle: "idle", Driven: "driven", SeenOne: "screen", SeenOneShort: "one seen", IdleOne: "one idle"}
	for n, want := range map[int][3]string{0: {"screens", "seen", "idle"}, 1: {"screen", "one seen", "one idle"}, 2: {"screens", "seen", "idle"}} {
		if got := x.on(n); [3]string{got.Seen, got.SeenShort, got.Idle} != want || got.Driven != "driven" {
			t.Errorf("%d monitors: %+v", n, got)
		}
	}
	if got := (Texts{Seen: "screens"}).on(1); got.Seen != "screens" {
		t.Errorf("without a singular: %+v", got)
	}
}

func TestTickerTellsForFiveSeconds(t *testing.T) {
	s := testScene(960)
	s.status.Action, s.status.ActionAt = "a demandé la souris", s.now
	for age, want := range map[time.Duration]string{
		0: "11:43 a demandé la souris", 4900 * time.Millisecond: "11:43 a demandé la souris",
		5 * time.Second: "", -time.Second: "",
	} {
		if got := ticker(s.status, s.now.Add(age)); got != want {
			t.Errorf("after %v: %q", age, got)
		}
	}
}

func TestOnlyWhatDiffersIsDrawn(t *testing.T) {
	a, err := newArtist(100)
	if err != nil {
		t.Fatal(err)
	}
	s := testScene(960)
	one, _ := a.banner(s)
	if r := differing(one, one); !r.Empty() {
		t.Errorf("alike, yet %v", r)
	}
	s.now = s.now.Add(time.Second)
	two, _ := a.banner(s)
	if r := differing(one, two); r.Empty() || area(r) > 20*30 {
		t.Errorf("a second changes %v", r)
	}
}

func area(r image.Rectangle) int { return r.Dx() * r.Dy() }
