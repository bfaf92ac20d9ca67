// SPDX-License-Identifier: Apache-2.0

package presence

// sources of a Linux desktop: the login manager, the screen savers, and the X
// server for the desktops that have neither.
func sources(o Options) []source {
	return []source{
		{"logind", runLogind},
		{"screensaver", runSaver},
		{"x11", x11Source{o.Display}.run},
	}
}
