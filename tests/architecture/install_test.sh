#!/bin/bash
# What `cmake --install` puts down works from there: install_test.sh BUILD_DIR SOURCE_DIR.
set -eu
build=$1
source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/root" >"$work/log" || { cat "$work/log"; exit 1; }
for file in bin/bunchd bin/bunch libexec/bunch/bunch-runner-simulated etc/bunchd/bunchd.toml; do
    [ -e "$work/root/$file" ] || { echo "$file is not installed"; exit 1; }
done
"$work/root/bin/bunchd" --version
"$work/root/bin/bunch" --help >/dev/null

# The daemon finds its runners where they were installed.
cat >"$work/bunchd.toml" <<EOF
[server]
data_endpoints = ["ipc://$work/data.sock"]
control_endpoints = ["ipc://$work/control.sock"]
http_address = "127.0.0.1:0"
state_dir = "$work/state"
[[device]]
name = "sim"
backend = "simulated"
[[model]]
name = "muon"
inputs = [{name = "input", type = "FP32", shape = [-1, 5]}]
outputs = [{name = "output", type = "FP32", shape = [-1, 3]}]
EOF
"$work/root/bin/bunchd" --config "$work/bunchd.toml" 2>"$work/bunchd.log" &
daemon=$!
trap 'kill $daemon 2>/dev/null || true; rm -rf "$work"' EXIT

cmake -S "$source/tests/architecture/consumer" -B "$work/consumer" -G Ninja \
    -DCMAKE_PREFIX_PATH="$work/root" >"$work/log"
cmake --build "$work/consumer" >>"$work/log" || { cat "$work/log"; exit 1; }

for _ in $(seq 600); do
    grep -q " ready" "$work/bunchd.log" && break
    kill -0 $daemon || { cat "$work/bunchd.log"; exit 1; }
    sleep 0.1
done
"$work/consumer/consumer" "ipc://$work/data.sock" || { cat "$work/bunchd.log"; exit 1; }
if "$work/consumer/consumer" "ipc://$work/nobody.sock"; then echo "answered by nobody"; exit 1; fi
kill -TERM $daemon
wait $daemon
echo "installed daemon, tools and library work"
