"""A receiver of webhooks: takes everything and remembers when it came."""
import http.server
import json
import threading
import time


class Receiver:
    """Listens on a free port (`port`); what came is asked for by `wait`."""

    def __init__(self):
        receiver = self
        self._arrived, self._changed = [], threading.Condition()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # noqa: N802 - the base class names it
                at = time.monotonic()
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                with receiver._changed:
                    receiver._arrived.append((at, self.path, body))
                    receiver._changed.notify_all()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def since(self, start):
        """(seconds since `start`, path, body) of what came after it, a time.monotonic()."""
        with self._changed:
            return [(at - start, path, body) for at, path, body in self._arrived if at >= start]

    def wait(self, start, condition, seconds):
        """Waits until `condition(since(start))` holds; whether it does."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not condition([(at - start, path, body) for at, path, body in self._arrived if at >= start]):
                if not self._changed.wait(deadline - time.monotonic()) and time.monotonic() >= deadline:
                    return False
        return True

    def close(self):
        self._server.shutdown()
        self._server.server_close()
