# shellcheck shell=bash
# What ./run, ./test and ./bench share: what must be there before anything is built. To be sourced.

# What goes before a command that only root may run.
as_root=()

# Ends with one clear message where there is no usable Swift.
require_swift() {
    if ! command -v swift >/dev/null 2>&1; then
        cat >&2 <<'MESSAGE'
Swift is not installed, and Tollgate needs Swift 6.2 or newer to build.
Install it from https://www.swift.org/install/linux/ (Debian 12), see that `swift --version` works, and start again.
MESSAGE
        exit 1
    fi
    local version major minor
    version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1)
    major=${version%%.*}
    minor=${version##*.}
    if [ -z "$version" ] || [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 2 ]; }; then
        printf 'Swift %s is too old: Tollgate needs 6.2 or newer (https://www.swift.org/install/linux/).\n' \
            "${version:-of an unknown version}" >&2
        exit 1
    fi
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
            printf 'These packages are missing and only root can install them:\n  apt-get install %s\n' "${missing[*]}" >&2
            exit 1
        fi
        as_root=(sudo)
    fi
    # The lists may be missing or old: fetched only where the first attempt fails.
    if ! apt_install "${missing[@]}" >/dev/null 2>&1; then
        "${as_root[@]}" apt-get update -qq >&2 || true
        if ! apt_install "${missing[@]}" >&2; then
            printf 'apt-get could not install %s.\n' "${missing[*]}" >&2
            exit 1
        fi
    fi
}

# unpack_missing ROOT PROGRAM=PACKAGE…: programs that tests run, and whose packages would start services if they were
# installed. Fetched from Debian and unpacked into .build/tools, by whoever calls; a test that misses one says so.
unpack_missing() {
    local folder=$1/.build/tools pair program scratch
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
        if (cd "$scratch" && apt-get download -qq "${pair#*=}") >/dev/null 2>&1; then
            mkdir -p "$folder"
            dpkg-deb -x "$scratch"/*.deb "$folder"
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
    local log product=${2:-tollgate}
    if [ -t 2 ]; then
        if ! swift build --package-path "$1" -c release --product "$product" >&2; then
            printf 'The build failed.\n' >&2
            exit 1
        fi
        return 0
    fi
    log=$(mktemp)
    if ! swift build --package-path "$1" -c release --product "$product" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        printf 'The build failed.\n' >&2
        exit 1
    fi
    rm -f "$log"
}
