#!/bin/sh
# Compares the instructions that the client executes for fixed runs, between the commit BASE and
# this tree: make bench-compare BASE=main. Unlike times, they hardly depend on what else the machine
# does. Fails if a run executes over 5 % more.
#
# How many messages arrive in one read is chance, so each run counts the fewest of three.
set -eu
cd "$(dirname "$0")/.."
base=${BASE:?BASE is not set. Example: make bench-compare BASE=main}
limit=5

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}
command -v valgrind >/dev/null || fail 'valgrind is not installed. Debian: apt-get install valgrind'
commit=$(git rev-parse --verify --quiet "$base^{commit}") || fail "There is no commit $base."

work=$(mktemp -d)
demo=
finish() {
    [ -z "$demo" ] || kill "$demo" 2>/dev/null || true
    git worktree remove --force "$work/base" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

build() {
    # Without LTO: it takes minutes, and what is compared is the same on both sides.
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_TARGET_DIR=target/bench-compare \
        cargo build --release --locked --manifest-path "$1/Cargo.toml"
    cp target/bench-compare/release/shardq "$2"
}
git worktree add --quiet --detach "$work/base" "$commit"
build "$work/base" "$work/before"
build . "$work/after"

"$work/after" demo --keep >"$work/demo" 2>&1 &
demo=$!
until grep -q '^ *export PGHOST' "$work/demo"; do
    kill -0 "$demo" 2>/dev/null || fail 'The demo did not start:' "$(cat "$work/demo")"
    sleep 0.2
done
eval "$(grep '^ *export PGHOST' "$work/demo")"

# The fewest instructions of three runs.
count() {
    binary=$1
    shift
    for _ in 1 2 3; do
        valgrind --tool=callgrind --callgrind-out-file=/dev/null "$binary" "$@" 2>&1 >/dev/null |
            sed -n 's/.*Collected *: *//p'
    done | sort -n | head -n 1
}

status=0
compare() {
    name=$1
    shift
    before=$(count "$work/before" "$@")
    after=$(count "$work/after" "$@")
    awk -v name="$name" -v before="$before" -v after="$after" -v limit="$limit" 'BEGIN {
        change = (after / before - 1) * 100
        printf "| %-28s | %8.1f | %8.1f | %+6.1f %% |\n", name, before / 1e6, after / 1e6, change
        exit change > limit
    }' || status=1
}
printf '| millions of instructions     | %8.8s |    after |   change |\n| --- | ---: | ---: | ---: |\n' "$commit"
compare 'query, 128 shards, CSV' query --quiet --csv 'SELECT name FROM origins'
compare 'query, 128 shards, table' query --quiet 'SELECT name FROM origins'
compare 'query --global, count' query --quiet --global 'SELECT count(*) FROM origin_packages'
compare 'export, 40,001 rows, CSV' export --quiet --format csv -o - 'SELECT * FROM origin_packages'
compare 'export, 40,001 rows, JSON' export --quiet --format jsonl -o - 'SELECT * FROM origin_packages'
compare 'find' find --quiet core
compare '--help' --help
[ "$status" = 0 ] || fail "A run executes over $limit % more instructions."
