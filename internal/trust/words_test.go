// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"fmt"
	"testing"
)

// numbered is a list of n different words.
func numbered(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("mot%04d", i)
	}
	return list
}

func TestCheckWordsDependOnBothMessages(t *testing.T) {
	list := numbered(2048)
	words := CheckWords([]byte("request"), []byte("pledge"), list)
	if again := CheckWords([]byte("request"), []byte("pledge"), list); again != words {
		t.Errorf("%v and then %v", words, again)
	}
	for name, other := range map[string][3]string{
		"another request": CheckWords([]byte("requesT"), []byte("pledge"), list),
		"another pledge":  CheckWords([]byte("request"), []byte("pledgE"), list),
		"swapped":         CheckWords([]byte("pledge"), []byte("request"), list),
		"moved boundary":  CheckWords([]byte("requestp"), []byte("ledge"), list),
	} {
		if other == words {
			t.Errorf("%s: the same words", name)
		}
	}
	if CheckWords(nil, nil, nil) != [3]string{} {
		t.Error("words out of nothing")
	}
}

// Each word should come up, and none much more often than another.
func TestCheckWordsUseTheWholeList(t *testing.T) {
	const size, rounds = 64, 4000
	list := numbered(size)
	seen := map[string]int{}
	for i := range rounds {
		for _, w := range CheckWords([]byte{byte(i), byte(i >> 8)}, nil, list) {
			seen[w]++
		}
	}
	mean := 3 * rounds / size
	for _, w := range list {
		if n := seen[w]; n < mean/2 || n > mean*2 {
			t.Errorf("%s came up %d times, mean %d", w, n, mean)
		}
	}
}
