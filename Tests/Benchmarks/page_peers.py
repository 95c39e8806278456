#!/usr/bin/env python3
"""Fault to page: Prometheus with Alertmanager, and ours, at the same interval, on the same faults at the same time.

usage: page_peers.py [--binaries DIR] [--phases 12] [--interval 10] [--seed 7] [--only tocsin|prometheus]

A real JVM service under 20 requests a second; at a random phase of the interval 30 % of them begin to fail, until both
have paged. Between two such bursts a container is killed for lack of memory, as the API server and kube-state-metrics tell
it. What is measured ends when a webhook's body has arrived. Binaries are release builds of tocsin, tocsin-agent and
tocsin-coordinator. Figures are merged into .build/bench/results.json.
"""
import argparse
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peerbench import alerting, java_service, results  # noqa: E402
from peerbench.kubernetes import Cluster  # noqa: E402
from peerbench.processes import Refusal, Stage, machine_is, require  # noqa: E402
from peerbench.webhook import Receiver  # noqa: E402

KINDS = {"HighErrorRate": "error burst", "OOMKilled": "OOM kill"}
PATHS = {"/prometheus": ("prometheus", alerting.prometheus_notices), "/tocsin": ("tocsin", alerting.tocsin_notices)}


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binaries", default=os.path.join(java_service.ROOT, ".build", "release"))
    parser.add_argument("--phases", type=int, default=12)
    parser.add_argument("--interval", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", choices=["tocsin", "prometheus"])
    parser.add_argument("--results", default=results.PATH)
    return parser.parse_args()


def told(arrived, kind, over):
    """{(system, which): seconds} of the first word that something is wrong, or over."""
    found = {}
    for seconds, path, body in arrived:
        system, notices = PATHS[path]
        for what, which, is_over in notices(body):
            if what == kind and is_over == over:
                found.setdefault((system, which), seconds)
    return found


class Run:
    """The faults, and how long each system took to page each of them."""

    def __init__(self, chosen, systems, traffic, cluster, receiver):
        self.chosen, self.systems = chosen, systems
        self.traffic, self.cluster, self.receiver = traffic, cluster, receiver
        self.times = {(system, kind): [] for system in systems for kind in KINDS}
        self.missed = 0

    def play(self):
        random.seed(self.chosen.seed)
        for number, (burst, kill) in enumerate(zip(self._phases(), self._phases())):
            print(f"fault {number + 1} of {self.chosen.phases}; {machine_is()}", flush=True)
            # Twice the interval of quiet, so that no window has anything of the fault before.
            time.sleep(2 * self.chosen.interval)
            self._wait_for_phase(burst)
            self._burst()
            self._wait_for_phase(kill)
            self._kill(number)

    def _phases(self):
        """Times in the interval, in seconds, in random order: a random one of each of as many equal parts."""
        parts = self.chosen.phases
        phases = [(part + random.random()) / parts * self.chosen.interval for part in range(parts)]
        random.shuffle(phases)
        return phases

    def _wait_for_phase(self, phase):
        """Waits until the wall clock, to which both align what they do, is so far in an interval."""
        time.sleep((phase - time.time()) % self.chosen.interval)

    def _burst(self):
        wanted = {(system, name) for system in self.systems for name in alerting.COPIES}
        start = time.monotonic()
        self.traffic.fail(0.3)
        self._await(start, "HighErrorRate", wanted)
        end = time.monotonic()
        self.traffic.fail(0)
        self.receiver.wait(end, lambda arrived: wanted <= told(arrived, "HighErrorRate", True).keys(), 120)

    def _kill(self, number):
        start = time.monotonic()
        self.cluster.kill_for_memory(number)
        self._await(start, "OOMKilled", {(system, f"ledger-{number}-0") for system in self.systems})

    def _await(self, start, kind, wanted):
        phase = (time.time() - (time.monotonic() - start)) % self.chosen.interval
        self.receiver.wait(start, lambda arrived: wanted <= told(arrived, kind, False).keys(), 60)
        found = told(self.receiver.since(start), kind, False)
        for key in sorted(wanted):
            if key in found:
                self.times[key[0], kind].append(found[key])
        self.missed += len(wanted - found.keys())
        shown = {system: [f"{found[key]:.1f}" for key in sorted(wanted) if key[0] == system and key in found]
                 for system in self.systems}
        print(f"    {KINDS[kind]:12s} at {phase:4.1f} s of an interval" + "".join(
            f"  {system}: {' '.join(texts) or 'no page'}" for system, texts in shown.items()), flush=True)


def figures_of(run):
    figures = {}
    for (system, kind), times in run.times.items():
        prefix = "" if system == "tocsin" else "peer_prometheus_"
        name = {"HighErrorRate": "fault_to_page", "OOMKilled": "edge_to_page"}[kind]
        if times:
            figures[f"{prefix}{name}_s_median"] = results.quantile(times, 0.5)
            figures[f"{prefix}{name}_s_p95"] = results.quantile(times, 0.95)
            figures[f"{prefix}{name}_readings"] = len(times)
    return figures


def main():
    chosen = options()
    systems = ["tocsin", "prometheus"] if chosen.only is None else [chosen.only]
    require({"java": "default-jdk-headless", "javac": "default-jdk-headless"})
    if "prometheus" in systems:
        require({"prometheus": "prometheus", "prometheus-alertmanager": "prometheus-alertmanager"})
    for name in ("tocsin", "tocsin-agent", "tocsin-coordinator"):
        if not os.access(os.path.join(chosen.binaries, name), os.X_OK):
            raise Refusal(f"no {name} in {chosen.binaries}: build it with swift build -c release --product {name}, or "
                          "name its folder with --binaries")
    print(machine_is("before"))
    with Stage("tocsin-pages-") as stage:
        alerting.make_certificates(stage, chosen.binaries)
        port = java_service.start(stage)
        cluster = Cluster(chosen.phases, stage.path("tls", "coordinator.crt"), stage.path("tls", "coordinator.key"),
                          alerting.TOKEN)
        receiver, traffic = Receiver(), java_service.Traffic(port)
        # One failure now: a rate of Prometheus misses what a counter that is new begins with.
        traffic.request_once("/boom")
        if "prometheus" in systems:
            alerting.start_prometheus(stage, port, cluster.metrics_port, receiver.port, chosen.interval)
        if "tocsin" in systems:
            alerting.start_tocsin(stage, chosen.binaries, port, cluster.port, receiver.port, chosen.interval)
        # Rates need looks to compare with, and a JVM that has warmed up.
        time.sleep(4 * chosen.interval)
        for seconds, path, body in receiver.since(0):
            print(f"a page before any fault: {path} {body}")
        run = Run(chosen, systems, traffic, cluster, receiver)
        run.play()
    figures = figures_of(run)
    results.add(figures | {"page_bench_missed": run.missed, "page_bench_load": os.getloadavg()[0]}, chosen.results)
    print(machine_is("after"), end="\n\n")
    results.table(["", "readings", "median s", "p95 s"],
                  [[f"{KINDS[kind]}, {system}", f"{len(times)}", *(results.quantile(times, at) for at in (0.5, 0.95))]
                   for (system, kind), times in run.times.items() if times])
    if run.missed:
        raise Refusal(f"{run.missed} faults were not paged within a minute")


if __name__ == "__main__":
    try:
        main()
    except Refusal as refusal:
        sys.exit(f"{refusal}")
