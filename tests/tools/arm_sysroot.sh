#!/bin/sh
# Unpacks Debian's arm64 libraries into FOLDER, to build for 64-bit Arm against them and to run the programs under qemu-aarch64. The
# packages are those of setup.sh; apt works in FOLDER.apt, so that the machine's own packages, lists and architectures stay as they
# are. The cross compiler and the emulator are packages of this machine: as root what is missing is installed, else the command is
# printed.
#   tests/tools/arm_sysroot.sh FOLDER
set -eu
folder=${1:?usage: arm_sysroot.sh FOLDER}
tools="gcc-aarch64-linux-gnu qemu-user"
retries="-qq -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300"
export DEBIAN_FRONTEND=noninteractive

if ! command -v aarch64-linux-gnu-gcc >/dev/null || ! command -v qemu-aarch64 >/dev/null; then
    if [ "$(id -u)" -ne 0 ]; then
        echo "arm_sysroot: packages are missing; type: sudo apt-get install --no-install-recommends $tools" >&2
        exit 2
    fi
    echo "arm_sysroot: installing $tools"
    # shellcheck disable=SC2086
    apt-get $retries update >/dev/null && apt-get $retries install -y --no-install-recommends $tools >/dev/null
fi

# Without cairo (CAIRO=0), which would bring a hundred megabytes.
libraries=$("$(dirname "$0")/setup.sh" --list | tr ' ' '\n' | grep -e '-dev$' | grep -v cairo | tr '\n' ' ')
[ "$(cat "$folder/packages" 2>/dev/null)" != "$libraries" ] || exit 0

echo "arm_sysroot: unpacking $libraries"
apt=$folder.apt
rm -rf "$folder" "$apt"
mkdir -p "$folder" "$apt/lists/partial" "$apt/cache/archives/partial"
apt=$(cd "$apt" && pwd)
: >"$apt/status"
# An empty list of installed packages: everything that these need comes along.
apt_arm() {
    # shellcheck disable=SC2086
    apt-get $retries -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Sandbox::User=root -o Dir::State="$apt" \
        -o Dir::State::lists="$apt/lists" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" "$@"
}
apt_arm update
# shellcheck disable=SC2086
apt_arm install -y --download-only --no-install-recommends $libraries
for package in "$apt"/cache/archives/*.deb; do dpkg -x "$package" "$folder"; done
# The links that installing OpenBLAS would make.
for part in include lib; do
    (cd "$folder/usr/$part/aarch64-linux-gnu" && for file in openblas-pthread/*.h openblas-pthread/*.so.*; do
        [ ! -e "$file" ] || ln -sf "$file" .
    done)
done
rm -rf "$apt"
printf '%s' "$libraries" >"$folder/packages"
