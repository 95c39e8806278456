#!/bin/sh
# Fuzzes the reader of chained sample blocks with libFuzzer and the address sanitizer.
# usage: Tests/Fuzz/run.sh [seconds] [more libFuzzer flags]; TOCSIN_FUZZ_CANARY=1 must end in a crash.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
out=.build/fuzz
mkdir -p "$out/corpus" "$out/mod"
# -sanitize=fuzzer is a flag of the compiler, not of the package manager: the sources of three targets as one module each.
features="-swift-version 6 -enable-upcoming-feature ExistentialAny -enable-upcoming-feature MemberImportVisibility \
 -enable-upcoming-feature InternalImportsByDefault -package-name tocsin"
flags="-O -sanitize=fuzzer,address -parse-as-library $features -I $out/mod -Xcc -fmodule-map-file=Sources/CZlib/module.modulemap"
build() {
    # shellcheck disable=SC2086
    swiftc $flags -module-name "$1" -emit-module -emit-module-path "$out/mod/$1.swiftmodule" -wmo -c -o "$out/$1.o" "$2"/*.swift
}
build Telemetry Sources/Telemetry
build SampleCodec Sources/SampleCodec
build SampleBlockChainFuzz Tests/Fuzz/SampleBlockChainFuzz
swiftc -sanitize=fuzzer,address -o "$out/sample-block-chain" \
    "$out/Telemetry.o" "$out/SampleCodec.o" "$out/SampleBlockChainFuzz.o" -lz
SWIFT_BACKTRACE=enable=no exec "$out/sample-block-chain" -max_len=1536 -malloc_limit_mb=64 -rss_limit_mb=2048 \
    -max_total_time="$seconds" -print_final_stats=1 "$@" "$out/corpus" Tests/Fuzz/SampleBlockChainFuzz/corpus
