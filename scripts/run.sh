#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Opens the app where there is a display; elsewhere plays the demo.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  exec bin/assist "$@"
fi
printf 'No display here: a whole intervention is played between two virtual ones instead.\n'
exec make demo
