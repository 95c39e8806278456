"""The servers that are compared, each with its shipped settings: what is set beside them is said in a comment."""
import http.client
import json
import os
import time
import urllib.parse

from .processes import disk_bytes, fetch, free_port, metric


class Server:
    """A server on a free port with an empty data folder."""

    name = ""
    #: Whether its own count has the samples that it was sent before, with the same time and value.
    counts_repeated = True

    def __init__(self, stage, number):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data = stage.path(f"{self.name}-{number}")
        self.child = stage.start(self._arguments(stage))
        self.child.wait_until(lambda: fetch(self.url + self._ready, 2) is not None)
        self.pid = self.child.pid

    def figure(self, name):
        """A figure of its own metrics page."""
        return metric(fetch(self.url + "/metrics"), name)

    def stored_samples(self):
        """How many samples it says it took."""
        return int(self.figure(self._counter) or 0)

    def query(self, connection, selector, time_s, span):
        """Raw points of a selector over `span` before a time: seconds until the last byte was here, and the body."""
        parameters = urllib.parse.urlencode({"query": f"{selector}[{span}]", "time": f"{time_s:.3f}"})
        start = time.perf_counter()
        connection.request("GET", "/api/v1/query?" + parameters)
        answer = connection.getresponse()
        body = answer.read()
        return time.perf_counter() - start, (body if answer.status == 200 else b"")

    def connect(self):
        """A connection that stays open, for queries."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)


class VictoriaMetrics(Server):
    """The single-node server. A retention beyond its month, since workloads carry times of their own."""

    name = "victoriametrics"
    programs = {"victoria-metrics": "victoria-metrics"}
    _ready = "/health"
    _counter = "vm_rows_inserted_total"

    def _arguments(self, _):
        return ["victoria-metrics", f"-httpListenAddr=127.0.0.1:{self.port}", f"-storageDataPath={self.data}",
                "-retentionPeriod=10y", "-loggerLevel=WARN"]

    def compacted_bytes(self, stage):
        """Blocks of its data folder after everything is merged into as few parts as it ever makes, and it has ended."""
        fetch(self.url + "/internal/force_flush", 120)
        fetch(self.url + "/internal/force_merge", 600)
        # The call returns at once; merging is over when none is active three times in a row.
        quiet = 0
        while quiet < 3:
            time.sleep(1)
            quiet = quiet + 1 if not self.figure("vm_active_merges") else 0
        stage.end(self.child)
        return {"store_bytes_per_sample": disk_bytes(self.data)}


class Prometheus(Server):
    """With the receiver, the admin interface for the snapshot, no scrapes, and a retention beyond its 15 days."""

    name = "prometheus"
    programs = {"prometheus": "prometheus"}
    _ready = "/-/ready"
    counts_repeated = False
    _counter = "prometheus_tsdb_head_samples_appended_total"

    def _arguments(self, stage):
        config = stage.write("prometheus-receiver.yml", "global: {}\n")
        return ["prometheus", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{self.port}",
                f"--storage.tsdb.path={self.data}", "--storage.tsdb.retention.time=10y", "--log.level=warn",
                "--web.enable-remote-write-receiver", "--web.enable-admin-api"]

    def compacted_bytes(self, stage):
        """Blocks of a snapshot, in which the head is a block too and no log is; and of the whole data folder.

        Compaction is looked for once a minute: it is over when none came for longer than that.
        """
        deadline, last, since = time.monotonic() + 600, -1, time.monotonic()
        while time.monotonic() < min(deadline, since + 70):
            runs = self.figure("prometheus_tsdb_compactions_total")
            if runs != last:
                last, since = runs, time.monotonic()
            time.sleep(1)
        whole = disk_bytes(self.data)
        answer = json.loads(fetch(self.url + "/api/v1/admin/tsdb/snapshot", 300, "POST"))
        snapshot = os.path.join(self.data, "snapshots", answer["data"]["name"])
        stage.end(self.child)
        return {"store_bytes_per_sample": disk_bytes(snapshot), "store_bytes_per_sample_with_log": whole}


ALL = [VictoriaMetrics, Prometheus]
