# A private apt: packages of another Debian suite and of foreign architectures, without touching the system's sources,
# lists or package database. Sourced after lib.sh.

# use_suite NAME: what the functions below fetch from; whoever wants another suite calls them in a subshell.
use_suite() {
    APT_SUITE=$1
    APT_DIR=$CACHE/apt-$1
}
use_suite "$MICROPYTHON_SUITE"

# The machine's own mirror and keyring serve the other suite as well: nothing here names a host.
machine_mirror() {
    local release empty
    release=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    empty=$APT_DIR/empty
    mkdir -p "$empty/partial"
    APT_CONFIG=/dev/null apt-get -o Dir::State::lists="$empty" update --print-uris 2>/dev/null |
        sed -n "s|^'\(.*\)/dists/$release/InRelease'.*|\1|p" | head -n 1
}

machine_keyring() {
    local files file
    files=$(sed -n 's/^[Ss]igned-[Bb]y: *//p; s/^deb.*signed-by=\([^] ]*\).*/\1/p' \
        /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null || true)
    for file in $files /usr/share/keyrings/debian-archive-keyring.gpg; do
        case $file in
            *debian*) if [ -r "$file" ]; then printf '%s' "$file"; return; fi ;;
        esac
    done
}

# Writes the configuration. Proxies, certificates and credentials of the machine are taken over (Acquire::* and
# auth.conf), its hooks and pins are not.
write_apt_configuration() {
    local mirror keyring option=
    mirror=$(machine_mirror)
    [ -n "$mirror" ] || die "this machine's apt names no Debian mirror" \
        "setup needs a Debian machine with apt sources; see tests/runtimes/README.md"
    keyring=$(machine_keyring)
    if [ -n "$keyring" ]; then option="[signed-by=$keyring] "; fi
    mkdir -p "$APT_DIR/lists/partial" "$APT_DIR/cache/archives/partial"
    {
        printf 'deb %s%s %s main\n' "$option" "$mirror" "$APT_SUITE"
        printf 'deb-src %s%s %s main\n' "$option" "$mirror" "$APT_SUITE"
    } >"$APT_DIR/sources.list"
    {
        apt-config dump | grep '^Acquire::' | grep -v -e '^Acquire::IndexTargets' -e '^Acquire::Languages'
        cat <<END
Dir::State::lists "$APT_DIR/lists";
Dir::Cache "$APT_DIR/cache";
Dir::Etc::sourcelist "$APT_DIR/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Architectures { "amd64"; "i386"; "armhf"; "arm64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
END
    } >"$APT_DIR/apt.conf.part"
    mv "$APT_DIR/apt.conf.part" "$APT_DIR/apt.conf"
    say "apt: lists of Debian $APT_SUITE from $mirror into $APT_DIR"
}

private_apt() { APT_CONFIG=$APT_DIR/apt.conf apt-get -qq "$@"; }

update_lists() {
    write_apt_configuration
    twice private_apt update || die "cannot fetch the package lists of Debian $APT_SUITE" \
        "check the network, then: APT_CONFIG=$APT_DIR/apt.conf apt-get update"
    touch "$APT_DIR/updated"
}

# fetch DIRECTORY COMMAND…: apt-get in a directory. Lists that are too old for the mirror are renewed once.
fetch() {
    local directory=$1
    shift
    if [ ! -e "$APT_DIR/updated" ]; then update_lists; fi
    (cd "$directory" && private_apt "$@") && return
    say "apt: renewing the lists and trying again"
    update_lists
    (cd "$directory" && private_apt "$@") || die "apt cannot fetch: $*" \
        "look for the packages with: APT_CONFIG=$APT_DIR/apt.conf apt-cache policy PACKAGE"
}

# unpack_packages DIRECTORY PACKAGE…: downloads and unpacks into DIRECTORY/root. If SUMS names a file, every package's SHA-256
# has to be in it.
unpack_packages() {
    local directory=$1 package
    shift
    mkdir -p "$directory/debs" "$directory/root"
    fetch "$directory/debs" download "$@"
    for package in "$directory"/debs/*.deb; do
        if [ -n "${SUMS:-}" ] && ! grep -qwF "$(sha256sum "$package" | cut -d ' ' -f 1)" "$SUMS"; then
            die "${package##*/} is not what $SUMS says" "nobody should change a package; look where it comes from"
        fi
        dpkg -x "$package" "$directory/root"
    done
    rm -r "$directory/debs"
    # Debian's base-files links /lib to /usr/lib; the loaders' names begin with /lib.
    ln -s usr/lib "$directory/root/lib"
    if [ -e "$directory/root/usr/lib64" ]; then ln -s usr/lib64 "$directory/root/lib64"; fi
}
