"""A TCP proxy on the loopback that counts the payload of both directions, as WireBench's does for ours."""
import socket
import threading


class CountingProxy:
    """Listens on a free port (`port`) and connects each client to `target` on the loopback."""

    def __init__(self, target):
        self._target = target
        self._lock = threading.Lock()
        self._counts = [0, 0]
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def bytes_up(self):
        """Bytes from the clients."""
        return self._counts[0]

    @property
    def bytes_down(self):
        """Bytes to the clients."""
        return self._counts[1]

    def close(self):
        """Stops listening; connections end with their clients."""
        self._listener.close()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._pump, args=(near, far, 0), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, 1), daemon=True).start()

    def _pump(self, source, sink, direction):
        try:
            while data := source.recv(1 << 16):
                # Counted before it goes on: who has an answer finds its bytes counted.
                with self._lock:
                    self._counts[direction] += len(data)
                sink.sendall(data)
        except OSError:
            pass
        finally:
            try:
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass
