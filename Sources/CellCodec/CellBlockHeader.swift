import SampleCodec
package import Telemetry

/// The start of a block: what it is, and what it builds on.
package struct CellBlockHeader: Sendable, Hashable {
    /// Place in the chain; 0 starts one.
    package var index: Int
    /// Checksum of the block before; 0 for the first.
    package var previous: UInt32
    /// The earliest moment that was told of: of ends of cells, times of parts, sweeps.
    package var from: Timestamp
    /// The latest one.
    package var to: Timestamp
    /// Cells.
    package var points: Int
    /// Bytes of the inflated body.
    var bodyBytes: Int
    var isDeflated: Bool

    static let magic: [UInt8] = [0x54, 0x43, 0x45, 0x4C]
    static let version: UInt8 = 1
    private static let deflated: UInt8 = 1
    /// Magic, version, flags, the number of the previous block's checksum, the block's own.
    static let bytesMin = 4 + 1 + 1 + 5 + 4 + 4

    /// Reads the header of a block whose checksum is right, without the rest.
    package init(of block: [UInt8], limits: CellBlockLimits = CellBlockLimits()) throws(CellBlockError) {
        let (header, _) = try block.withUnsafeBufferPointer { bytes throws(CellBlockError) in
            try Self.read(bytes, limits: limits)
        }
        self = header
    }

    init(index: Int, previous: UInt32, from: Timestamp, to: Timestamp, points: Int, bodyBytes: Int, isDeflated: Bool) {
        self.index = index
        self.previous = previous
        self.from = from
        self.to = to
        self.points = points
        self.bodyBytes = bodyBytes
        self.isDeflated = isDeflated
    }

    /// The bytes before the payload.
    var bytes: [UInt8] {
        var bytes = Self.magic + [Self.version, isDeflated ? Self.deflated : 0]
        CellColumnsWriter.number(UInt64(index), into: &bytes)
        bytes += Self.little(previous)
        for number in [from.millis, to.millis] {
            CellColumnsWriter.number(UInt64(bitPattern: (number << 1) ^ (number >> 63)), into: &bytes)
        }
        CellColumnsWriter.number(UInt64(points), into: &bytes)
        CellColumnsWriter.number(UInt64(bodyBytes), into: &bytes)
        return bytes
    }

    static func little(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    /// Reads the header, and where the payload lies; checks the checksum of all before anything else is believed.
    static func read(
        _ bytes: UnsafeBufferPointer<UInt8>, limits: CellBlockLimits
    ) throws(CellBlockError) -> (header: CellBlockHeader, payload: Range<Int>) {
        guard bytes.count >= bytesMin else { throw CellBlockError(.truncated, "only \(bytes.count) bytes") }
        guard bytes.count <= limits.blockBytes else {
            throw CellBlockError(.limitExceeded, "\(bytes.count) bytes, more than \(limits.blockBytes)")
        }
        guard bytes.prefix(4).elementsEqual(magic) else { throw CellBlockError(.notABlock, "it starts otherwise") }
        let end = bytes.count - 4
        var tail = CellColumnReader(UnsafeBufferPointer(rebasing: bytes[end...]))
        let stated = UInt32(truncatingIfNeeded: tail.raw(bytes: 4))
        guard stated == CRC32.checksum(Array(bytes[..<end])) else {
            throw CellBlockError(.checksumMismatch, "the checksum of \(bytes.count) bytes is another")
        }
        guard bytes[4] == version else { throw CellBlockError(.unsupportedVersion, "version \(bytes[4])") }
        guard bytes[5] & ~deflated == 0 else { throw CellBlockError(.unsupportedVersion, "flags \(bytes[5])") }
        var reader = CellColumnReader(UnsafeBufferPointer(rebasing: bytes[6..<end]))
        let index = reader.count(atMost: 1 << 20)
        let previous = UInt32(truncatingIfNeeded: reader.raw(bytes: 4))
        let (from, to) = (reader.signed(), reader.signed())
        let (points, bodyBytes) = (reader.count(atMost: limits.points), reader.count(atMost: limits.bodyBytes))
        // A cell takes a byte at least.
        guard !reader.hasFailed, from <= to, points <= bodyBytes, index > 0 || previous == 0 else {
            throw CellBlockError(.malformed, "the header makes no sense, or the block is beyond the limits")
        }
        let header = CellBlockHeader(
            index: index, previous: previous, from: Timestamp(millis: from), to: Timestamp(millis: to), points: points,
            bodyBytes: bodyBytes, isDeflated: bytes[5] & deflated != 0)
        return (header, end - reader.remaining..<end)
    }
}
