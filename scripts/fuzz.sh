#!/bin/sh
# Runs every target in fuzz/ for FUZZ_SECONDS (default 60), or those that are named:
#
#   FUZZ_SECONDS=300 scripts/fuzz.sh uri service
#
# Ends at the first finding. The input is then in fuzz/artifacts/, and cargo-fuzz says how to run
# it again.
set -eu
cd "$(dirname "$0")/.."

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo 'Fuzzing needs a nightly compiler. To install it: rustup toolchain install nightly --profile minimal' >&2
    exit 1
fi
if ! command -v cargo-fuzz >/dev/null; then
    echo 'cargo-fuzz is not installed. To install it: cargo install cargo-fuzz --locked' >&2
    exit 1
fi

[ $# -gt 0 ] || set -- $(cargo +nightly fuzz list)
for target; do
    corpus=fuzz/corpus/$target
    seeds=fuzz/seeds/$target
    dictionary=fuzz/dictionaries/$target.dict
    mkdir -p "$corpus"
    echo "$target: ${FUZZ_SECONDS:-60} s" >&2
    options=
    [ -f "$dictionary" ] && options=-dict=$dictionary
    [ -d "$seeds" ] || seeds=
    # shellcheck disable=SC2086 # Empty ones are left out.
    cargo +nightly fuzz run "$target" "$corpus" $seeds -- \
        "-max_total_time=${FUZZ_SECONDS:-60}" -timeout=10 -rss_limit_mb=4096 $options
done
