# Shell functions that tools/demo and tools/test share: what is missing on this machine is
# installed, and what cannot be had is said in one sentence. Sourced by bash, in the repository root.

say() { printf '\n==> %s\n' "$*"; }

fail() {
    printf '\n%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# Warns on anything but Debian 12: package names and versions are Debian's.
check_system() {
    local ID= VERSION_ID= PRETTY_NAME="this system"
    [ -r /etc/os-release ] && . /etc/os-release
    if [ "$ID" != debian ] || [ "$VERSION_ID" != 12 ]; then
        echo "Warning: made for Debian 12, but this is $PRETTY_NAME; packages may be missing." >&2
    fi
}

# check_disk MEGABYTES FOLDER
check_disk() {
    local free
    free=$(df -Pm "$2" | awk 'NR == 2 { print $4 }')
    [ "$free" -ge "$1" ] ||
        fail "the disk of $2 has $free MB free, but about $1 MB are needed; make room there."
}

# packages_of SECTION...: names, from tools/packages.txt
packages_of() {
    awk -v wanted=" $* " '
        { sub(/#.*/, "") }
        /^\[/ { gsub(/[][ \t]/, ""); take = index(wanted, " " $0 " "); next }
        take && NF { print $1 }' tools/packages.txt
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Sets AS_ROOT to the command in front of what root must do.
find_root() {
    AS_ROOT=
    [ "$(id -u)" = 0 ] && return
    command -v sudo >/dev/null ||
        fail "these packages are missing: $*. Run this as root, or install sudo, or have them installed."
    AS_ROOT=sudo
    sudo -v || fail "sudo refused, and these packages are missing: $*."
}

# install_packages SECTION...
install_packages() {
    local package missing=
    for package in $(packages_of "$@"); do
        is_installed "$package" || missing="$missing $package"
    done
    if [ -z "$missing" ]; then
        echo "All packages are there."
        return
    fi
    find_root $missing
    check_disk 1500 /usr
    echo "Installing$missing"
    $AS_ROOT apt-get update -qq ||
        fail "apt-get update failed: is there a network, and does /etc/apt name a Debian mirror?"
    DEBIAN_FRONTEND=noninteractive $AS_ROOT apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Use-Pty=0 $missing >"$SETUP_LOG" 2>&1 || {
        tail -n 15 "$SETUP_LOG" >&2
        fail "apt-get could not install$missing: $(why_apt_failed) (All of it is in $SETUP_LOG.)"
    }
}

# From what apt-get wrote to SETUP_LOG.
why_apt_failed() {
    if grep -q 'Failed to fetch' "$SETUP_LOG"; then
        echo "nothing can be downloaded; is there a network, and a proxy to be set?"
    elif grep -q 'No space left' "$SETUP_LOG"; then
        echo "the disk is full; make room."
    elif grep -q 'Unable to locate package' "$SETUP_LOG"; then
        echo "unknown to /etc/apt; it must name the section main of Debian 12."
    else
        echo "see above."
    fi
}

# build PRESET [TARGET...]: configures and builds; ninja shows how far it is
build() {
    local preset=$1
    shift
    cmake --preset "$preset" >"$SETUP_LOG" 2>&1 || {
        tail -n 25 "$SETUP_LOG" >&2
        fail "CMake could not configure the $preset build (see above)."
    }
    cmake --build --preset "$preset" ${1:+--target "$@"} ||
        fail "the $preset build failed (see above)."
}
