#!/bin/sh
# Installs PostgreSQL's server programs, if this machine has none. The demo, the
# tests and the benchmarks start private servers with them; no service is used.
set -eu

has_server() {
    # The places that src/sandbox/server_binaries.rs looks in.
    found=$(command -v initdb || true)
    [ -n "$found" ] && return 0
    for found in "$(pg_config --bindir 2>/dev/null || echo /nonexistent)/initdb" \
        /usr/lib/postgresql*/bin/initdb /usr/lib/postgresql/*/bin/initdb \
        /usr/libexec/postgresql*/initdb /usr/pgsql-*/bin/initdb \
        /opt/homebrew/opt/postgresql@*/bin/initdb /usr/local/opt/postgresql@*/bin/initdb; do
        [ -x "$found" ] && return 0
    done
    return 1
}

fail() {
    printf '%s\n' "$1" 'Please install PostgreSQL 12 or later (its server, with initdb), then try again.' >&2
    exit 1
}

# Shows a command, then runs it. Homebrew refuses root; all others need it.
run() {
    if [ "$(id -u)" != 0 ] && [ "$1" != brew ]; then
        command -v sudo >/dev/null || fail "Installing needs root, and there is no sudo here. As root: $*"
        set -- sudo "$@"
    fi
    echo "+ $*" >&2
    "$@" || fail "That did not work: $*"
}

has_server && exit 0
echo 'This machine has no PostgreSQL server. Installing it:' >&2

if command -v apt-get >/dev/null; then
    # A container's lists of packages are often missing.
    run apt-get update -q
    run env DEBIAN_FRONTEND=noninteractive apt-get install -qy postgresql
elif command -v dnf >/dev/null; then
    run dnf install -y postgresql-server postgresql
elif command -v yum >/dev/null; then
    run yum install -y postgresql-server postgresql
elif command -v apk >/dev/null; then
    run apk add postgresql postgresql-client
elif command -v pacman >/dev/null; then
    run pacman -S --noconfirm --needed postgresql
elif command -v zypper >/dev/null; then
    run zypper --non-interactive install postgresql-server postgresql
elif command -v brew >/dev/null; then
    run brew install postgresql@17
else
    fail 'There is no package manager here that this script knows.'
fi

has_server || fail 'The package is installed, but no initdb came with it.'
