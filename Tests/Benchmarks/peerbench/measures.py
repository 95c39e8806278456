"""What is measured of a server that takes remote write: wire and CPU, the stored day with queries, memory a series."""
import json
import os
import statistics
import threading
import time

from . import results, workload
from .processes import Refusal, cpu_seconds, machine_is, memory, resident_bytes
from .proxy import CountingProxy
from .remote_write import Sender


class Tools:
    """What all measurements need: compression, and how many samples a request may hold."""

    def __init__(self, snappy, zstd, batch):
        self.snappy, self.zstd, self.batch = snappy, zstd, batch


def _senders(streams, port, tools):
    return [Sender(stream, port, tools.batch, tools.snappy) for stream in streams]


def _shifted(stream, number, base):
    """A round of a stream, begun at `base` (milliseconds); what its samples differ by from each other stays."""
    places, millis, values = stream.round(number)
    origin = stream.start(number)
    return places, [base + time - origin for time in millis], values


def _play(streams, senders, rounds, pace, zstd=None, keeps_times=False):
    """Plays rounds at their time; returns (samples, samples seen by zstd, its bytes, snappy's).

    They carry the times of now. With `keeps_times` they stay as far apart as they were and end now: samples with times
    of their own, older than their round, would else go backwards, which Prometheus refuses.
    """
    ago = [stream.start(rounds - 1) for stream in streams]
    end = int(time.time() * 1000)
    samples = seen = zstd_bytes = snappy_bytes = 0
    begin = time.monotonic() + 1
    for number in range(rounds):
        time.sleep(max(0, begin + number * pace - time.monotonic()))
        now = int(time.time() * 1000)
        # Each tenth round is compressed by zstd too: enough for a figure that is for information.
        look = zstd if number % 10 == 0 else None
        for stream, sender, last in zip(streams, senders, ago):
            if number < len(stream):
                base = end - last + stream.start(number) if keeps_times else now
                before = sender.body_bytes
                count, size = sender.send(*_shifted(stream, number, base), zstd=look)
                samples += count
                if look:
                    seen, zstd_bytes = seen + count, zstd_bytes + size
                    snappy_bytes += sender.body_bytes - before
    return samples, seen, zstd_bytes, snappy_bytes


def _check(server, samples, repeated=0):
    """It must have taken what was counted, less what it does not count; its page may be a moment late."""
    if not server.counts_repeated:
        samples -= repeated
    deadline = time.monotonic() + 15
    while server.stored_samples() != samples:
        if time.monotonic() > deadline:
            raise Refusal(f"{samples} samples were sent, {server.name} says {server.stored_samples()}")
        time.sleep(0.5)


def wire(stage, kind, tools, fleet, chosen):
    """Bytes and CPU of the fleet played in real time, and bytes of the recorded node."""
    prefix = f"peer_{kind.name}_"
    streams = workload.fleet(fleet)
    server = kind(stage, "wire")
    proxy = CountingProxy(server.port)
    senders = _senders(streams, proxy.port, tools)
    rounds = min(chosen.rounds, len(streams[0]))
    print(f"{kind.name}: {rounds} rounds of {len(streams)} agents, one each {chosen.round:g} s; {machine_is()}",
          flush=True)
    samples, seen, zstd_bytes, snappy_bytes = _play(streams, senders, rounds, chosen.round, tools.zstd)
    # From its start to the last acknowledgement, as for the coordinator.
    cpu, resident = cpu_seconds(server.pid), resident_bytes(server.pid)
    up, down = proxy.bytes_up, proxy.bytes_down
    _check(server, samples)
    figures = {
        f"{prefix}wire_bytes_per_sample_fleet{len(streams)}": (up + down) / samples,
        f"{prefix}ingest_cpu_s_per_million": cpu / samples * 1e6,
        f"{prefix}ingest_rss_bytes_fleet{len(streams)}": resident,
    }
    if seen:
        figures[f"peer_remote_write_zstd_bytes_per_sample_fleet{len(streams)}"] = (
            (up + down) / samples - (snappy_bytes - zstd_bytes) / seen)
    _close(stage, server, senders, proxy)

    streams = workload.recorded(os.path.join(chosen.data, "fixtures", "recorded"))
    server = kind(stage, "recorded")
    proxy = CountingProxy(server.port)
    senders = _senders(streams, proxy.port, tools)
    print(f"{kind.name}: the recorded node, {len(streams[0])} rounds; {machine_is()}", flush=True)
    samples, *_ = _play(streams, senders, len(streams[0]), chosen.round, keeps_times=True)
    figures[f"{prefix}wire_bytes_per_sample_recorded"] = (proxy.bytes_up + proxy.bytes_down) / samples
    _check(server, samples, repeated=sum(stream.repeated for stream in streams))
    _close(stage, server, senders, proxy)
    return figures


def _close(stage, server, senders, proxy=None):
    for sender in senders:
        sender.close()
    if proxy:
        proxy.close()
    stage.end(server.child)


def store(stage, kind, tools, day):
    """A day as fast as it goes in, queries while its last twentieth comes, and what it takes on disk."""
    prefix = f"peer_{kind.name}_"
    streams = workload.fleet(day)
    rounds, interval = len(streams[0]), streams[0].interval
    server = kind(stage, "store")
    senders = _senders(streams, server.port, tools)
    # The day ends now, where a server expects samples to be.
    first = int(time.time() * 1000) - rounds * interval
    spare = max(1, rounds // 20)
    print(f"{kind.name}: {rounds} rounds of {len(streams)} agents into the store; {machine_is()}", flush=True)
    start, samples = time.monotonic(), 0

    def send(number):
        for stream, sender in zip(streams, senders):
            sender.send(*_shifted(stream, number, first + number * interval))
        return sum(len(stream.series) for stream in streams)

    for number in range(rounds - spare):
        samples += send(number)
    loaded, done, sent, failures = time.monotonic() - start, threading.Event(), [], []
    # What came within the last second may not be searchable yet.
    time.sleep(5)

    def go_on():
        """Rounds at ten times their pace while queries are asked; what is left afterwards at once."""
        try:
            begin = time.monotonic()
            for number in range(rounds - spare, rounds):
                done.wait(max(0, begin + (number - rounds + spare) * interval / 10_000 - time.monotonic()))
                sent.append(send(number))
        except Exception as failure:  # noqa: BLE001 - told by the thread that waits
            failures.append(failure)

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    times, changed, asked = _ask(server, streams, first, interval, rounds - spare)
    during = len(sent)
    done.set()
    thread.join()
    if failures:
        raise failures[0]
    samples += sum(sent)
    cpu = cpu_seconds(server.pid)
    _check(server, samples)
    du = server.compacted_bytes(stage)
    print(f"{kind.name}: {samples} samples in {loaded:.0f} s, {during} rounds came during the queries; {machine_is()}")
    figures = {f"{prefix}{name}": size / samples for name, size in du.items()} | {
        f"{prefix}store_ingest_cpu_s_per_million": cpu / samples * 1e6,
        f"{prefix}query_p50_ms": results.quantile(times, 0.5) * 1000,
        f"{prefix}query_p95_ms": results.quantile(times, 0.95) * 1000,
        f"{prefix}changed_values_per_million": changed / asked * 1e6,
    }
    _close(stage, server, senders)
    return figures


def _ask(server, streams, first, interval, rounds, queries=200):
    """Times of queries for one series over the day, and how many of the values came back other than they went in."""
    connection, times, changed, asked = server.connect(), [], 0, 0
    begin = time.monotonic()
    for number in range(queries):
        # Twenty a second: ten rounds come in meanwhile.
        time.sleep(max(0, begin + number / 20 - time.monotonic()))
        stream = streams[number * 7 % len(streams)]
        place = number * 7919 % len(stream.series)
        metric, labels = stream.series[place]
        selector = metric + "{" + ",".join(f"{name}={json.dumps(value)}" for name, value in labels.items()) + "}"
        seconds, body = server.query(connection, selector, (first + rounds * interval - 1) / 1000, "24h")
        found = json.loads(body or "{}").get("data", {}).get("result", [])
        if len(found) != 1:
            raise Refusal(f"{server.name} finds {len(found)} series for {selector}")
        points = {round(float(when) * 1000): float(value) for when, value in found[0]["values"]}
        expected = [float(stream.round(index)[2][place]) for index in range(0, rounds, 97)]
        missing = 0
        for index, value in zip(range(0, rounds, 97), expected):
            got = points.get(first + index * interval)
            missing += got is None
            changed += got != value
        asked += len(expected)
        if missing:
            raise Refusal(f"{server.name} lost {missing} of {len(expected)} samples of {selector}")
        times.append(seconds)
    connection.close()
    return times, changed, asked


def scale(stage, kind, tools, small, large):
    """Resident memory a series: the slope between two fleets after the same rounds, sent as fast as they go in."""
    sizes = []
    for name, directory in (("small", small), ("large", large)):
        streams = workload.fleet(directory)
        server = kind(stage, name)
        senders = _senders(streams, server.port, tools)
        interval, rounds = streams[0].interval, len(streams[0])
        first, samples = int(time.time() * 1000) - rounds * interval, 0
        for number in range(rounds):
            for stream, sender in zip(streams, senders):
                samples += sender.send(*_shifted(stream, number, first + number * interval))[0]
        # A collected heap grows and shrinks: the median of half a minute.
        resident = statistics.median(_each_second(lambda: memory(server.pid)[0], 30))
        _check(server, samples)
        series = sum(len(stream.series) for stream in streams)
        sizes.append((series, resident))
        print(f"{kind.name}: {series} series, {resident / 2**20:.0f} MiB resident; {machine_is()}", flush=True)
        _close(stage, server, senders)
    slope = (sizes[1][1] - sizes[0][1]) / (sizes[1][0] - sizes[0][0])
    return {f"peer_{kind.name}_rss_bytes_per_series": slope,
            f"peer_{kind.name}_rss_intercept_bytes": sizes[0][1] - slope * sizes[0][0]}


def _each_second(ask, times):
    found = []
    for _ in range(times):
        found.append(ask())
        time.sleep(1)
    return found
