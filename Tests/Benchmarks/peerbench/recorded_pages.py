"""The recorded node's containers (kubelet's cadvisor, 46 pods) as a page to scrape: each scrape gets the next round."""
import http.server
import lzma
import os
import threading


class RecordedPage:
    """Serves `containers.prom.xz`'s rounds one after another, from the first again after the last, without times."""

    def __init__(self, directory):
        rounds = []
        with lzma.open(os.path.join(directory, "containers.prom.xz"), "rt") as file:
            for line in file:
                if line.startswith("# ROUND"):
                    rounds.append([])
                    continue
                if not line.startswith("#"):
                    end = line.rfind("}") + 1 or line.index(" ")
                    line = line[:end] + " " + line[end:].split()[0] + "\n"
                rounds[-1].append(line)
        self._pages = ["".join(lines).encode() for lines in rounds]
        self._next, lock, page = 0, threading.Lock(), self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # noqa: N802 - the base class names it
                with lock:
                    body, page._next = page._pages[page._next % len(page._pages)], page._next + 1
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
