#!/bin/sh
# Installs PgBouncer for the tests behind a pooler, if this machine has none and apt can
# get it. The tests start private ones; no service is used. Without it, those tests are
# skipped, and say so: this script never fails.
set -u

for found in /usr/sbin/pgbouncer /usr/bin/pgbouncer /opt/homebrew/bin/pgbouncer; do
    [ -x "$found" ] && exit 0
done
command -v apt-get >/dev/null || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    # No password is asked for: these tests are not worth stopping for.
    sudo -n true 2>/dev/null || exit 0
    as_root=sudo
fi

echo 'This machine has no PgBouncer. Installing it for the tests:' >&2
{
    $as_root apt-get update -q &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends pgbouncer
} >&2 || echo 'That did not work: the tests behind a pooler are skipped.' >&2
exit 0
