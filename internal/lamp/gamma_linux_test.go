// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"image"
	"log/slog"
	"math"
	"testing"

	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/render"
	"github.com/jezek/xgb/xproto"

	"assist/internal/x11/x11test"
)

// glow is what a monitor makes of red, green and blue: 1 is as they are.
type glow func(v float64) [3]float64

// dimmed is a monitor of that brightness in the light of that colour, as xrandr and redshift
// set it.
func dimmed(brightness float64, colour [3]float64) glow {
	return func(v float64) [3]float64 {
		return [3]float64{v * brightness * colour[0], v * brightness * colour[1], v * brightness * colour[2]}
	}
}

func even(f func(float64) float64) glow {
	return func(v float64) [3]float64 { return [3]float64{f(v), f(v), f(v)} }
}

var (
	daylight = [3]float64{1, 1, 1}
	evening  = [3]float64{1, 0.71, 0.42} // 3000 K
	candle   = [3]float64{1, 0.18, 0}    // 1000 K, the warmest that redshift has
)

// ramps is that light in so many steps.
func (l glow) ramps(steps int) *randr.GetCrtcGammaReply {
	r := &randr.GetCrtcGammaReply{}
	for i := range steps {
		c := l(float64(i) / float64(steps-1))
		r.Red = append(r.Red, uint16(c[0]*math.MaxUint16))
		r.Green = append(r.Green, uint16(c[1]*math.MaxUint16))
		r.Blue = append(r.Blue, uint16(c[2]*math.MaxUint16))
	}
	return r
}

// TestReadableThroughRamps: what people set leaves a banner readable in both its
// colours, and what hides it does not.
func TestReadableThroughRamps(t *testing.T) {
	for name, c := range map[string]struct {
		light glow
		want  bool
	}{
		"as it is":                   {dimmed(1, daylight), true},
		"half":                       {dimmed(0.5, daylight), true},
		"a fifth":                    {dimmed(0.2, daylight), true},
		"evening":                    {dimmed(1, evening), true},
		"half in the evening":        {dimmed(0.5, evening), true},
		"candle":                     {dimmed(1, candle), true},
		"half by candle":             {dimmed(0.5, candle), true},
		"xgamma 0.5":                 {even(func(v float64) float64 { return v * v }), true},
		"xgamma 2":                   {even(math.Sqrt), true},
		"inverted":                   {even(func(v float64) float64 { return 1 - v }), true},
		"black":                      {dimmed(0, daylight), false},
		"nearly black":               {dimmed(0.05, daylight), false},
		"white":                      {even(func(float64) float64 { return 1 }), false},
		"grey":                       {even(func(float64) float64 { return 0.5 }), false},
		"one colour":                 {func(float64) [3]float64 { return [3]float64{1, 0, 0} }, false},
		"washed out":                 {even(func(v float64) float64 { return 0.95 + 0.05*v }), false},
		"blue alone, a tenth bright": {dimmed(0.1, [3]float64{0, 0, 1}), false},
	} {
		for _, driven := range []bool{false, true} {
			for _, steps := range []int{256, 1024, 4096} {
				if got := colours(driven).tones().apart(c.light.ramps(steps)); got != c.want {
					t.Errorf("%s, driven %v, %d steps: readable %v", name, driven, steps, got)
				}
			}
		}
	}
	if !colours(false).tones().apart(nil) {
		t.Error("without ramps there is nothing to judge")
	}
}

// TestButtonsReadableThroughRamps: ramps that leave the words of the banner but take
// those of the button that cuts.
func TestButtonsReadableThroughRamps(t *testing.T) {
	r := dimmed(1, daylight).ramps(256)
	cut := colours(false).cut
	for i, ramp := range [][]uint16{r.Red, r.Green, r.Blue} {
		ramp[[]uint8{cut.R, cut.G, cut.B}[i]] = math.MaxUint16
	}
	if colours(false).tones().apart(r) {
		t.Error("white words on white")
	}
}

// shine sets the ramps of all CRTCs, as any client may.
func (d *desk) shine(l glow) {
	d.t.Helper()
	res, err := randr.GetScreenResourcesCurrent(d.c.X, d.c.Root).Reply()
	d.check(err)
	for _, crtc := range res.Crtcs {
		size, err := randr.GetCrtcGammaSize(d.c.X, crtc).Reply()
		d.check(err)
		r := l.ramps(int(size.Size))
		d.check(randr.SetCrtcGammaChecked(d.c.X, crtc, size.Size, r.Red, r.Green, r.Blue).Check())
	}
}

