"""The JVM service of the tests, as TestKit starts it, and the demo's traffic: 20 requests a second, a share failing."""
import glob
import http.client
import os
import subprocess
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def start(stage, options=("--workers", "50")):
    """Compiles and starts the service; returns its port."""
    classes = stage.path("java-classes")
    os.makedirs(classes, exist_ok=True)
    sources = sorted(glob.glob(os.path.join(ROOT, "Tests", "Support", "JavaService", "*.java")))
    subprocess.run(["javac", "-d", classes, *sources], check=True)
    child = stage.start(["java", "-Xmx96m", "-cp", classes, "JavaService", "--port", "0", *options])
    return int(child.wait_for_line("READY port=").split("=")[1])


class Traffic:
    """Steady requests from four connections until the process ends."""

    def __init__(self, port, per_second=20, connections=4):
        self._port, self._pause = port, connections / per_second
        self._failing, self._lock, self._count = 0.0, threading.Lock(), 0
        for number in range(connections):
            threading.Thread(target=self._run, args=(number / per_second,), daemon=True).start()

    def fail(self, share):
        """Lets this share of the requests fail with 500."""
        self._failing = share

    def request_once(self, path):
        """One request beside the steady ones."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        connection.request("GET", path)
        connection.getresponse().read()
        connection.close()

    def _path(self):
        with self._lock:
            self._count += 1
            # A fixed pattern, not chance: of every 20 requests the first ones fail.
            return "/boom" if self._count % 20 / 20 < self._failing else "/ok"

    def _run(self, delay):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        due = time.monotonic() + delay
        while True:
            time.sleep(max(0, due - time.monotonic()))
            due = max(due + self._pause, time.monotonic() - 1)
            try:
                connection.request("GET", self._path())
                connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                connection.close()
