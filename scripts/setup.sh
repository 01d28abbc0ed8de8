#!/usr/bin/env bash
# Installs what Caravela and its tests need on Debian 12: packages, then Node modules (Node 24 among them).
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
fail() { echo "setup: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || fail "run as root: it installs packages, and containers need root"

# What runs containers, then what the demo and the tests stand on.
packages=(conmon runc crun golang-github-containers-common nftables iproute2 util-linux iputils-ping procps
  busybox-static docker-registry skopeo etcd-server ca-certificates openssl python3-docker)
# npm only fetches; what runs is the Node 24 among the modules.
command -v npm >/dev/null || packages+=(npm)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
done

if [ "${#missing[@]}" -gt 0 ]; then
  command -v apt-get >/dev/null || fail "these packages are missing and there is no apt-get: ${missing[*]}"
  say "installing Debian packages: ${missing[*]}"
  log=$(mktemp)
  guard=/usr/sbin/policy-rc.d
  made=
  trap 'rm -f "$log" ${made:+"$made"}' EXIT
  # A package's service (docker-registry has one) must not start because it was installed.
  if [ ! -e "$guard" ]; then
    made=$guard
    printf '#!/bin/sh\nexit 101\n' >"$guard"
    chmod +x "$guard"
  fi
  export DEBIAN_FRONTEND=noninteractive
  if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    fail "apt-get could not install ${missing[*]}; its last words are above"
  fi
fi

say "installing Node modules"
# The lock names what Linux with glibc needs. Newer `npm ci` refuses a lock without the packages of every other
# platform; `install` takes from it what is there, and --no-save leaves it as it is.
npm install --no-save --no-fund --no-audit --loglevel=error
node_modules/.bin/node -e 'if (parseInt(process.versions.node) < 24) throw new Error(`Node 24 is needed, found ${process.version}`)'
say "ready: Node $(node_modules/.bin/node -p process.versions.node), $(runc --version | head -n 1), $(conmon --version | head -n 1)"
