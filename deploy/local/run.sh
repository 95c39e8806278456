#!/bin/sh
# Starts coordinator and agent for one's own targets: deploy/local/*.yaml, certificates and data under ./local.
# Usage: run.sh BIN_DIRECTORY. Ctrl-C stops both.
set -eu
bin=$1
cd "$(dirname "$0")/../.."
[ -e local/tls/ca.crt ] || "$bin/tocsin" tls init local/tls --cluster local --node localhost --host localhost --host 127.0.0.1 --user "$(id -un)"
"$bin/tocsin" config check deploy/local/coordinator.yaml deploy/local/agent.yaml deploy/config/thresholds.yaml

agent=""
"$bin/tocsin-coordinator" --config deploy/local/coordinator.yaml &
coordinator=$!
trap 'kill -TERM $agent $coordinator 2>/dev/null || true; wait' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$bin/tocsin-agent" --config deploy/local/agent.yaml &
agent=$!
echo "Running. In another terminal:"
echo "  export TOCSIN_ENDPOINT=localhost:7443 TOCSIN_CA=local/tls/ca.crt TOCSIN_CERT=local/tls/user-$(id -un).crt TOCSIN_KEY=local/tls/user-$(id -un).key"
echo "  $bin/tocsin status"
wait "$coordinator" "$agent"
