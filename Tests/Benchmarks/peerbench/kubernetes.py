"""The API server's pods, listed and watched over TLS, and the same as kube-state-metrics would tell it.

Just what a pod watch asks for: a list, and a stream of events after it. A kill for lack of memory is one event.
"""
import http.server
import json
import ssl
import threading
import time

NODE = "bench-node"


def _time():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Cluster:
    """Pods `ledger-0` … of one StatefulSet each, on one node."""

    def __init__(self, pods, certificate, key, token):
        self._pods = [self._pod(number) for number in range(pods)]
        self._version, self._changed, self._events = pods + 10, threading.Condition(), []
        self._token = token
        self.port = self._serve(self._api_handler(), certificate, key)
        self.metrics_port = self._serve(self._metrics_handler(), None, None)

    def kill_for_memory(self, number):
        """The container of a pod ends as OOMKilled and runs again."""
        with self._changed:
            self._version += 1
            pod = json.loads(json.dumps(self._pods[number]))
            pod["metadata"]["resourceVersion"] = str(self._version)
            status = pod["status"]["containerStatuses"][0]
            status["restartCount"] += 1
            status["lastState"] = {"terminated": {
                "exitCode": 137, "reason": "OOMKilled", "startedAt": status["state"]["running"]["startedAt"],
                "finishedAt": _time(), "containerID": status["containerID"]}}
            status["containerID"] = f"containerd://{number:032x}{status['restartCount']:032x}"
            status["state"] = {"running": {"startedAt": _time()}}
            self._pods[number] = pod
            self._events.append((self._version, {"type": "MODIFIED", "object": pod}))
            self._changed.notify_all()

    def _pod(self, number):
        workload = f"ledger-{number}"
        return {
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": workload + "-0", "namespace": "oddsmaker", "uid": f"00000000-0000-0000-0000-{number:012d}",
                "resourceVersion": str(number + 1), "creationTimestamp": _time(),
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": workload,
                                     "uid": f"00000000-0000-0000-0001-{number:012d}", "controller": True}]},
            "spec": {"nodeName": NODE, "containers": [
                {"name": "ledger", "image": "ledger:1", "resources": {"limits": {"memory": "64Mi"}}}]},
            "status": {
                "phase": "Running", "hostIP": "127.0.0.1", "podIP": "127.0.0.1", "startTime": _time(),
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": _time()}],
                "containerStatuses": [{
                    "name": "ledger", "ready": True, "started": True, "restartCount": 0, "image": "ledger:1",
                    "imageID": "", "containerID": f"containerd://{number:064x}", "lastState": {},
                    "state": {"running": {"startedAt": _time()}}}]}}

    def _serve(self, handler, certificate, key):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            # The handshake is the connection's own thread's: it must not hold up the listener.
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address[1]

    def _api_handler(self):
        cluster = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # noqa: N802 - the base class names it
                if self.headers["Authorization"] != f"Bearer {cluster._token}":
                    return self._whole(401, {"kind": "Status", "code": 401})
                if not self.path.startswith("/api/v1/pods"):
                    return self._whole(404, {"kind": "Status", "code": 404})
                if "watch=1" in self.path:
                    try:
                        return self._watch()
                    except OSError:
                        # The agent ended the watch; it begins another.
                        self.close_connection = True
                        return None
                with cluster._changed:
                    return self._whole(200, {"kind": "PodList", "apiVersion": "v1", "items": cluster._pods,
                                             "metadata": {"resourceVersion": str(cluster._version)}})

            def _whole(self, status, value):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _watch(self):
                version = int(self.path.split("resourceVersion=")[1].split("&")[0] or 0)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.flush()
                while True:
                    with cluster._changed:
                        cluster._changed.wait_for(lambda: any(at > version for at, _ in cluster._events), 1)
                        fresh = [(at, event) for at, event in cluster._events if at > version]
                    for version, event in fresh:
                        line = json.dumps(event).encode() + b"\n"
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                        self.wfile.flush()

            def log_message(self, *_):
                pass

        return Handler

    def _metrics_handler(self):
        cluster = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802 - the base class names it
                lines = []
                with cluster._changed:
                    for pod in cluster._pods:
                        status = pod["status"]["containerStatuses"][0]
                        labels = f'namespace="oddsmaker",pod="{pod["metadata"]["name"]}",container="ledger"'
                        lines.append(f"kube_pod_container_status_restarts_total{{{labels}}} {status['restartCount']}")
                        if reason := status["lastState"].get("terminated", {}).get("reason"):
                            lines.append("kube_pod_container_status_last_terminated_reason"
                                         f'{{{labels},reason="{reason}"}} 1')
                body = ("\n".join(lines) + "\n").encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler
