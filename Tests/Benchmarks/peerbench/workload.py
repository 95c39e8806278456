"""The same samples for every system: what fleet.py writes, and the recorded node."""
import glob
import lzma
import os
import re

import numpy as np

_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


class Stream:
    """One agent: `series` as (metric, {label: value}), and its rounds by `round(number)`."""

    def __init__(self, name, series, interval):
        self.name = name
        self.series = series
        self.interval = interval

    def __len__(self):
        """Rounds."""
        raise NotImplementedError

    def start(self, number):
        """When a round began, in milliseconds since the epoch."""
        raise NotImplementedError

    def round(self, number):
        """(places in `series`, milliseconds since the epoch, values) of a round's samples."""
        raise NotImplementedError


class _FleetStream(Stream):
    def __init__(self, name, series, columns, times, values):
        super().__init__(name, series, int(round(float(np.mean(np.diff(times))) / 1000)) * 1000)
        self._columns, self._times, self._values = columns, times, values
        self._places = range(len(columns))

    def __len__(self):
        return len(self._times)

    def start(self, number):
        return int(self._times[number])

    def round(self, number):
        return self._places, [int(self._times[number])] * len(self._columns), self._values[number, self._columns]


class _RecordedStream(Stream):
    def __init__(self, name):
        super().__init__(name, [], 10_000)
        self.rounds, self.starts = [], []
        #: Samples whose time and value were in the round before too: the kubelet measures seldomer than it is asked.
        self.repeated = 0

    def __len__(self):
        return len(self.rounds)

    def start(self, number):
        return self.starts[number]

    def round(self, number):
        places, millis, values = self.rounds[number]
        return places, millis, np.array(values)


def fleet(directory):
    """The streams of fleet.py's files, one a node; values are mapped, not read."""
    nodes = {}
    with open(os.path.join(directory, "series.tsv")) as file:
        for line in file:
            number, metric, labels = line.rstrip("\n").split("\t")
            pairs = dict(pair.split("=", 1) for pair in labels.split(","))
            series, columns = nodes.setdefault(pairs["node"], ([], []))
            series.append((metric, pairs))
            columns.append(int(number))
    times = np.fromfile(os.path.join(directory, "times.i64"), "<i8")
    values = np.memmap(os.path.join(directory, "values.f64"), "<f8", "r").reshape(len(times), -1)
    return [_FleetStream(name, series, np.array(columns), times, values) for name, (series, columns) in nodes.items()]


def recorded(directory):
    """The recorded node's files as the one stream of its one agent: the label `job` tells them apart."""
    stream, latest = _RecordedStream("recorded"), {}
    for path in sorted(glob.glob(os.path.join(directory, "*.prom.xz"))):
        job = os.path.basename(path).split(".")[0]
        known, time, number = {}, 0, -1
        with lzma.open(path, "rt") as file:
            for line in file:
                if line.startswith("#"):
                    words = line.split()
                    if len(words) == 3 and words[1] == "ROUND":
                        time, number = int(words[2]), number + 1
                        if number == len(stream.rounds):
                            stream.rounds.append(([], [], []))
                            stream.starts.append(time)
                    continue
                end = line.rfind("}") + 1 or line.index(" ")
                identity, rest = line[:end], line[end:].split()
                if identity not in known:
                    known[identity] = len(stream.series)
                    stream.series.append(_series(identity, job))
                places, millis, values = stream.rounds[number]
                place, when = known[identity], int(rest[1]) if len(rest) > 1 else time
                places.append(place)
                values.append(float(rest[0]))
                millis.append(when)
                stream.repeated += latest.get(place) == when
                latest[place] = when
    return [stream]


def _series(identity, job):
    metric, _, labels = identity.partition("{")
    pairs = {name: re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], value)
             for name, value in _LABEL.findall(labels)}
    return metric, dict(pairs, job=job)
