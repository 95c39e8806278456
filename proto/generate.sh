#!/bin/sh
# Writes proto/Generated from proto/tocsin/v1/*.proto, and beside it the hash of its inputs that a test compares.
# protoc comes from Debian's protobuf-compiler; the two plugins are built from the packages that Package.swift names.
set -eu
cd "$(dirname "$0")/.."
command -v protoc >/dev/null || { echo "protoc is missing: apt-get install protobuf-compiler" >&2; exit 1; }
swift build --product protoc-gen-swift
swift build --product protoc-gen-grpc-swift-2
bin=$(swift build --show-bin-path)
rm -rf proto/Generated
mkdir -p proto/Generated
protoc -I proto \
    --plugin=protoc-gen-swift="$bin/protoc-gen-swift" --swift_out=proto/Generated \
    --swift_opt=Visibility=Package --swift_opt=UseAccessLevelOnImports=true --swift_opt=FileNaming=DropPath \
    --plugin=protoc-gen-grpc-swift-2="$bin/protoc-gen-grpc-swift-2" --grpc-swift-2_out=proto/Generated \
    --grpc-swift-2_opt=Visibility=Package --grpc-swift-2_opt=UseAccessLevelOnImports=true \
    --grpc-swift-2_opt=FileNaming=DropPath --grpc-swift-2_opt=Availability=macOS\ 15.0 \
    proto/tocsin/v1/*.proto
cat proto/tocsin/v1/*.proto proto/generate.sh | sha256sum | cut -d' ' -f1 >proto/Generated/INPUTS.sha256
