#!/bin/sh
# Runs the live suites, one test after another: live.sh 'ModuleTests|OtherTests' [arguments of swift test].
#
# A live test has processes, sockets and a shared machine in it. When at most two of them fail, their suites run once
# more, alone; a failure that does not come again is printed as FLAKY and is a defect to mend, not a reason to hold back
# everything else (docs/decisions/0011). Anything that fails twice, a crash, or more than two failures fail the run.
set -u
suites=$1
shift
report=$(mktemp -d)
trap 'rm -rf "$report"' EXIT

if swift test --skip-build --no-parallel "$@" --filter "^($suites)\\." --xunit-output "$report/first.xml"; then
    exit 0
fi
first=$report/first-swift-testing.xml
[ -s "$first" ] || { echo "live tests: no report was written; the run crashed" >&2; exit 1; }
failed=$(awk -F '"' '/<testcase /{name = $2 "/" $4} /<failure/{print name}' "$first" | sort -u)
count=$(printf '%s\n' "$failed" | grep -c .)
if [ "$count" -eq 0 ] || [ "$count" -gt 2 ]; then
    echo "live tests: $count tests failed; no second run" >&2
    exit 1
fi
again=$(printf '%s\n' "$failed" | sed 's,/.*,,; s,[.],\\.,g' | sort -u | paste -sd '|' -)
echo "live tests: once more, alone: $again"
swift test --skip-build --no-parallel "$@" --filter "^($again)(/|\$)" --xunit-output "$report/again.xml" || exit 1
# A filter that met nothing proves nothing.
printf '%s\n' "$failed" | while IFS= read -r test; do
    grep -qF "name=\"${test#*/}\"" "$report/again-swift-testing.xml" || {
        echo "live tests: $test did not run again" >&2
        exit 1
    }
done || exit 1
printf '%s\n' "$failed" | sed 's/^/FLAKY: passed only the second time: /'
