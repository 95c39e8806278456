"""Remote write's messages, read back by a decoder of their own. `python3 -m unittest discover Tests/Benchmarks`."""
import math
import struct
import unittest

from peerbench.remote_write import Encoder, Snappy, Zstd


def fields(data):
    """(number, value) of a message's fields; 64-bit ones as doubles."""
    place, found = 0, []

    def number():
        nonlocal place
        shift = value = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while place < len(data):
        key = number()
        if key & 7 == 2:
            length = number()
            value, place = data[place:place + length], place + length
        elif key & 7 == 1:
            value, place = struct.unpack_from("<d", data, place)[0], place + 8
        else:
            value = number()
        found.append((key >> 3, value))
    return found


def decoded(message):
    """[(labels, [(milliseconds, value)])] of a WriteRequest."""
    out = []
    for key, series in fields(message):
        assert key == 1
        parts = fields(series)
        labels = [tuple(value.decode() for _, value in fields(label)) for key, label in parts if key == 1]
        samples = [dict(fields(sample)) for key, sample in parts if key == 2]
        out.append((labels, [(sample[2], sample.get(1, 0.0)) for sample in samples]))
    return out


class RemoteWriteTests(unittest.TestCase):
    SERIES = [("up", {}), ("http_requests_total", {"uri": "/bets/ü", "code": "500"}), ("x", {"long": "l" * 300}),
              ("edge", {"l": "v" * 93})]
    TIME = 1_795_561_547_787

    def test_what_is_encoded_is_read_back(self):
        values = [0.0, 1.5, math.inf, -0.1]
        message = Encoder(self.SERIES).message([0, 1, 2, 3], [self.TIME, self.TIME + 1, self.TIME, self.TIME], values)
        found = decoded(message)
        self.assertEqual(found[1][0], [("__name__", "http_requests_total"), ("code", "500"), ("uri", "/bets/ü")])
        self.assertEqual([samples for _, samples in found], [
            [(self.TIME, 0.0)], [(self.TIME + 1, 1.5)], [(self.TIME, math.inf)], [(self.TIME, -0.1)]])

    def test_zero_is_left_out_and_each_length_is_right(self):
        # Around the length where the varint of a message grows by a byte, with and without a value.
        for length in range(80, 125):
            encoder = Encoder([("m", {"l": "v" * length})])
            full, zero = (encoder.message([0], [self.TIME], [value]) for value in (1.0, 0.0))
            self.assertEqual(decoded(zero)[0][1], [(self.TIME, 0.0)])
            self.assertEqual(decoded(full)[0][1], [(self.TIME, 1.0)])
            self.assertLess(len(zero), len(full) - 8)

    def test_not_a_number_keeps_its_bits(self):
        stale = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
        message = Encoder(self.SERIES).message([0], [self.TIME], [stale])
        self.assertIn(struct.pack("<Q", 0x7FF0000000000002), message)

    def test_real_compression(self):
        message = Encoder(self.SERIES).message([2] * 50, [self.TIME] * 50, [1.0] * 50)
        packed = Snappy().compress(message)
        self.assertLess(len(packed), len(message) / 5)
        self.assertEqual(Snappy().uncompress(packed, len(message)), message)
        self.assertLess(Zstd().size(message), len(packed))


if __name__ == "__main__":
    unittest.main()
