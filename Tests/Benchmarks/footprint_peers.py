#!/usr/bin/env python3
"""Memory and CPU of node exporter, PostgreSQL exporter and vmagent on the targets of `make footprint`, beside ours.

usage: footprint_peers.py DATA [--binaries DIR] [--seconds 300] [--interval 10] [--actuators 10]
                          [--collector vmagent|prometheus] [--only-peers]

Targets: the JVM service under 20 requests a second, by as many names as there are actuators; a PostgreSQL of our own;
the recorded containers of a node with 46 pods (DATA/fixtures/recorded), as its kubelet would serve them; and this
machine, by the node exporter. Samples go by remote write to a VictoriaMetrics that is not counted. Ours is the release
build of tocsin-demo with the same number of targets of its own, in the same minutes. Figures are merged into
.build/bench/results.json.
"""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peerbench import java_service, postgres, results  # noqa: E402
from peerbench.processes import (  # noqa: E402
    Refusal, Stage, cpu_seconds, fetch, free_port, machine_is, memory, metric, require)
from peerbench.recorded_pages import RecordedPage  # noqa: E402

MIB = 2**20


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("--binaries", default=os.path.join(java_service.ROOT, ".build", "release"))
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--interval", type=int, default=10)
    parser.add_argument("--actuators", type=int, default=10)
    parser.add_argument("--collector", choices=["vmagent", "prometheus"], default="vmagent")
    parser.add_argument("--only-peers", action="store_true")
    parser.add_argument("--results", default=results.PATH)
    return parser.parse_args()


def start_peers(stage, chosen):
    """Starts targets, receiver, exporters and collector; returns the counted processes and the receiver's URL."""
    service, database = java_service.start(stage, ("--workers", "100")), postgres.start(stage)
    java_service.Traffic(service)
    containers = RecordedPage(os.path.join(chosen.data, "fixtures", "recorded"))
    store, node, pg, own = (free_port() for _ in range(4))
    stage.start(["victoria-metrics", f"-httpListenAddr=127.0.0.1:{store}", f"-storageDataPath={stage.path('vm')}",
                 "-loggerLevel=WARN"])
    counted = {"node-exporter": stage.start(["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{node}",
                                             "--log.level=error"])}
    counted["postgres-exporter"] = stage.start(
        ["prometheus-postgres-exporter", f"--web.listen-address=127.0.0.1:{pg}", "--log.level=error"],
        environment={"DATA_SOURCE_NAME": f"postgresql://tocsin:tocsin@127.0.0.1:{database}/postgres?sslmode=disable"})
    actuators = "".join(f"""
      - {{targets: ['127.0.0.1:{service}'], labels: {{namespace: oddsmaker, pod: oddsmaker-control-{number}}}}}"""
                        for number in range(chosen.actuators))
    write = f"http://127.0.0.1:{store}/api/v1/write"
    config = f"""global: {{scrape_interval: {chosen.interval}s}}
scrape_configs:
  - job_name: actuators
    metrics_path: /actuator/prometheus
    static_configs:{actuators}
  - job_name: kubelet
    static_configs: [{{targets: ['127.0.0.1:{containers.port}']}}]
  - job_name: node
    static_configs: [{{targets: ['127.0.0.1:{node}']}}]
  - job_name: postgres
    static_configs: [{{targets: ['127.0.0.1:{pg}']}}]
"""
    if chosen.collector == "vmagent":
        path = stage.write("scrape.yml", config)
        arguments = ["vmagent", f"-promscrape.config={path}", f"-remoteWrite.url={write}", "-loggerLevel=WARN",
                     f"-remoteWrite.tmpDataPath={stage.path('vmagent')}", f"-httpListenAddr=127.0.0.1:{own}"]
    else:
        path = stage.write("scrape.yml", config + f"remote_write: [{{url: '{write}'}}]\n")
        arguments = ["prometheus", "--enable-feature=agent", f"--config.file={path}", "--log.level=warn",
                     f"--storage.agent.path={stage.path('agent')}", f"--web.listen-address=127.0.0.1:{own}"]
    counted[chosen.collector] = collector = stage.start(arguments)

    def up():
        answer = fetch(f"http://127.0.0.1:{store}/api/v1/query?query=sum(up)", 5)
        return answer is not None and f'"{chosen.actuators + 3}"' in answer

    # What was written lately is not found for half a minute: by VictoriaMetrics' -search.latencyOffset.
    collector.wait_until(up, 120)
    return counted, f"http://127.0.0.1:{store}/metrics"


