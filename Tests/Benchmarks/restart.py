#!/usr/bin/env python3
"""How long a coordinator that has a day of samples takes from its start until it listens, and its memory then.

usage: restart.py SEED DATA [--binaries DIR] [--nodes 20] [--scrapes 8640] [--starts 3]

DATA is the folder with bench/fleet.py. The day ends when this begins, store-bench puts it into the data folder through
the sample store, then the real coordinator starts on it with the shipped thresholds, several times: it folds its
incidents, reads the last samples back, makes signals and detectors of them, and listens. Figures are merged into
.build/bench/results.json.
"""
import argparse
import array
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peerbench import results  # noqa: E402
from peerbench.processes import Refusal, Stage, cpu_seconds, disk_bytes, free_port, memory  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("seed")
    parser.add_argument("data")
    parser.add_argument("--binaries", default=os.path.join(ROOT, ".build", "release"))
    parser.add_argument("--nodes", type=int, default=20)
    parser.add_argument("--scrapes", type=int, default=8640)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--results", default=results.PATH)
    return parser.parse_args()


def make_day(stage, chosen):
    """The fleet's day, its last round now."""
    fleet = stage.path("fleet")
    subprocess.run(
        [sys.executable, os.path.join(chosen.data, "bench", "fleet.py"), fleet, "--nodes", str(chosen.nodes),
         "--scrapes", str(chosen.scrapes), "--seed", chosen.seed], check=True)
    path = os.path.join(fleet, "times.i64")
    times = array.array("q")
    with open(path, "rb") as file:
        times.frombytes(file.read())
    shift = int(time.time() * 1000) - times[-1]
    with open(path, "wb") as file:
        file.write(array.array("q", (moment + shift for moment in times)).tobytes())
    return fleet


def configure(stage, chosen, data):
    """The coordinator's configuration, with certificates; returns its path."""
    tls = stage.path("tls")
    subprocess.run(
        [os.path.join(chosen.binaries, "tocsin"), "tls", "init", tls, "--cluster", "bench", "--host", "localhost",
         "--node", "n", "--user", "oncall"], check=True, stdout=subprocess.DEVNULL)
    return stage.write("coordinator.yaml", f"""kind: coordinator
listen: 127.0.0.1:{free_port()}
tls: {{certificateFile: {tls}/coordinator.crt, keyFile: {tls}/coordinator.key, trustRootsFile: {tls}/ca.crt}}
dataDirectory: {data}
http: {{listen: 127.0.0.1:{free_port()}}}
thresholdsFile: {ROOT}/deploy/config/thresholds.yaml
step: 10s
""")


def main():
    chosen = options()
    with Stage("tocsin-restart-") as stage:
        fleet, data = make_day(stage, chosen), stage.path("data")
        subprocess.run(
            [os.path.join(chosen.binaries, "store-bench"), fleet, "--data", data, "--results", chosen.results],
            check=True)
        subprocess.run(["rm", "-rf", fleet], check=True)
        size = disk_bytes(data)
        config = configure(stage, chosen, data)
        seconds, resident, cpu = [], [], []
        for number in range(chosen.starts):
            began = time.monotonic()
            child = stage.start([os.path.join(chosen.binaries, "tocsin-coordinator"), "--config", config])
            child.wait_for_line("] listening", 120)
            seconds.append(time.monotonic() - began)
            resident.append(memory(child.pid)[0] / 2**20)
            cpu.append(cpu_seconds(child.pid))
            print(child.wait_for_line("samples read back"))
            child.stop()
        figures = {
            "restart_day_s": results.quantile(seconds, 0.5), "restart_day_s_max": max(seconds),
            "restart_day_cpu_s": results.quantile(cpu, 0.5),
            "restart_day_resident_mib": max(resident), "restart_day_store_mib": size / 2**20}
        results.add(figures, chosen.results)
        results.table(["start on a day of samples", f"{chosen.nodes} nodes"], list(figures.items()))


try:
    main()
except Refusal as refusal:
    sys.exit(str(refusal))
