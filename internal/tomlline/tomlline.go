// SPDX-License-Identifier: Apache-2.0

// Package tomlline finds where in a configuration a key stands, so that an error can name the
// line.
package tomlline

import (
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// Of finds the line on which a dotted key is set, whichever way it is written, or
// else the one of the table that should hold it; 0 if neither is there.
func Of(text []byte, key string) int {
	var p unstable.Parser
	p.Reset(text)
	table, line, depth := "", 0, 0
	// look keeps the line of the longest part of the key, and reads inline tables.
	var look func(in string, n *unstable.Node)
	look = func(in string, n *unstable.Node) {
		name, at := in, 0
		for it := n.Key(); it.Next(); {
			name += string(it.Node().Data) + "."
			at = p.Shape(it.Node().Raw).Start.Line
		}
		if strings.HasPrefix(key+".", name) && len(name) > depth {
			line, depth = at, len(name)
		}
		if n.Kind != unstable.KeyValue {
			table = name
		} else if v := n.Value(); v.Kind == unstable.InlineTable {
			for it := v.Children(); it.Next(); {
				look(name, it.Node())
			}
		}
	}
	for p.NextExpression() {
		in := table
		if p.Expression().Kind != unstable.KeyValue {
			in = ""
		}
		look(in, p.Expression())
	}
	return line
}
