// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"os"
	"strings"
	"testing"
)

// What the journal holds is personal data: the page that a unit keeps for the data
// protection authority names each event, so that none is added in silence.
func TestPrivacyPageNamesEveryEvent(t *testing.T) {
	page, err := os.ReadFile("../../docs/fr/cnil.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range newEvents() {
		if !strings.Contains(string(page), "`"+e.Type()+"`") {
			t.Errorf("docs/fr/cnil.md does not name %s", e.Type())
		}
	}
}
