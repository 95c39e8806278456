#!/bin/sh
# Fuzzes parsers of foreign bytes with libFuzzer and the address sanitizer.
# usage: Tests/Fuzz/run.sh [all | TARGET] [seconds] [more libFuzzer flags]
#   all       every target for so many seconds (60), then its canary, which must end in a crash; fails on any finding.
#   TARGET    the name of one of the folders here, such as KubeletFuzz. TOCSIN_FUZZ_CANARY=1 must end in a crash.
# What is found lies in .build/fuzz/findings: run the target with the file as its only argument.
set -eu
cd "$(dirname "$0")/../.."
target=${1:-all}
seconds=${2:-60}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] && shift
targets="SampleBlockChainFuzz CellFuzz KubeletFuzz ClusterFuzz ActuatorFuzz AuditEventsFuzz PrometheusFuzz LogFuzz
    DockerLogFuzz LoginFuzz SelectorFuzz TokenClaimsFuzz TokenReviewFuzz ConfigurationFuzz WireFuzz"
[ "$target" = all ] || targets=$target
out=.build/fuzz
mkdir -p "$out/findings"

# The fuzzer's instrumentation is a flag of the compiler, and its main function one of the linker: the package manager
# compiles all harnesses with what they use, and each is linked here with everything but the other harnesses.
export TOCSIN_ONLY=Fuzzers
swift build -c release --scratch-path "$out/build" --target Fuzzers ${TOCSIN_FUZZ_JOBS:+-j "$TOCSIN_FUZZ_JOBS"} \
    --sanitize=address -Xswiftc -sanitize=fuzzer -Xswiftc -parse-as-library -Xcc -fsanitize=fuzzer-no-link
module_names() {
    python3 -c 'import json, sys; print(" ".join(t["name"] for t in json.load(sys.stdin)["targets"]))'
}
objects=$(swift build -c release --scratch-path "$out/build" --show-bin-path)
# Each program gets the modules that its harness uses, and of other packages what those refer to: the fuzzer looks at
# every counter of the program after every input.
own=$(TOCSIN_ONLY=Fuzzers swift package --scratch-path "$out/build" describe --type json | module_names)
find "$objects" -name '*.o' | awk -v own="$own" 'BEGIN { n = split(own, a, " "); for (i = 1; i <= n; i++) is[a[i]] = 1 }
    { m = $0; sub(/\.build\/[^\/]*$/, "", m); sub(/.*\//, "", m); if (!(m in is)) print "\"" $0 "\"" }' > "$out/others"
rm -f "$out/others.a"
ar rcs "$out/others.a" @"$out/others"
for name in $targets; do
    : > "$out/$name.objects"
    for module in $(TOCSIN_ONLY=$name swift package --scratch-path "$out/build" describe --type json | module_names); do
        [ ! -d "$objects/$module.build" ] || find "$objects/$module.build" -name '*.o' | sed 's/.*/"&"/' >> "$out/$name.objects"
    done
    swiftc -sanitize=fuzzer,address -o "$out/$name" @"$out/$name.objects" "$out/others.a" -lz 2> "$out/$name.link" \
        || { cat "$out/$name.link" >&2; exit 1; }
done

fuzz() {
    name=$1
    shift
    mkdir -p "$out/corpus/$name"
    # Files grow by what the parser takes; a megabyte of it says nothing that four kilobytes do not.
    SWIFT_BACKTRACE=enable=no LSAN_OPTIONS=suppressions=Tests/Fuzz/lsan.suppressions:print_suppressions=0 \
        "$out/$name" -max_len="$length" -malloc_limit_mb=256 -rss_limit_mb=2048 -timeout=10 \
        -print_final_stats=1 -artifact_prefix="$out/findings/$name-" "$@" "$out/corpus/$name" "Tests/Fuzz/$name/corpus"
}
failed=
for name in $targets; do
    length=4096
    [ "$name" = SampleBlockChainFuzz ] && length=1536
    if [ "$target" != all ]; then
        fuzz "$name" -max_total_time="$seconds" "$@"
        continue
    fi
    echo "== $name"
    fuzz "$name" -max_total_time="$seconds" "$@" > "$out/$name.log" 2>&1 || failed="$failed $name"
    grep -E 'cov: .*(DONE|NEW|REDUCE|pulse)|ERROR|SUMMARY|Fatal error' "$out/$name.log" | tail -n 1
    grep -E 'number_of_executed_units|peak_rss_mb' "$out/$name.log" || true
    if TOCSIN_FUZZ_CANARY=1 fuzz "$name" -max_total_time=60 -artifact_prefix="$out/canary-" > "$out/$name.canary.log" 2>&1
    then failed="$failed $name(canary)"
    else grep -q 'canary' "$out/$name.canary.log" || failed="$failed $name(canary)"
    fi
done
rm -f "$out"/canary-*
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
