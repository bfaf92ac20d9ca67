#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Plays a whole intervention between two real app windows on two virtual displays, as
# an ordinary user, by keyboard and mouse alone. Leaves in out/ a picture of each step
# and account.md, which says what happened and how long it took.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p out
printf 'Two apps, a server and two displays are started; this takes about a minute.\n'
ASSIST_DEMO_OUT="$PWD/out" go test -tags e2e -count 1 -timeout 10m -run '^TestWholeIntervention$' ./e2e
printf '\n'
cat out/account.md
