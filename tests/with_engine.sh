#!/bin/sh
# Runs a command with a container engine, if this machine can have one: the one that answers, else (root on Debian)
# one that is installed, started for the command, and stopped behind it. Without an engine the command runs all the
# same, and its container tests say that they were skipped; with CI set they fail instead.
set -u

answers() { docker version >/dev/null 2>&1; }
say() { echo "engine: $*" >&2; }

install_packages() {
    missing=""
    command -v dockerd >/dev/null || missing="$missing docker.io iptables"
    command -v debootstrap >/dev/null || missing="$missing debootstrap"
    [ -z "$missing" ] && return 0
    say "installing$missing"
    # shellcheck disable=SC2086
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

log=$(mktemp)
daemon=""
stop() {
    [ -n "$daemon" ] && kill "$daemon" 2>/dev/null && wait "$daemon" 2>/dev/null
    rm -f "$log"
}
trap stop EXIT
trap 'exit 143' TERM HUP
trap 'exit 130' INT

if [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then
    install_packages || say "the packages could not be installed"
    if ! answers && command -v dockerd >/dev/null; then
        say "starting dockerd"
        setsid dockerd >"$log" 2>&1 &
        daemon=$!
        for _ in $(seq 60); do
            answers && break
            kill -0 "$daemon" 2>/dev/null || break
            sleep 1
        done
        answers || { say "dockerd did not come up:"; tail -n 5 "$log" >&2; }
    fi
elif ! answers; then
    say "none answers, and installing one needs root on Debian: the container tests are skipped"
fi

"$@"
