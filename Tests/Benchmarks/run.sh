#!/bin/sh
# Wire and codec figures into .build/bench/results.json. usage: Tests/Benchmarks/run.sh SEED DATA [wire-bench options]
# DATA is the folder with bench/fleet.py and fixtures/recorded; needs python3 with numpy, xz, and release builds of
# codec-bench, wire-bench, store-bench, tocsin and tocsin-coordinator. STORE_NODES: nodes of the stored day, 4 by default.
# SCALE_NODES: nodes of the larger fleet that memory a series is taken from, 200 by default (400,000 series).
set -eu
cd "$(dirname "$0")/../.."
seed=$1
data=$2
shift 2
bin=$(swift build -c release --show-bin-path)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 "$data/bench/fleet.py" "$work/fleet" --nodes 20 --scrapes 360 --seed "$seed"
recorded=""
for file in "$data"/fixtures/recorded/*.prom.xz; do
    text=$work/$(basename "$file" .xz)
    xz -dc "$file" >"$text"
    recorded="$recorded $text"
done
"$bin/codec-allocations"
# shellcheck disable=SC2086
"$bin/codec-bench" "$work/fleet" $recorded
# shellcheck disable=SC2086
"$bin/wire-bench" "$@" --fleet "$work/fleet" --recorded $recorded
rm -rf "$work/fleet"
for nodes in 20 "${SCALE_NODES:-200}"; do
    python3 "$data/bench/fleet.py" "$work/scale-$nodes" --nodes "$nodes" --scrapes 30 --seed "$seed"
done
"$bin/wire-bench" --round 5 --scale "$work/scale-20" "$work/scale-${SCALE_NODES:-200}"
rm -rf "$work/scale-20" "$work/scale-${SCALE_NODES:-200}"
python3 "$data/bench/fleet.py" "$work/day" --nodes "${STORE_NODES:-4}" --scrapes 8640 --seed "$seed"
"$bin/store-bench" "$work/day"
