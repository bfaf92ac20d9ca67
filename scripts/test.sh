#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Passes everything: format, vet on each system, static analysis, unit tests under the race
# detector, then the real programs on real displays. Ends with the counts.
#
#   scripts/test.sh            everything
#   scripts/test.sh unit       without the end-to-end tests
#   scripts/test.sh e2e        the end-to-end tests alone
set -uo pipefail
cd "$(dirname "$0")/.."
mkdir -p out
log=out/test.log
: >"$log"
failed=0
export CI=${CI:-true}

step() {
  printf '== %s\n' "$1"
  shift
  local begun=$SECONDS
  : >out/note
  if "$@" >>"$log" 2>&1; then
    printf '   ok (%d s)%s\n' $((SECONDS - begun)) "$(cat out/note)"
  else
    printf '   FAILED (%d s)\n' $((SECONDS - begun))
    failed=1
  fi
}

formatted() {
  local bad
  bad=$(git ls-files '*.go' | xargs gofmt -l)
  [ -z "$bad" ] || { printf 'not gofmt-clean: %s\n' "$bad"; return 1; }
}

# Other systems: type-checked without C. Fyne has no darwin driver without C, so the
# packages that hold its windows are left out there.
other_systems() {
  CGO_ENABLED=0 GOOS=windows go vet -tags ci ./internal/... ./cmd/assist-server &&
    CGO_ENABLED=0 GOOS=darwin go vet ./internal/capture ./internal/consent ./internal/config ./internal/input \
      ./internal/lamp ./internal/peer ./internal/process ./internal/rendezvous ./internal/session ./internal/trust ./internal/wire
}

# The tools' versions and sums are those of scripts/checks/go.mod, which is a module of
# its own: nothing of theirs is in the programs' module.
tools() {
  go build -C scripts/checks -buildvcs=false -o ../../out/tools/ . \
    honnef.co/go/tools/cmd/staticcheck golang.org/x/vuln/cmd/govulncheck
}

lint() { out/tools/staticcheck -matrix ./... <scripts/checks/matrix.txt; }

# Rules and excuses: scripts/checks/gosec.txt.
insecure() { out/tools/checks -tags ci scripts/checks/gosec.txt; }

# Known vulnerabilities that our code can reach. GOVULNDB may name a copy of the
# database (file:///…) where vuln.go.dev is out of reach. That it cannot be fetched is
# the one failure that is let pass, and it is said.
vulnerable() {
  local said code=0
  said=$(out/tools/govulncheck ${GOVULNDB:+-db "$GOVULNDB"} -tags ci ./... 2>&1) || code=$?
  printf '%s\n' "$said"
  if [ "$code" != 0 ] && [ -z "${GOVULNDB:-}" ] &&
    grep -qE '^govulncheck: fetching vulnerabilities: .*(dial|lookup|connect|timeout|proxyconnect|Forbidden)' <<<"$said"; then
    printf ' not checked: database not reachable' >out/note
    return 0
  fi
  return "$code"
}

# -tags ci swaps the toolkit's GL driver for its software one: no display needed.
unit() { go test -race -tags ci -v -timeout 15m ./...; }

programs() {
  go build -o bin/assist ./cmd/assist &&
    go build -tags testdoor -o bin/assist-testdoor ./cmd/assist &&
    CGO_ENABLED=0 go build -o bin/assist-server ./cmd/assist-server
}

e2e() { go test -tags e2e -v -timeout 45m -count 1 ./e2e; }

what=${1:-all}
if [ "$what" != e2e ]; then
  step "format" formatted
  step "vet" go vet -tags ci ./...
  step "vet for Windows and macOS" other_systems
  step "build the checking tools" tools
  step "staticcheck" lint
  step "gosec" insecure
  step "govulncheck" vulnerable
  step "unit tests, race detector on" unit
fi
if [ "$what" != unit ]; then
  step "build the programs" programs
  step "end to end, on virtual displays" e2e
fi

if [ "$failed" != 0 ]; then
  printf '\n-- what failed\n'
  grep -nE -B 6 '^ *--- FAIL|^FAIL|^panic:|WARNING: DATA RACE|^\S+\.go:[0-9]+|not gofmt' "$log" | cut -c 1-400 | head -n 120
  printf '\n-- end of the log\n'
  tail -n 60 "$log"
fi
passed=$(grep -cE '^ *--- PASS' "$log")
broken=$(grep -cE '^ *--- FAIL' "$log")
skipped=$(grep -cE '^ *--- SKIP' "$log")
[ "$failed" = 0 ] || [ "$broken" != 0 ] || broken=1
printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$broken" "$skipped"
exit "$failed"
