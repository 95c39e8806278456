#!/usr/bin/env python3
"""Bytes, CPU, memory and queries of VictoriaMetrics and Prometheus on the fleet workload, beside ours.

usage: peers.py SEED DATA [--nodes 20] [--rounds 360] [--round 1] [--batch 2000] [--store-nodes 4]
                [--store-rounds 8640] [--scale-nodes 200] [--only victoriametrics|prometheus] [--skip wire,store,scale]

DATA is the folder with bench/fleet.py and fixtures/recorded. Figures are merged into .build/bench/results.json. The
conditions are docs/benchmarks.md's: same data, same pace, same definition of bytes and CPU as wire-bench, store-bench.
"""
import argparse
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    import numpy  # noqa: F401
except ImportError:
    sys.exit("python3 has no numpy\ninstall with: apt-get install -y --no-install-recommends python3-numpy")

from peerbench import measures, results, servers  # noqa: E402
from peerbench.processes import Refusal, Stage, machine_is, require  # noqa: E402
from peerbench.remote_write import Snappy, Zstd  # noqa: E402

#: Figure of ours, what it means, and the end of the peers' names.
ROWS = [
    ("wire_bytes_per_sample_fleet20", "wire bytes a sample, fleet of 20", "wire_bytes_per_sample_fleet20"),
    ("wire_bytes_per_sample_recorded", "wire bytes a sample, recorded node", "wire_bytes_per_sample_recorded"),
    ("ingest_cpu_s_per_million", "CPU s per million samples, at a round a second", "ingest_cpu_s_per_million"),
    ("", "the same, a day as fast as it goes in", "store_ingest_cpu_s_per_million"),
    ("store_bytes_per_sample", "disk bytes a sample, a day, compacted", "store_bytes_per_sample"),
    ("query_p50_ms", "one series, 24 h, raw: p50 ms", "query_p50_ms"),
    ("query_p95_ms", "one series, 24 h, raw: p95 ms", "query_p95_ms"),
    ("ingest_rss_bytes_fleet20", "resident MiB, fleet of 20", "ingest_rss_bytes_fleet20"),
    ("rss_bytes_per_series", "resident bytes a further series", "rss_bytes_per_series"),
]


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("seed", type=int)
    parser.add_argument("data")
    for name, default in (("nodes", 20), ("rounds", 360), ("batch", 2000), ("store-nodes", 4), ("store-rounds", 8640),
                          ("scale-nodes", 200), ("scale-rounds", 30)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--round", type=float, default=1.0, help="seconds from one round to the next")
    parser.add_argument("--only", choices=[server.name for server in servers.ALL])
    parser.add_argument("--skip", default="", help="of wire, store, scale")
    parser.add_argument("--results", default=results.PATH)
    return parser.parse_args()


def generate(stage, chosen, name, nodes, rounds):
    """fleet.py's files in a folder of the stage."""
    directory = stage.path(name)
    if not os.path.exists(directory):
        program = os.path.join(chosen.data, "bench", "fleet.py")
        subprocess.run([sys.executable, program, directory, "--nodes", str(nodes), "--scrapes", str(rounds), "--seed",
                        str(chosen.seed)], check=True)
    return directory


def show(figures):
    def cell(name):
        value = figures.get(name)
        return value / 2**20 if value is not None and "ingest_rss_bytes" in name else value

    print()
    results.table(["", "tocsin", *(server.name for server in servers.ALL)],
                  [[title, cell(ours), *(cell(f"peer_{server.name}_{theirs}") for server in servers.ALL)]
                   for ours, title, theirs in ROWS])
    zstd = figures.get("peer_remote_write_zstd_bytes_per_sample_fleet20")
    if zstd:
        print(f"for information: the same requests in zstd would be {zstd:.2f} bytes a sample")


def main():
    chosen = options()
    skipped = set(filter(None, chosen.skip.split(",")))
    programs = [server for server in servers.ALL if chosen.only in (None, server.name)]
    for server in programs:
        require(server.programs)
    tools = measures.Tools(Snappy(), Zstd(), chosen.batch)
    figures = {}
    print(machine_is("before"))
    with Stage() as stage:
        def keep(found):
            figures.update(results.add(found, chosen.results))

        for number, server in enumerate(programs):
            if "wire" not in skipped:
                directory = generate(stage, chosen, "fleet", chosen.nodes, chosen.rounds)
                keep(measures.wire(stage, server, tools, directory, chosen))
            if "store" not in skipped:
                directory = generate(stage, chosen, "day", chosen.store_nodes, chosen.store_rounds)
                keep(measures.store(stage, server, tools, directory))
            if "scale" not in skipped:
                small = generate(stage, chosen, "small", chosen.nodes, chosen.scale_rounds)
                large = generate(stage, chosen, "large", chosen.scale_nodes, chosen.scale_rounds)
                keep(measures.scale(stage, server, tools, small, large))
        keep({"peer_bench_load": os.getloadavg()[0]})
    print(machine_is("after"))
    show(figures)


if __name__ == "__main__":
    try:
        main()
    except Refusal as refusal:
        sys.exit(f"{refusal}")