def start_ours(stage, chosen):
    """Starts our measurement, and waits until it measures; None when it is not asked for."""
    if chosen.only_peers:
        return None
    program = os.path.join(chosen.binaries, "tocsin-demo")
    if not os.access(program, os.X_OK):
        raise Refusal(f"no tocsin-demo in {chosen.binaries}: build it with swift build -c release --product "
                      "tocsin-demo, name its folder with --binaries, or leave ours out with --only-peers")
    child = stage.start([program, "--footprint", "--seconds", str(chosen.seconds), "--interval", f"{chosen.interval}s",
                         "--actuators", str(chosen.actuators), "--whole-node"], directory=java_service.ROOT)
    child.wait_for_line("all ", 300)
    return child


def rows_of_ours(child):
    """(name, resident, anonymous, peak, CPU %) of its table: MiB."""
    child.process.wait(120)
    with open(child.log) as file:
        for line in file:
            words = line.replace("MiB", "").replace("%", "").split()
            if words[:1] in (["agent"], ["coordinator"]) and len(words) == 5:
                yield [words[0], *(float(word) for word in words[1:])]


def main():
    chosen = options()
    require({"prometheus-node-exporter": "prometheus-node-exporter", "victoria-metrics": "victoria-metrics",
             "prometheus-postgres-exporter": "prometheus-postgres-exporter", "java": "default-jdk-headless",
             "javac": "default-jdk-headless",
             chosen.collector: "victoria-metrics" if chosen.collector == "vmagent" else "prometheus"})
    print(machine_is("before"))
    with Stage("tocsin-footprint-") as stage:
        counted, store = start_peers(stage, chosen)
        ours = start_ours(stage, chosen)
        print(f"all targets answer; measuring for {chosen.seconds} s; {machine_is()}", flush=True)
        taken, before = metric(fetch(store), "vm_rows_inserted_total"), {
            name: cpu_seconds(child.pid) for name, child in counted.items()}
        start = time.monotonic()
        time.sleep(chosen.seconds)
        seconds, rows = time.monotonic() - start, []
        for name, child in counted.items():
            share = (cpu_seconds(child.pid) - before[name]) / seconds * 100
            rows.append([name, *(size / MIB for size in memory(child.pid)), share])
        samples = (metric(fetch(store), "vm_rows_inserted_total") - taken) / seconds * chosen.interval
        rows.append(["peers together", *(sum(column) for column in list(zip(*rows))[1:])])
        ours_rows = list(rows_of_ours(ours)) if ours else []
        if ours and not ours_rows:
            raise Refusal(f"tocsin-demo printed no figures:\n{ours.tail()}")
    print(machine_is("after"), end="\n\n")
    results.table(["MiB", "resident", "anonymous", "peak", "CPU % of a core"], rows + ours_rows)
    print(f"the peers' collector sent {samples:.0f} samples an interval of {chosen.interval} s")
    figures = {"peer_footprint_samples_a_round": samples, "peer_footprint_load": os.getloadavg()[0]}
    for name, resident, anonymous, _, share in rows + ours_rows:
        prefix = "footprint" if name in ("agent", "coordinator") else "peer_footprint"
        key = f"{prefix}_{name.replace('-', '_').replace(' ', '_')}"
        figures |= {f"{key}_resident_mib": resident, f"{key}_anonymous_mib": anonymous, f"{key}_cpu_percent": share}
    results.add(figures, chosen.results)


if __name__ == "__main__":
    try:
        main()
    except Refusal as refusal:
        sys.exit(f"{refusal}")
