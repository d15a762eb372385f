#!/bin/sh
# Runs a command with Chromium, if this machine can have it: the one on the PATH, else (root on Debian) one that is
# installed. Without it the command runs all the same, and the browser tests say that they were skipped; with CI set
# they fail instead.
set -u

if ! command -v chromium >/dev/null; then
    if [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then
        echo "browser: installing chromium" >&2
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            chromium fonts-dejavu-core >/dev/null; } || echo "browser: chromium could not be installed" >&2
    else
        echo "browser: none, and installing one needs root on Debian: its tests are skipped" >&2
    fi
fi

exec "$@"
