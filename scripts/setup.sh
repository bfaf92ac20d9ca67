#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what building (and, with "test", testing) Assist needs on Debian 12 or
# Ubuntu 24.04: says what is missing first, then asks for sudo once.
#
#   scripts/setup.sh build        compiler, C libraries
#   scripts/setup.sh run          and, where there is no display, what the demo draws on
#   scripts/setup.sh test         and the X servers and tools that the tests drive
set -euo pipefail

build_packages="gcc g++ make pkg-config git ca-certificates
  libgl1-mesa-dev libegl-dev libx11-dev libxcursor-dev libxrandr-dev libxinerama-dev libxi-dev
  libxxf86vm-dev libwayland-dev libxkbcommon-dev libaom-dev libdav1d-dev libyuv-dev"
test_packages="xvfb xserver-xephyr xserver-xorg-core xserver-xorg-video-dummy xdotool openbox xterm xauth dbus
  x11-utils x11-xserver-utils x11-xkb-utils xkb-data x11-apps libgl1-mesa-dri fonts-dejavu-core
  imagemagick iproute2 procps"

say() { printf '%s\n' "$*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

missing_of() {
  local p
  for p in "$@"; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$p"
  done
}

# The Go toolchain of go.mod is fetched by any Go from 1.21 on.
go_is_recent() {
  command -v go >/dev/null 2>&1 || return 1
  local minor
  # Asked outside the module: inside, an older Go goes for the toolchain of go.mod first.
  minor=$(cd / && GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
  [ -n "$minor" ] && [ "$minor" -ge 21 ]
}

install_go() {
  go_is_recent && return 0
  say "Go 1.21 or newer is missing."
  # shellcheck disable=SC1091
  local release; release=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
  if [ "$release" = bookworm ]; then
    # Debian 12's own Go is too old; its backports come from the same mirror as the rest.
    local mirror; mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' | head -n 1)
    printf 'deb %s bookworm-backports main\n' "$mirror" |
      as_root tee /etc/apt/sources.list.d/assist-backports.list >/dev/null
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q -t bookworm-backports golang-go
  else
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q golang-go
  fi
  go_is_recent || { say "This system's Go is older than 1.21: install a newer one, then start again."; exit 1; }
}

main() {
  local wanted=$build_packages
  case "${1:-build}" in
    test) wanted="$wanted $test_packages" ;;
    run) [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || wanted="$wanted $test_packages" ;;
  esac
  command -v apt-get >/dev/null || {
    say "Only Debian and Ubuntu are set up by themselves. Elsewhere, install the equivalents of:"; say "$wanted"; exit 1; }
  local missing
  # shellcheck disable=SC2086
  missing=$(missing_of $wanted)
  if [ -n "$missing" ]; then
    say "To be installed: $missing"
    as_root apt-get update -q >&2
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >&2
  fi
  install_go
}

main "$@"
