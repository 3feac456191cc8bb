#!/bin/sh
# apt.sh PACKAGE...: installs Debian or Ubuntu packages as root or by `sudo -n`; exits 2 with the line to type where it may not.
# "a|b" is the first of the two that this release has.
set -u
if ! command -v apt-get >/dev/null 2>&1; then
    echo "This system has no apt-get. Install what Debian calls: $*" >&2
    exit 2
fi

as_root=
allowed=yes
if [ "$(id -u)" != 0 ]; then
    as_root='sudo -n'
    sudo -n true >/dev/null 2>&1 || allowed=no
fi
if [ "$allowed" = yes ]; then
    $as_root apt-get -q update </dev/null || echo 'apt-get update failed: trying with the lists that are there.' >&2
fi

packages=
for choice in "$@"; do
    while [ "$choice" != "${choice#*|}" ] && ! apt-cache policy "${choice%%|*}" 2>/dev/null | grep -q 'Candidate: [0-9]'; do
        choice=${choice#*|}
    done
    packages="$packages ${choice%%|*}"
done

if [ "$allowed" = no ]; then
    printf 'System packages are missing, and this user may not install them. Type:\n' >&2
    printf '    sudo apt-get update && sudo apt-get install --no-install-recommends -y%s\n' "$packages" >&2
    exit 2
fi
# shellcheck disable=SC2086 # lists of words
if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install --no-install-recommends -y $packages </dev/null; then
    printf 'apt-get could not install the packages. Try by hand:\n' >&2
    printf '    sudo apt-get update && sudo apt-get install --no-install-recommends -y%s\n' "$packages" >&2
    exit 2
fi
