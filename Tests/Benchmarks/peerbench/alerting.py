"""Prometheus and Alertmanager tuned to page as soon as they can at an interval, and ours at the same interval.

Both look at the same service as several targets of different names. When a look is due is a hash of the name in both,
and so is when Prometheus evaluates a group of rules: several names sample those phases, which are fixed in one setup.
"""
import os
import subprocess

from .kubernetes import NODE
from .processes import fetch, free_port

#: Names of the one service. Their hashes spread looks and evaluations over the interval.
COPIES = ["control-a", "control-b", "control-c", "control-d"]
TOKEN = "bench-token"


def start_prometheus(stage, service_port, cluster_port, hook_port, interval):
    """Starts both, and waits until they are ready. The window of the rate is the least that always has two samples."""
    window = f"{2 * interval}s"
    jobs = "".join(f"""
  - job_name: {name}
    metrics_path: /actuator/prometheus
    static_configs: [{{targets: ['127.0.0.1:{service_port}']}}]""" for name in COPIES)

    def rate(job, more):
        return f'sum(rate(http_server_requests_seconds_count{{job="{job}",uri!~"/actuator.*"{more}}}[{window}]))'

    failing = ',status=~"5.."'
    groups = "".join(f"""
  - name: errors-{name}
    rules:
      - alert: HighErrorRate
        expr: {rate(name, failing)} / {rate(name, '')} > 0.05
        for: 0s
        labels: {{copy: {name}}}""" for name in COPIES)
    rules = stage.write("rules.yml", f"""groups:{groups}
  - name: oom
    rules:
      - alert: OOMKilled
        expr: >-
          increase(kube_pod_container_status_restarts_total[{window}]) > 0
          and on (namespace, pod, container)
          kube_pod_container_status_last_terminated_reason{{reason="OOMKilled"}} == 1
        for: 0s
""")
    manager_port, port = free_port(), free_port()
    config = stage.write("prometheus.yml", f"""global:
  scrape_interval: {interval}s
  evaluation_interval: {interval}s
rule_files: [{rules}]
alerting:
  alertmanagers:
    - static_configs: [{{targets: ['127.0.0.1:{manager_port}']}}]
scrape_configs:{jobs}
  - job_name: kube-state
    static_configs: [{{targets: ['127.0.0.1:{cluster_port}']}}]
""")
    manager = stage.write("alertmanager.yml", f"""route:
  receiver: hook
  group_by: [alertname, copy, pod]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 4h
receivers:
  - name: hook
    webhook_configs: [{{url: 'http://127.0.0.1:{hook_port}/prometheus', send_resolved: true}}]
""")
    child = stage.start(["prometheus-alertmanager", f"--config.file={manager}", f"--storage.path={stage.path('am')}",
                         f"--web.listen-address=127.0.0.1:{manager_port}", "--cluster.listen-address="])
    child.wait_until(lambda: fetch(f"http://127.0.0.1:{manager_port}/-/ready", 2) is not None)
    child = stage.start(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={stage.path('tsdb')}",
                         f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"])
    child.wait_until(lambda: fetch(f"http://127.0.0.1:{port}/-/ready", 2) is not None)


def prometheus_notices(body):
    """(kind, which, whether it is over) of an Alertmanager webhook's alerts."""
    for alert in body["alerts"]:
        labels = alert["labels"]
        yield labels["alertname"], labels.get("copy") or labels.get("pod"), alert["status"] == "resolved"


def make_certificates(stage, binaries):
    """`tocsin tls init` into the stage's folder."""
    subprocess.run([os.path.join(binaries, "tocsin"), "tls", "init", stage.path("tls"), "--cluster", "bench", "--host",
                    "localhost", "--host", "127.0.0.1", "--node", NODE, "--user", "oncall"],
                   check=True, stdout=subprocess.DEVNULL)


def start_tocsin(stage, binaries, service_port, api_port, hook_port, interval):
    """Starts coordinator and agent with checks as sharp as the peers' rules, and waits until all targets answer."""
    port, pages = free_port(), (free_port(), free_port())
    stage.write("hook-url", f"http://127.0.0.1:{hook_port}/tocsin\n")
    stage.write("token", TOKEN + "\n")

    def tls(name):
        return f"{{certificateFile: tls/{name}.crt, keyFile: tls/{name}.key, trustRootsFile: tls/ca.crt}}"

    stage.write("thresholds.yaml", f"""kind: thresholds
checks:
  error-rate: {{family: error-rate, title: High error rate, signal: error_ratio, above: 5%, leave: 2.5%, for: 0,
               leaveFor: {interval}s, window: {interval}s, minimumVolume: 10}}
  oom-kill: {{family: memory, group: container-memory, title: Container killed for lack of memory, signal: oom_kills,
             above: 1, leave: 1, for: 0, window: 30m}}
severity:
  - {{check: error-rate, level: P2, because: more than 5 % of requests fail}}
  - {{check: oom-kill, level: P2, because: a container was killed for lack of memory}}
""")
    coordinator = stage.write("coordinator.yaml", f"""kind: coordinator
listen: 127.0.0.1:{port}
tls: {tls("coordinator")}
dataDirectory: coordinator
http: {{listen: '127.0.0.1:{pages[0]}'}}
step: {interval}s
incidents: {{reopenWithin: 0, flapping: {{openings: 16, within: 1m, quiet: 0}}}}
channels:
  hook: {{type: webhook, urlFile: hook-url, perMinute: 1000, digestFrom: 0}}
notifications: {{always: [hook]}}
""")
    actuators = "".join(f"""
  - {{name: {name}, url: 'http://127.0.0.1:{service_port}/actuator', namespace: oddsmaker, workload: Deployment/{name},
     pod: {name}-7d4b9c6f5-x2x4q}}""" for name in COPIES)
    agent = stage.write("agent.yaml", f"""kind: agent
cluster: bench
node: {NODE}
coordinator: {{endpoint: '127.0.0.1:{port}'}}
tls: {tls("agent-" + NODE)}
dataDirectory: agent
interval: {interval}s
http: {{listen: '127.0.0.1:{pages[1]}'}}
host: {{enabled: false}}
kubernetes: {{apiServer: 'https://127.0.0.1:{api_port}', tokenFile: token, caFile: tls/ca.crt}}
actuators:{actuators}
""")
    child = stage.start([os.path.join(binaries, "tocsin-coordinator"), "--config", coordinator])
    child.wait_for_line("[CoordinatorApp] listening")
    child = stage.start([os.path.join(binaries, "tocsin-agent"), "--config", agent])
    child.wait_until(lambda: fetch(f"http://127.0.0.1:{pages[1]}/readyz", 2) is not None)


def tocsin_notices(body):
    """(kind, which, whether it is over) of our webhook's notices."""
    for notice in body["notices"]:
        kind = "HighErrorRate" if notice["title"] == "High error rate" else "OOMKilled"
        name = notice["subject"].rsplit("/", 1)[1]
        yield kind, name if kind == "HighErrorRate" else name + "-0", notice["purpose"] == "resolved"
