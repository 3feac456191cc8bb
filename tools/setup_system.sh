#!/bin/sh
# Installs the compilers and emulators that the tests need and that are missing. Where it may not, it lists them and the tests
# that need them are skipped and counted; with TINYGEN_REQUIRE_ALL=1 that is an end with exit code 2.
set -u
tools=$(dirname "$0")
packages=

# need COMMAND PACKAGE: wants Debian's PACKAGE where COMMAND is not on PATH; "a|b" is the first of the two that there is.
need() {
    command -v "$1" >/dev/null 2>&1 || packages="$packages $2"
}

need gcc gcc
need g++ g++
need clang clang
need arm-none-eabi-gcc gcc-arm-none-eabi
need riscv64-unknown-elf-gcc gcc-riscv64-unknown-elf
need xtensa-lx106-elf-gcc gcc-xtensa-lx106
need cmake cmake
need qemu-system-arm qemu-system-arm
need qemu-system-riscv32 'qemu-system-riscv|qemu-system-misc'
# A gcc without the C library's headers cannot compile for this machine.
if [ "$(uname -s)" = Linux ] && [ ! -f /usr/include/stdio.h ]; then
    need /usr/include/stdio.h libc6-dev
fi
[ -n "$packages" ] || exit 0
echo "Compilers and emulators are missing. Debian's packages for them (up to about 250 MB to download):$packages"
# shellcheck disable=SC2086 # a list of names
sh "$tools/apt.sh" $packages && exit 0
[ "${TINYGEN_REQUIRE_ALL:-}" != 1 ] || exit 2
echo 'Going on without them: the tests that need them are skipped, and the summary counts them.'
