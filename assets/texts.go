// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Text returns the text of a key with each {name} replaced; pairs are name,
// value, name, value. A key without a text is its own text.
type Text func(key string, pairs ...string) string

// Texts reads the texts that one part of the app has in one language, from
// i18n/<part>.<language>.json.
func Texts(part, language string) (Text, error) {
	b, err := I18n.ReadFile("i18n/" + part + "." + language + ".json")
	if err != nil {
		return nil, fmt.Errorf("assets: read the texts: %w", err)
	}
	var texts map[string]string
	if err := json.Unmarshal(b, &texts); err != nil {
		return nil, fmt.Errorf("assets: read the texts of %s in %s: %w", part, language, err)
	}
	return func(key string, pairs ...string) string {
		t, ok := texts[key]
		if !ok {
			return key
		}
		return fill(t, pairs)
	}, nil
}

// fill replaces in one pass, so that a value which holds braces stays as it is.
func fill(text string, pairs []string) string {
	named := make([]string, len(pairs)/2*2)
	for i := 0; i+1 < len(pairs); i += 2 {
		named[i], named[i+1] = "{"+pairs[i]+"}", pairs[i+1]
	}
	return strings.NewReplacer(named...).Replace(text)
}
