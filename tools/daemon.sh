# Shell functions of scripts that start a bunchd, use it, and stop it again. Sourced by bash, in the
# repository root, after tools/setup.sh. The script sets HTTP to the daemon's address:port and
# RESULTS to a folder; it may set `load` to a process that must not outlive it.

READY_SECONDS=180
STOP_SECONDS=60
daemon=                       # process number of bunchd while it runs
load=                         # and of what asks it

# Whatever ends the script, nothing that it started stays behind.
stop_everything() {
    trap - EXIT INT TERM HUP
    [ -n "$load" ] && kill "$load" 2>/dev/null && wait "$load" 2>/dev/null
    if [ -n "$daemon" ]; then
        kill "$daemon" 2>/dev/null
        wait_for_exit "$daemon" 10 || kill -KILL "$daemon" 2>/dev/null
        wait "$daemon" 2>/dev/null
    fi
}

interrupted() {
    stop_everything
    printf '\nStopped; nothing is left running.\n' >&2
    exit 130
}

# wait_for_exit PROCESS SECONDS
wait_for_exit() {
    local tenths=$(($2 * 10))
    while kill -0 "$1" 2>/dev/null; do
        [ $((tenths--)) -gt 0 ] || return 1
        sleep 0.1
    done
}

# Whether the daemon says that it can serve.
is_ready() {
    local line=
    { exec 3<>"/dev/tcp/${HTTP%:*}/${HTTP#*:}"; } 2>/dev/null || return 1
    printf 'GET /readyz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$HTTP" >&3
    IFS= read -r -t 5 line <&3
    exec 3>&-
    case $line in *" 200 "*) return 0 ;; *) return 1 ;; esac
}

# start_daemon PROGRAM CONFIG: returns when it is ready
start_daemon() {
    is_ready && fail "something answers at $HTTP already; stop it, or another script that runs."
    "$1" --config "$2" >"$RESULTS/bunchd.log" 2>&1 &
    daemon=$!
    local tenths=$((READY_SECONDS * 10))
    until is_ready; do
        if ! kill -0 "$daemon" 2>/dev/null; then
            daemon=
            tail -n 15 "$RESULTS/bunchd.log" >&2
            fail "bunchd did not start (see above; all of it is in $RESULTS/bunchd.log)."
        fi
        [ $((tenths--)) -gt 0 ] ||
            fail "bunchd was not ready within $READY_SECONDS s; see $RESULTS/bunchd.log."
        sleep 0.1
    done
}

# Drains the daemon; it must end by itself, with status 0.
stop_daemon() {
    local status
    kill -TERM "$daemon"
    wait_for_exit "$daemon" "$STOP_SECONDS" ||
        fail "bunchd did not stop within $STOP_SECONDS s; see $RESULTS/bunchd.log."
    wait "$daemon"
    status=$?
    daemon=
    [ "$status" = 0 ] || fail "bunchd ended with status $status; see $RESULTS/bunchd.log."
    echo "bunchd drained its work and ended with status 0."
}

# run_load PROGRAM [ARGUMENT...]: in the background and waited for, so that Ctrl-C and kill reach
# the script at once
run_load() {
    "$@" &
    load=$!
    wait "$load"
    local status=$?
    load=
    return $status
}

# use_emulated_cards FOLDER CARDS: for every program started from here on, the Xilinx runtime opens
# the EMULATED cards of the file CARDS in place of real ones. FOLDER is the build's.
use_emulated_cards() {
    [ -e "$1/xrt-emulation/xrt.ini" ] ||
        fail "there are no emulated cards: the Xilinx runtime (package libxrt-dev) is missing."
    export XILINX_XRT=$PWD/$1/xrt-emulation XCL_EMULATION_MODE=hw_emu
    export XRT_INI_PATH=$XILINX_XRT/xrt.ini BUNCH_XRT_EMULATION=$PWD/$2
}

trap stop_everything EXIT
trap interrupted INT TERM HUP
