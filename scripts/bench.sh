#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Measures a session between two real apps from outside, on two virtual displays, and
# TigerVNC in the same run. Leaves out/bench.txt and out/bench.json. Arguments go to
# assist-bench, in place of the rivals: scripts/bench.sh -duration 5s
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p out

# What TigerVNC is made of; without it the rivals are left out.
rivals="tigervnc-viewer tigervnc-scraping-server tigervnc-standalone-server"

install_rivals() {
  command -v X0tigervnc >/dev/null && command -v Xtigervnc >/dev/null && command -v xtigervncviewer >/dev/null && return 0
  printf 'To be installed, for comparison: %s\n' "$rivals" >&2
  local root=sudo
  [ "$(id -u)" = 0 ] && root=
  # shellcheck disable=SC2086
  $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $rivals >&2
}

conditions() {
  local model
  model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort -u | head -n 1)
  printf '%s: %s, %s cores, load %s\n' "$1" "${model:-unknown processor}" "$(nproc)" "$(cut -d' ' -f1-3 /proc/loadavg)"
}

arguments=$*
if [ $# = 0 ]; then
  arguments="-rival x0vncserver,xvnc"
  install_rivals || arguments=""
fi
before=$(conditions before)
ASSIST_BENCH="$PWD/out/bench.txt" ASSIST_BENCH_ARGS="-json $PWD/out/bench.json $arguments" \
  go test -v -tags e2e -count 1 -timeout 15m -run '^TestBench$' ./e2e >&2
printf '%s\n%s\n' "$before" "$(conditions after)" >>out/bench.txt
cat out/bench.txt