// TestNoBeatWhileDark: `xrandr --brightness 0` makes the monitor black, and leaves the
// desktop's pixels as they are.
func TestNoBeatWhileDark(t *testing.T) {
	x11test.Start(t, "900x400")
	r := lightUp(t)
	r.shine(dimmed(0.5, candle)) // this server had set no ramps before
	r.beating()
	r.shine(dimmed(0, daylight))
	r.silent(t)
	r.shine(dimmed(1, evening))
	r.beating()
}

// looking is a stage of its own, which looks when it is told to.
func looking(d *desk) *stage {
	d.t.Helper()
	st, err := newStage(Options{Texts: french(), Log: slog.New(slog.DiscardHandler)},
		newLit(seen(), look{french(), 100}), func([]image.Rectangle) {})
	d.check(err)
	d.t.Cleanup(st.close)
	return st
}

// looks is a look after all that the display has told.
func (st *stage) looks() bool {
	for len(st.events) > 0 {
		st.handle(<-st.events)
	}
	return st.check()
}

// TestDarkFromTheBeginning: a server with monitors has them dark before the lamp is
// lit, or another program's colour map makes them so.
func TestDarkFromTheBeginning(t *testing.T) {
	x11test.StartXorg(t, x11test.Evdev)
	d := newDesk(t)
	d.shine(dimmed(0, daylight))
	st := looking(d)
	all := func() bool { return st.looks() && len(st.banners) == 1 }
	never := func(why string) {
		t.Helper()
		eventually(t, "the banner is on the desktop: "+why, func() bool {
			if st.looks() {
				t.Fatalf("seen: %s", why)
			}
			for _, b := range st.banners {
				return st.matches(b, st.checked)
			}
			return false
		})
	}
	never("ramps")
	d.shine(dimmed(1, daylight))
	eventually(t, "the lamp is seen", all)
	m := d.blackMap()
	d.check(xproto.InstallColormapChecked(d.c.X, m).Check())
	never("colour map")
	d.check(xproto.UninstallColormapChecked(d.c.X, m).Check())
	eventually(t, "the lamp is seen again", all)
}

// blackMap is a colour map in which every colour is black.
func (d *desk) blackMap() xproto.Colormap {
	d.t.Helper()
	for _, depth := range d.c.Screen.AllowedDepths {
		for _, v := range depth.Visuals {
			if depth.Depth != d.c.Screen.RootDepth || v.Class != xproto.VisualClassDirectColor {
				continue
			}
			id, err := xproto.NewColormapId(d.c.X)
			d.check(err)
			d.check(xproto.CreateColormapChecked(d.c.X, xproto.ColormapAllocAll, id, d.c.Root, v.VisualId).Check())
			return id
		}
	}
	d.t.Fatal("the server has no visual with colour maps of programs")
	return 0
}

// TestOnlyScalesAreStraight: another transform shows something else than the place of
// the monitor says, so its banner may be out of sight.
func TestOnlyScalesAreStraight(t *testing.T) {
	x11test.Start(t, "900x400")
	st := looking(newDesk(t))
	eventually(t, "the lamp is seen", st.looks)
	const one = 1 << 16
	straight := render.Transform{Matrix11: one, Matrix22: one, Matrix33: one}
	for name, c := range map[string]struct {
		change func(*render.Transform)
		want   bool
	}{
		"none":         {func(*render.Transform) {}, true},
		"scale":        {func(m *render.Transform) { m.Matrix11, m.Matrix22 = 2*one, one/2 }, true},
		"further down": {func(m *render.Transform) { m.Matrix23 = 300 * one }, false},
		"further left": {func(m *render.Transform) { m.Matrix13 = -300 * one }, false},
		"sheared":      {func(m *render.Transform) { m.Matrix12 = one }, false},
		"slanted":      {func(m *render.Transform) { m.Matrix21 = one }, false},
		"keystone":     {func(m *render.Transform) { m.Matrix32 = 1 }, false},
		"keystone too": {func(m *render.Transform) { m.Matrix31 = 1 }, false},
		"mirror":       {func(m *render.Transform) { m.Matrix11 = -one }, false},
		"upside down":  {func(m *render.Transform) { m.Matrix22 = -one }, false},
		"divided":      {func(m *render.Transform) { m.Matrix33 = 2 * one }, false},
	} {
		m := straight
		c.change(&m)
		for i := range st.optics.scanouts {
			st.optics.scanouts[i].bent = !scales(m)
		}
		for _, b := range st.banners {
			if got := st.reaches(b); got != c.want {
				t.Errorf("%s: %v", name, got)
			}
		}
	}
}
