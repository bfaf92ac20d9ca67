#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Measures what cutting takes, 200 times, in every way and under every strain, on real
# programs and virtual displays. Leaves out/cuts.json and out/cuts.txt. Some 25 minutes;
# ASSIST_CUTS is another number, ASSIST_CUTS_TIME another bound.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p out
rm -f out/cuts.json
ASSIST_CUTS=${ASSIST_CUTS:-200} ASSIST_CUTS_TIME=${ASSIST_CUTS_TIME:-30m} ASSIST_CUTS_OUT="$PWD/out/cuts.json" \
  go test -v -tags e2e -count 1 -timeout 45m -run '^TestCutsUnderStrain$' ./e2e | tee out/cuts.txt
