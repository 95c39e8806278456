package import Telemetry

/// What a block says about itself without its samples being decoded; see `proto/SAMPLE_BLOCK.md`.
package struct SampleBlockHeader: Sendable, Hashable {
    /// The format version that this code writes.
    package static let currentVersion: UInt8 = 1

    /// The format version.
    package var version: UInt8
    /// Samples in the block.
    package var sampleCount: Int
    /// Entries of the series dictionary; at most `sampleCount`.
    package var seriesCount: Int
    /// Earliest time of a sample; 0 in a block without samples.
    package var minTime: Timestamp
    /// Latest time of a sample; 0 in a block without samples.
    package var maxTime: Timestamp
    /// Bytes of the body after inflation.
    package var bodyBytes: Int

    var payloadBytes: Int
    var stringCount: Int
    var labelCount: Int
    var isDeflated: Bool

    static let magic: [UInt8] = [0x54, 0x53, 0x42, 0x4B]
    static let size = 48
    static let checksumSize = 4
    static let deflatedFlag: UInt8 = 0x01

    /// Reads the header of a block, and checks its size, checksum and all counts against `limits`.
    ///
    /// Takes no memory and one pass of CRC-32 over the bytes. What passes can still hold a malformed body.
    package static func read(
        _ bytes: [UInt8], limits: SampleBlockLimits = .default
    ) throws(SampleBlockError) -> SampleBlockHeader {
        try bytes.withUnsafeBufferPointer { (buffer) throws(SampleBlockError) in try read(buffer, limits: limits) }
    }

    static func read(
        _ bytes: UnsafeBufferPointer<UInt8>, limits: SampleBlockLimits
    ) throws(SampleBlockError) -> SampleBlockHeader {
        try check(.limitExceeded, "block too large", 0, bytes.count, atMost: limits.blockBytes)
        guard bytes.count >= size + checksumSize else {
            throw SampleBlockError(
                .truncated, "too short for a block", offset: bytes.count, found: UInt64(bytes.count),
                expected: UInt64(size + checksumSize))
        }
        guard bytes.prefix(4).elementsEqual(magic) else {
            throw SampleBlockError(.notABlock, "other first bytes", offset: 0)
        }
        var reader = ByteReader(bytes)
        let header = try fields(from: &reader)
        let expectedSize = size + header.payloadBytes + checksumSize
        guard bytes.count == expectedSize else {
            throw SampleBlockError(
                .truncated, "not the size that the header gives", offset: min(bytes.count, expectedSize),
                found: UInt64(bytes.count), expected: UInt64(expectedSize))
        }
        let covered = UnsafeBufferPointer(rebasing: bytes[..<(bytes.count - checksumSize)])
        var trailer = ByteReader(UnsafeBufferPointer(rebasing: bytes[covered.count...]))
        let stored = try trailer.fixed(UInt32.self)
        let computed = CRC32.checksum(covered)
        guard stored == computed else {
            throw SampleBlockError(
                .checksumMismatch, "the bytes were changed", offset: covered.count, found: UInt64(stored),
                expected: UInt64(computed))
        }
        try header.check(limits)
        return header
    }

    func write(to writer: inout ByteWriter) {
        writer.append(Self.magic)
        writer.byte(version)
        writer.byte(isDeflated ? Self.deflatedFlag : 0)
        writer.fixed(UInt16(Self.size))
        writer.fixed(UInt32(sampleCount))
        writer.fixed(UInt32(seriesCount))
        writer.fixed(minTime.millis)
        writer.fixed(maxTime.millis)
        writer.fixed(UInt32(bodyBytes))
        writer.fixed(UInt32(payloadBytes))
        writer.fixed(UInt32(stringCount))
        writer.fixed(UInt32(labelCount))
    }

    private static func fields(from reader: inout ByteReader) throws(SampleBlockError) -> SampleBlockHeader {
        _ = try reader.take(magic.count)
        let version = try reader.byte()
        let flags = try reader.byte()
        let headerSize = try reader.fixed(UInt16.self)
        guard version == currentVersion, flags & ~deflatedFlag == 0, headerSize == UInt16(size) else {
            throw SampleBlockError(
                .unsupportedVersion, "version \(version), flags \(flags), header of \(headerSize) bytes", offset: 4,
                found: UInt64(version), expected: UInt64(currentVersion))
        }
        let sampleCount = Int(try reader.fixed(UInt32.self))
        let seriesCount = Int(try reader.fixed(UInt32.self))
        let minTime = Timestamp(millis: try reader.fixed(Int64.self))
        let maxTime = Timestamp(millis: try reader.fixed(Int64.self))
        let bodyBytes = Int(try reader.fixed(UInt32.self))
        let payloadBytes = Int(try reader.fixed(UInt32.self))
        let stringCount = Int(try reader.fixed(UInt32.self))
        let labelCount = Int(try reader.fixed(UInt32.self))
        return SampleBlockHeader(
            version: version, sampleCount: sampleCount, seriesCount: seriesCount, minTime: minTime, maxTime: maxTime,
            bodyBytes: bodyBytes, payloadBytes: payloadBytes, stringCount: stringCount, labelCount: labelCount,
            isDeflated: flags & deflatedFlag != 0)
    }

    /// All that decides how much memory the decoder takes: against the limits, and against what the bytes can hold.
    private func check(_ limits: SampleBlockLimits) throws(SampleBlockError) {
        let possibleBody = isDeflated ? Deflate.largestInflation(of: payloadBytes) : payloadBytes
        try Self.check(.limitExceeded, "body too large", 32, bodyBytes, atMost: min(limits.bodyBytes, possibleBody))
        guard isDeflated || bodyBytes == payloadBytes else {
            throw SampleBlockError(
                .malformed, "a stored body has two sizes", offset: 32, found: UInt64(bodyBytes),
                expected: UInt64(payloadBytes))
        }
        // A sample takes at least three bytes of body (series, time, value), an entry of the dictionary three
        // (metric, label count, encoding), a string and a label one and two.
        try Self.check(.limitExceeded, "too many samples", 8, sampleCount, atMost: min(limits.samples, bodyBytes / 3))
        try Self.check(.limitExceeded, "too many series", 12, seriesCount, atMost: min(limits.series, sampleCount))
        try Self.check(.limitExceeded, "more strings than bytes", 40, stringCount, atMost: bodyBytes)
        try Self.check(.limitExceeded, "too many labels", 44, labelCount, atMost: min(limits.labels, bodyBytes / 2))
        guard sampleCount > 0 ? minTime <= maxTime && seriesCount > 0 : minTime.millis == 0 && maxTime.millis == 0
        else {
            throw SampleBlockError(.malformed, "times or series do not fit the sample count", offset: 16)
        }
    }

    private static func check(
        _ code: SampleBlockError.Code, _ message: String, _ offset: Int, _ found: Int, atMost limit: Int
    ) throws(SampleBlockError) {
        guard found <= limit else {
            throw SampleBlockError(code, message, offset: offset, found: UInt64(found), expected: UInt64(limit))
        }
    }
}
