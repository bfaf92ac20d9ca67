// SPDX-License-Identifier: Apache-2.0

// Package assets embeds what the programs show but do not compute: word lists,
// translations, icons. Each kind has its own file.
package assets
