#!/bin/sh
# Release tarballs of the three programs in dist/, with checksums and sizes, each tried in a bare root file system.
# usage: deploy/release/dist.sh [build | pack | check]...; all three without an argument. TOCSIN_DIST_JOBS=1 bounds the build.
#        deploy/release/dist.sh files: what lies beside the programs, as lines of "PROGRAM SOURCE TARGET".
#
# The Swift runtime and Foundation are linked in; libcurl, libpq, libyaml and SQLite are the distribution's, which mends them.
set -eu
cd "$(dirname "$0")/../.."
programs="tocsin tocsin-agent tocsin-coordinator"
scratch=.build/dist
agent_bytes_max=40000000
version=$(sed -n 's/.*static let current = "\(.*\)".*/\1/p' Sources/Telemetry/TocsinVersion.swift)
platform=linux-$(uname -m)
[ $# -gt 0 ] || set -- build pack check

build() {
    for program in $programs; do
        swift build -c release --static-swift-stdlib --scratch-path "$scratch" --product "$program" \
            ${TOCSIN_DIST_JOBS:+-j "$TOCSIN_DIST_JOBS"} -Xswiftc -gnone
    done
}

# The package manager exports every symbol of a static program, which keeps all of them: linked once more without, and
# with relocations packed (glibc 2.36), a program has a tenth less.
link() {
    swiftc -static-stdlib -use-ld=lld -emit-executable -o "$2" @"$built/$1.product/Objects.LinkFileList" \
        -Xlinker --as-needed -Xlinker -lcurl -Xlinker -lpq -Xlinker -lsqlite3 -Xlinker -lyaml -Xlinker -lz -Xlinker --no-as-needed \
        -Xlinker "--defsym=main=$(echo "$1" | tr - _)_main" -Xlinker --strip-all \
        -Xlinker --gc-sections -Xlinker --no-export-dynamic -Xlinker --icf=safe -Xlinker -O2 \
        -Xlinker -z -Xlinker pack-relative-relocs
}

files() {
    for program in $programs; do
        echo "$program LICENSE LICENSE"
        case $program in
        tocsin) documents="cli operations" ;;
        *)
            documents="configuration operations"
            daemon=${program#tocsin-}
            echo "$program deploy/config/$daemon.yaml $daemon.yaml"
            echo "$program deploy/systemd/$program.service $program.service"
            echo "$program deploy/systemd/$program.conf $program.conf"
            ;;
        esac
        for document in $documents; do echo "$program docs/$document.md doc/$document.md"; done
    done
    echo "tocsin-coordinator deploy/config/thresholds.yaml thresholds.yaml"
    for template in deploy/templates/*; do echo "tocsin-coordinator $template templates/${template##*/}"; done
}

pack() {
    built=$(swift build -c release --static-swift-stdlib --scratch-path "$scratch" --show-bin-path)
    rm -rf dist
    mkdir -p dist
    for program in $programs; do
        name=$program-$version-$platform
        mkdir -p "dist/$name"
        link "$program" "dist/$name/$program"
        files | while read -r owner source target; do
            [ "$owner" = "$program" ] || continue
            mkdir -p "$(dirname "dist/$name/$target")"
            cp "$source" "dist/$name/$target"
        done
        # The same files give the same bytes, whoever packs them and when.
        tar --sort=name --owner=0 --group=0 --numeric-owner --mtime='2000-01-01 00:00Z' -C dist -cf - "$name" \
            | gzip -9n > "dist/$name.tar.gz"
        printf '%-20s %6.1f MiB, packed %5.1f MiB\n' "$program" \
            "$(stat -c %s "dist/$name/$program" | awk '{print $1 / 1048576}')" \
            "$(stat -c %s "dist/$name.tar.gz" | awk '{print $1 / 1048576}')"
    done
    (cd dist && sha256sum ./*.tar.gz > SHA256SUMS && cat SHA256SUMS)
    bytes=$(stat -c %s "dist/tocsin-agent-$version-$platform/tocsin-agent")
    [ "$bytes" -le "$agent_bytes_max" ] || { echo "the agent has $bytes bytes, more than $agent_bytes_max" >&2; exit 1; }
}

check() {
    (cd dist && sha256sum --quiet -c SHA256SUMS)
    python3 deploy/release/bare_root.py dist "$version-$platform"
}

for step in "$@"; do "$step"; done
