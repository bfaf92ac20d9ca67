// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"image"
	"image/color"
	"math"

	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/render"
	"github.com/jezek/xgb/xproto"
)

const (
	// minContrast is by how much the words of a banner must differ from their ground
	// on the monitor, as WCAG counts it (1 is not at all, 21 black on white): they do at
	// a fifth of the brightness, and at half of it in the light of a candle.
	minContrast = 1.25
	// display is the gamma of monitors, nearly.
	display = 2.2
)

// scanout is a CRTC that shows a part of the desktop on a monitor.
type scanout struct {
	crtc   randr.Crtc
	area   image.Rectangle // of the desktop
	bent   bool            // it shows something else than that area, merely scaled
	proved bool            // its ramps have told all colours of banners apart before
	dark   bool            // on it the words of a banner cannot be told from their ground
}

// optics is what becomes of the desktop's pixels on their way to the monitors, which
// reading the desktop does not show: colour map, gamma ramps, transforms.
type optics struct {
	hardware bool // the server drives monitors, so its ramps mean something from the first moment on
	scanouts []scanout
}

// tone is a colour in red, green, blue, of 16 bits each, as the ramps have them.
type tone [3]uint16

// tones is the colours that a banner is read by: ground, words, and both of the button that cuts.
type tones [4]tone

func (p palette) tones() tones {
	var t tones
	for i, c := range [...]color.RGBA{p.ground, p.text, p.cut, p.cutText} {
		t[i] = tone{uint16(c.R) * 257, uint16(c.G) * 257, uint16(c.B) * 257}
	}
	return t
}

// apart reports whether a banner can be read in these colours, taken through ramps.
func (t tones) apart(r *randr.GetCrtcGammaReply) bool {
	var l [len(t)]float64
	for i, c := range t {
		l[i] = c.through(r).luminance()
	}
	return contrast(l[0], l[1]) >= minContrast && contrast(l[2], l[3]) >= minContrast
}

// through takes a colour through the ramps, if there are any.
func (c tone) through(r *randr.GetCrtcGammaReply) tone {
	if r == nil {
		return c
	}
	for i, ramp := range [...][]uint16{r.Red, r.Green, r.Blue} {
		c[i] = ramp[(int(c[i])*(len(ramp)-1)+math.MaxUint16/2)/math.MaxUint16]
	}
	return c
}

func (c tone) luminance() float64 {
	linear := func(v uint16) float64 { return math.Pow(float64(v)/math.MaxUint16, display) }
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }

// survey finds what shows the desktop, after each change of the monitors. A server
// without RandR has nothing to judge.
func (st *stage) survey() {
	before := st.optics.scanouts
	st.optics.scanouts = nil
	if _, _, err := st.c.Extension("RANDR"); err != nil {
		return
	}
	// Servers without monitors have ramps too, of no effect and with anything in them:
	// they do not have this extension.
	const hardware = "XFree86-VidModeExtension"
	ext, err := xproto.QueryExtension(st.c.X, uint16(len(hardware)), hardware).Reply()
	st.optics.hardware = err == nil && ext.Present
	res, err := randr.GetScreenResourcesCurrent(st.c.X, st.c.Root).Reply()
	if err != nil {
		return
	}
	infos := make([]randr.GetCrtcInfoCookie, len(res.Crtcs))
	forms := make([]randr.GetCrtcTransformCookie, len(res.Crtcs))
	for i, crtc := range res.Crtcs {
		infos[i] = randr.GetCrtcInfo(st.c.X, crtc, res.ConfigTimestamp)
		forms[i] = randr.GetCrtcTransform(st.c.X, crtc)
	}
	for i, crtc := range res.Crtcs {
		info, errI := infos[i].Reply()
		form, errF := forms[i].Reply()
		if errI != nil || info.Mode == 0 {
			continue // it is off
		}
		s := scanout{crtc: crtc, bent: errF == nil && !scales(form.CurrentTransform)}
		s.area = image.Rect(0, 0, int(info.Width), int(info.Height)).Add(image.Pt(int(info.X), int(info.Y)))
		for _, o := range before {
			s.proved = s.proved || o.crtc == crtc && o.proved
		}
		st.optics.scanouts = append(st.optics.scanouts, s)
	}
}

// scales reports whether a transform does nothing but make larger or smaller: what
// else it does the place of a monitor does not tell.
func scales(t render.Transform) bool {
	return t.Matrix12|t.Matrix13|t.Matrix21|t.Matrix23|t.Matrix31|t.Matrix32 == 0 &&
		t.Matrix11 > 0 && t.Matrix22 > 0 && t.Matrix33 == 1<<16
}

// develop reads what the ramps make of the banners' colours. Nothing tells of a change
// of them, so it is done at each look.
func (st *stage) develop() {
	o := &st.optics
	replies := make([]randr.GetCrtcGammaCookie, len(o.scanouts))
	for i, s := range o.scanouts {
		replies[i] = randr.GetCrtcGamma(st.c.X, s.crtc)
	}
	all := st.palettes()
	for i := range o.scanouts {
		s := &o.scanouts[i]
		r, err := replies[i].Reply()
		if err != nil || !ramps(r) {
			r = nil
		}
		apart := true
		for _, t := range all {
			apart = apart && t.apart(r)
		}
		s.proved = s.proved || r != nil && colours(false).tones().apart(r) && colours(true).tones().apart(r)
		s.dark = !apart && (s.proved || o.hardware)
	}
}

// ramps reports whether a CRTC has any. Some virtual ones tell of ramps of one step.
func ramps(r *randr.GetCrtcGammaReply) bool {
	return len(r.Red) > 1 && len(r.Green) > 1 && len(r.Blue) > 1
}

// palettes is the banners' colours, in each of the colour maps that are in force.
func (st *stage) palettes() []tones {
	own := colours(driven(st.lit.wished().status))
	installed, err := xproto.ListInstalledColormaps(st.c.X, st.c.Root).Reply()
	if err != nil {
		return []tones{own.tones()}
	}
	var all []tones
	for _, m := range installed.Cmaps {
		all = append(all, st.mapped(m, own))
	}
	return all
}

// mapped is the banners' colours in a colour map. In that of the banners they are
// what they are; a program's own one may make anything of them.
func (st *stage) mapped(m xproto.Colormap, p palette) tones {
	t := p.tones()
	if m == st.c.Screen.DefaultColormap {
		return t
	}
	var pixels []uint32
	for _, c := range t {
		pixels = append(pixels, pixel([3]uint8{uint8(c[0] >> 8), uint8(c[1] >> 8), uint8(c[2] >> 8)}))
	}
	r, err := xproto.QueryColors(st.c.X, m, pixels).Reply()
	if err != nil || len(r.Colors) < len(t) {
		return t // it is gone
	}
	for i := range t {
		t[i] = tone{r.Colors[i].Red, r.Colors[i].Green, r.Colors[i].Blue}
	}
	return t
}

// reaches reports whether a banner that the desktop shows can be read on each of the
// monitors that show it. What is not so is not mended: how bright a monitor is, is
// the person's to say.
func (st *stage) reaches(b *banner) bool {
	for _, s := range st.optics.scanouts {
		if (s.dark || s.bent) && s.area.Overlaps(b.monitor.Bounds) {
			return false
		}
	}
	return true
}
