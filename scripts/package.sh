#!/bin/sh
# Builds what a release consists of, in target/package: a tarball, checksums and a list of the
# dependencies (SBOM); on Linux, where the binary is static, a .deb too. Then checks it with
# scripts/check-package.sh.
#
# TARGET is a Rust target; by default, this machine's, with musl on Linux.
set -eu
cd "$(dirname "$0")/.."

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

case "$(uname -s)" in
    Linux) default=$(uname -m)-unknown-linux-musl ;;
    Darwin) default=$(uname -m | sed s/arm64/aarch64/)-apple-darwin ;;
    *) fail "There are no packages for $(uname -s)." ;;
esac
target=${TARGET:-$default}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

rustup target list --installed | grep -qx "$target" ||
    fail "The Rust target $target is not installed. To install it: rustup target add $target"
case "$target" in
    *-linux-musl)
        command -v musl-gcc >/dev/null || fail 'musl-gcc is not installed. Debian: apt-get install musl-tools'
        command -v cargo-deb >/dev/null ||
            fail 'cargo-deb is not installed. To install it: cargo install cargo-deb --locked'
        ;;
esac
command -v cargo-cyclonedx >/dev/null ||
    fail 'cargo-cyclonedx is not installed. To install it: cargo install cargo-cyclonedx --locked'

out=target/package
rm -rf "$out"
mkdir -p "$out/root/man" "$out/root/completions"

cargo build --release --locked --target "$target"
root=$out/root
cp "target/$target/release/shardq" LICENSE README.md CHANGELOG.md "$root"
"$root/shardq" man >"$root/man/shardq.1"
"$root/shardq" completions bash >"$root/completions/shardq.bash"
"$root/shardq" completions zsh >"$root/completions/_shardq"
"$root/shardq" completions fish >"$root/completions/shardq.fish"

name=shardq-$version-$target
ln -s root "$out/$name"
# The trailing slash follows the link. Nothing in it depends on who builds it, or when.
tar --directory "$out" --create --gzip --dereference --file "$out/$name.tar.gz" "$name"
rm "$out/$name"

case "$target" in
    *-linux-musl)
        cargo deb --no-build --no-strip --target "$target" --output "$out/shardq-$version-$target.deb" >/dev/null
        ;;
esac

cargo cyclonedx --format json --target "$target" --override-filename sbom
mv sbom.json "$out/$name.cdx.json"

(
    cd "$out"
    set -- "$name".*
    if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi >"$name.sha256"
    cat "$name.sha256"
)
exec scripts/check-package.sh "$out/$name"
