# shellcheck shell=bash
# What ./run, ./test and ./bench share: what must be there before anything is built. To be sourced.

# What goes before a command that only root may run.
as_root=()

# Swift's own packages on Debian 12, as its page of installation lists them. A toolchain that was unpacked by hand lacks
# them: it then ends without a word, or cannot link.
swift_packages=(
    binutils ca-certificates git libc6-dev libcurl4 libedit2 libgcc-12-dev libncurses6 libpython3.11 libsqlite3-0
    libstdc++-12-dev libxml2 libz3-4 pkg-config tzdata
)

# What a build takes on the disk, about.
build_mebibytes=1000

# Ends with one clear message where there is no usable Swift.
require_swift() {
    if ! command -v swift >/dev/null 2>&1; then
        cat >&2 <<'MESSAGE'
Swift is not installed, and Tollgate needs Swift 6.2 or newer to build.
Install it from https://www.swift.org/install/linux/ (Debian 12), see that `swift --version` works, and start again.
MESSAGE
        exit 1
    fi
    if ! swift_starts; then install_missing "${swift_packages[@]}"; fi
    local words version major minor
    if ! words=$(swift --version 2>&1) || ! swift_starts; then
        cat >&2 <<MESSAGE
Swift is at $(command -v swift), and cannot build a program of one line:
${words:-it ends without a word}
See which packages it needs: https://www.swift.org/install/linux/. Then start again.
MESSAGE
        exit 1
    fi
    version=$(sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' <<<"$words" | head -n 1)
    major=${version%%.*}
    minor=${version##*.}
    if [ -z "$version" ] || [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 2 ]; }; then
        printf 'Swift %s is too old: Tollgate needs 6.2 or newer (https://www.swift.org/install/linux/).\n' \
            "${version:-of an unknown version}" >&2
        exit 1
    fi
}

# Whether it compiles and links. Where something was built before, that it starts is enough.
swift_starts() {
    if [ -d "${root:-.}/.build" ]; then
        swift --version >/dev/null 2>&1
        return
    fi
    local folder status=0
    folder=$(mktemp -d)
    printf 'import Foundation\nprint(Date())\n' >"$folder/probe.swift"
    swiftc "$folder/probe.swift" -o "$folder/probe" >/dev/null 2>&1 || status=$?
    rm -rf "$folder"
    return "$status"
}

# install_missing PACKAGE…: asks apt for those Debian packages alone that are not there yet.
install_missing() {
    if ! command -v dpkg-query >/dev/null 2>&1; then
        printf 'This is not Debian; make sure that these are installed: %s\n' "$*" >&2
        return 0
    fi
    local package missing=()
    for package in "$@"; do
        if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" != installed ]; then
            missing+=("$package")
        fi
    done
    if [ "${#missing[@]}" -eq 0 ]; then return 0; fi
    printf 'Installing %s …\n' "${missing[*]}" >&2
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            printf 'Packages are missing, and only root can install them. As root:\n  apt-get install %s\nThen start again.\n' \
                "${missing[*]}" >&2
            exit 1
        fi
        as_root=(sudo)
    fi
    # The lists may be missing or old: fetched only where the first attempt fails.
    if ! apt_install "${missing[@]}" >/dev/null 2>&1; then
        "${as_root[@]}" apt-get update -qq >&2 || true
        if ! apt_install "${missing[@]}" >&2; then
            printf 'Packages could not be installed; above is why. With a network, and as root:\n' >&2
            printf '  apt-get update && apt-get install %s\nThen start again.\n' "${missing[*]}" >&2
            exit 1
        fi
    fi
}

# unpack_missing ROOT PROGRAM=PACKAGE[,LIBRARY]…: programs that tests run, and whose packages would start services if they
# were installed. Fetched from Debian and unpacked into .build/tools, by whoever calls; a test that misses one says so.
unpack_missing() {
    local folder=$1/.build/tools pair program scratch package packages
    shift
    for pair in "$@"; do
        program=${pair%%=*}
        if PATH="$PATH:/usr/sbin:$folder/usr/bin:$folder/usr/sbin" command -v "$program" >/dev/null; then continue; fi
        if ! command -v dpkg-deb >/dev/null 2>&1; then
            printf 'This is not Debian; make sure that %s is there.\n' "$program" >&2
            continue
        fi
        printf 'Fetching %s …\n' "${pair#*=}" >&2
        scratch=$(mktemp -d)
        IFS=, read -ra packages <<<"${pair#*=}"
        if (cd "$scratch" && apt-get download -qq "${packages[@]}") >/dev/null 2>&1; then
            mkdir -p "$folder"
            for package in "$scratch"/*.deb; do dpkg-deb -x "$package" "$folder"; done
        else
            printf 'apt-get could not fetch %s.\n' "${pair#*=}" >&2
        fi
        rm -rf "$scratch"
    done
}

apt_install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

# build_release ROOT [PRODUCT]: shows progress on a terminal; elsewhere quiet where it works, the compiler's words where it does not.
build_release() {
    local product=${2:-tollgate} log=$1/.build/release.log
    if ! mkdir -p "$1/.build"; then
        printf 'Nothing can be built here: %s must be writable for this user.\n' "$1" >&2
        exit 1
    fi
    if [ -t 2 ]; then
        swift build --package-path "$1" -c release --product "$product" >&2 || build_failed "$1"
    elif ! swift build --package-path "$1" -c release --product "$product" >"$log" 2>&1; then
        cat "$log" >&2
        build_failed "$1"
    fi
}

build_failed() {
    local free
    printf 'The build failed; above is why.\n' >&2
    free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
    if [ "$free" -lt "$build_mebibytes" ]; then
        printf 'The disk has %s MiB left, and a build takes up to %s.\n' "$free" "$build_mebibytes" >&2
    fi
    printf 'If the compiler was killed, it lacked memory: 4 GB are enough. What was built stays; start again to go on.\n' >&2
    exit 1
}
