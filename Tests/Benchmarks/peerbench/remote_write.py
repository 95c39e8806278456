"""Prometheus remote write 1.0 as its senders do it: protobuf, snappy block format, one request at a time.

The message (prometheus/prompb): WriteRequest{1: TimeSeries{1: Label{1: name, 2: value}, 2: Sample{1: double value,
2: int64 timestamp}}}. Like Prometheus' and vmagent's own encoders it has a TimeSeries for each sample and leaves out a
value of zero, as proto3 does. Compression is the libraries' own: libsnappy and libzstd.
"""
import ctypes
import socket

import numpy as np

from .processes import Refusal, shared_library


def varint(number):
    """Protobuf's base-128 varint of a number ≥ 0."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _field(number, payload):
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


class Encoder:
    """Messages of one stream. Labels are encoded once a series, as a sender caches nothing on the wire anyway."""

    #: Bytes of a timestamp's varint: six from 1971 to 2109, in milliseconds.
    _TIME = 6
    _FULL = 1 + 8 + 1 + _TIME
    _ZERO = 1 + _TIME

    def __init__(self, series):
        self._full, self._zero = [], []
        for metric, labels in series:
            pairs = sorted([("__name__", metric), *labels.items()])
            body = b"".join(_field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in pairs)
            for heads, size, start in ((self._full, self._FULL, b"\x09"), (self._zero, self._ZERO, b"")):
                heads.append(b"\x0a" + varint(len(body) + 2 + size) + body + b"\x12" + varint(size) + start)

    def message(self, places, millis, values):
        """A WriteRequest of the samples (place in the series, milliseconds, value)."""
        values = np.asarray(values, "<f8")
        raw, tails, parts = values.tobytes(), {}, []
        for index, (place, time, value) in enumerate(zip(places, millis, values.tolist())):
            tail = tails.get(time)
            if tail is None:
                tail = tails[time] = b"\x10" + varint(time)
                assert len(tail) == 1 + self._TIME, f"{time} is no time in milliseconds of our days"
            if value == 0:
                parts += (self._zero[place], tail)
            else:
                parts += (self._full[place], raw[8 * index:8 * index + 8], tail)
        return b"".join(parts)


class Snappy:
    """libsnappy's block format."""

    def __init__(self):
        self._library = shared_library("libsnappy.so.1", "libsnappy1v5")
        self._library.snappy_max_compressed_length.restype = ctypes.c_size_t
        self._library.snappy_max_compressed_length.argtypes = [ctypes.c_size_t]

    def compress(self, data):
        room = ctypes.c_size_t(self._library.snappy_max_compressed_length(len(data)))
        out = ctypes.create_string_buffer(room.value)
        status = self._library.snappy_compress(data, ctypes.c_size_t(len(data)), out, ctypes.byref(room))
        assert status == 0, f"snappy_compress returned {status}"
        return out.raw[:room.value]

    def uncompress(self, data, length):
        """For tests: the `length` bytes that were compressed."""
        room, out = ctypes.c_size_t(length), ctypes.create_string_buffer(length)
        status = self._library.snappy_uncompress(data, ctypes.c_size_t(len(data)), out, ctypes.byref(room))
        assert status == 0 and room.value == length, f"snappy_uncompress returned {status}"
        return out.raw


class Zstd:
    """libzstd at its default level 3: what the messages would take in the protocol that newer VictoriaMetrics speak."""

    def __init__(self):
        self._library = shared_library("libzstd.so.1", "libzstd1")
        for function in (self._library.ZSTD_compressBound, self._library.ZSTD_compress):
            function.restype = ctypes.c_size_t
        self._library.ZSTD_compressBound.argtypes = [ctypes.c_size_t]

    def size(self, data):
        """Bytes of the compressed data."""
        room = self._library.ZSTD_compressBound(len(data))
        out = ctypes.create_string_buffer(room)
        size = self._library.ZSTD_compress(out, ctypes.c_size_t(room), data, ctypes.c_size_t(len(data)), 3)
        assert size <= room, "ZSTD_compress failed"
        return size


class Sender:
    """One agent's connection: keeps it open, sends a request, waits for the answer, as a queue of one shard does."""

    def __init__(self, stream, port, batch, snappy):
        self._encoder = Encoder(stream.series)
        self._port, self._batch, self._snappy = port, batch, snappy
        self._connect()
        self.body_bytes = 0

    def send(self, places, millis, values, zstd=None):
        """Sends samples in requests of at most `batch`; returns how many, and what zstd would make of the bodies."""
        zstd_bytes = 0
        for start in range(0, len(places), self._batch):
            part = slice(start, start + self._batch)
            message = self._encoder.message(places[part], millis[part], values[part])
            if zstd:
                zstd_bytes += zstd.size(message)
            self._post(self._snappy.compress(message))
        return len(places), zstd_bytes

    def close(self):
        self._socket.close()

    def _connect(self):
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _post(self, body):
        self.body_bytes += len(body)
        # What Prometheus 2.42 sends, header by header.
        head = (f"POST /api/v1/write HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nUser-Agent: Prometheus/2.42.0\r\n"
                f"Content-Length: {len(body)}\r\nContent-Encoding: snappy\r\nContent-Type: application/x-protobuf\r\n"
                "X-Prometheus-Remote-Write-Version: 0.1.0\r\n\r\n")
        try:
            answer = self._exchange(head.encode() + body)
        except ConnectionError:
            # VictoriaMetrics ends each connection after two minutes, to spread its clients; a sender sends again.
            self._socket.close()
            self._connect()
            answer = self._exchange(head.encode() + body)
        # 204, which has no body, is all that a remote-write receiver says when it took the samples.
        if answer.split(b" ", 2)[1] != b"204":
            raise Refusal(f"the server refused samples: {answer[:600].decode(errors='replace')}")
        if b"\r\nconnection: close\r\n" in answer.lower():
            self._socket.close()
            self._connect()

    def _exchange(self, request):
        """Sends, and reads to the end of the answer's head."""
        self._socket.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionResetError("the server closed the connection")
            answer += data
        return answer
