#!/bin/sh
# Checks what scripts/package.sh has built. The argument is a path without its extension:
# target/package/shardq-VERSION-TARGET. The .deb is installed into an empty root, where nothing
# else is: the binary has to run there.
set -eu
package=$1
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$(dirname "$0")/../Cargo.toml" | head -n 1)

clean=$(mktemp -d)
trap 'rm -rf "$clean"' EXIT INT TERM

expect() {
    [ "$2" = "$3" ] && return 0
    printf '%s: expected "%s", got "%s"\n' "$1" "$3" "$2" >&2
    exit 1
}

# A root's completion and page, from the paths at which shells and man look for them.
check_root() {
    how=$1
    expect "$how: completion" \
        "$(bash -c ". '$2'; COMP_WORDS=(shardq quer) COMP_CWORD=1; _shardq shardq quer shardq; echo \${COMPREPLY[0]}")" query
    [ -s "$3" ]
    if command -v man >/dev/null; then
        page=$(man -l "$3" 2>/dev/null | head -n 1)
    else
        page=$(head -n 3 "$3")
    fi
    case "$page" in
        *shardq*) ;;
        *) expect "$how: man page" "$page" '… shardq …' ;;
    esac
}

mkdir "$clean/tar"
tar --directory "$clean/tar" --extract --file "$package.tar.gz"
root=$clean/tar/$(basename "$package")
expect 'tarball: --version' "$("$root/shardq" --version)" "shardq $version"
check_root tarball "$root/completions/shardq.bash" "$root/man/shardq.1"
[ -s "$root/LICENSE" ]

if [ -e "$package.deb" ]; then
    if ! command -v dpkg >/dev/null; then
        echo 'skipped: no dpkg here to install the .deb' >&2
    else
        mkdir -p "$clean/deb/var/lib/dpkg/info" "$clean/deb/var/lib/dpkg/updates"
        : >"$clean/deb/var/lib/dpkg/status"
        dpkg --root="$clean/deb" --force-not-root --log=/dev/null --install "$package.deb" >/dev/null
        # In that root there is no shell, no libc, no user: only the package.
        if [ "$(id -u)" = 0 ]; then
            run="chroot $clean/deb"
        else
            run="unshare --map-root-user chroot $clean/deb"
        fi
        expect '.deb: --version' "$($run /usr/bin/shardq --version)" "shardq $version"
        check_root .deb "$clean/deb/usr/share/bash-completion/completions/shardq" \
            "$(find "$clean/deb/usr/share/man" -name 'shardq.1*')"
        expect '.deb: dependencies' "$(dpkg-deb --field "$package.deb" Depends)" ''
        expect '.deb: recommended' "$(dpkg-deb --field "$package.deb" Recommends)" postgresql-client
        [ -n "$(find "$clean/deb/usr/share/doc/shardq" -name 'copyright')" ]
    fi
fi
echo 'The packages were installed and run.'
