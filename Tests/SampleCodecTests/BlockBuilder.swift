import SampleCodec
import Telemetry

/// A block written by hand, whose checksum is right whatever it claims.
struct BlockBuilder {
    var magic: [UInt8] = Array("TSBK".utf8)
    var version: UInt8 = 1
    var flags: UInt8 = 0
    var headerSize: UInt16 = 48
    var samples: UInt32 = 1
    var series: UInt32 = 1
    var minMillis: Int64 = 5
    var maxMillis: Int64 = 5
    var bodyBytes: UInt32?
    var payloadBytes: UInt32?
    var strings: UInt32 = 3
    var labels: UInt32 = 1
    // Strings "m", "a", "b"; m{a="b"}; one row of series 0, at the header's time; encoding 1 (whole numbers), value 3.
    var body: [UInt8] = [1, 1, 1, 0x6D, 0x61, 0x62, 0, 1, 1, 2, 0, 0, 1, 6]
    var trailing: [UInt8] = []

    var bytes: [UInt8] {
        var block = magic + [version, flags] + little(headerSize) + little(samples) + little(series)
        block += little(minMillis) + little(maxMillis)
        block += little(bodyBytes ?? UInt32(body.count)) + little(payloadBytes ?? UInt32(body.count))
        block += little(strings) + little(labels) + body
        return block + little(CRC32.checksum(block)) + trailing
    }

    func with(_ change: (inout BlockBuilder) -> Void) -> BlockBuilder {
        var copy = self
        change(&copy)
        return copy
    }

    private func little(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
