import Telemetry

/// The first bytes of a block of format version 2; see `proto/SAMPLE_BLOCK.md`.
struct ChainBlockHeader: Equatable {
    static let version: UInt8 = 2
    static let magic = SampleBlockHeader.magic
    /// Magic, version, flags, three sizes and counts of a byte at least, checksum.
    static let smallest = 13

    struct Flags: OptionSet {
        var rawValue: UInt8
        static let keyframe = Flags(rawValue: 1)
        static let definitions = Flags(rawValue: 2)
        static let deflated = Flags(rawValue: 4)
        static let sameOrder = Flags(rawValue: 8)
        static let regularTimes = Flags(rawValue: 16)
        static let all = Flags(rawValue: 31)
    }

    var flags: Flags = []
    var sampleCount = 0
    var minTime: Int64 = 0
    var maxTime: Int64 = 0
    /// The chain, the block's place in it and the checksum of the block before; all 0 in a keyframe.
    var chain: UInt32 = 0
    var index: UInt64 = 0
    var predecessor: UInt32 = 0
    var newSeries = 0
    var definitionBytes = 0
    var storedDefinitionBytes = 0
    var codedBytes = 0
    var plainBytes = 0
    /// Bytes of the header itself.
    var size = 0

    func write(to writer: inout ByteWriter) {
        writer.append(Self.magic)
        writer.byte(Self.version)
        writer.byte(flags.rawValue)
        writer.varint(UInt64(sampleCount))
        if sampleCount > 0 {
            writer.zigzag(minTime)
            writer.varint(UInt64(bitPattern: maxTime &- minTime))
        }
        if !flags.contains(.keyframe) {
            writer.fixed(chain)
            writer.varint(index)
            writer.fixed(predecessor)
        }
        if flags.contains(.definitions) {
            writer.varint(UInt64(newSeries))
            writer.varint(UInt64(definitionBytes))
            if flags.contains(.deflated) { writer.varint(UInt64(storedDefinitionBytes)) }
        }
        writer.varint(UInt64(codedBytes))
        writer.varint(UInt64(plainBytes))
    }

    /// Reads and checks everything that decides how much memory the block takes.
    static func read(
        _ bytes: UnsafeBufferPointer<UInt8>, limits: SampleBlockLimits
    ) throws(SampleBlockError) -> ChainBlockHeader {
        guard bytes.count <= limits.blockBytes else { throw tooMuch("block too large", bytes.count, limits.blockBytes) }
        guard bytes.count >= smallest else {
            throw SampleBlockError(
                .truncated, "too short for a block", offset: bytes.count, found: UInt64(bytes.count),
                expected: UInt64(smallest))
        }
        guard bytes.prefix(4).elementsEqual(magic) else {
            throw SampleBlockError(.notABlock, "other first bytes", offset: 0)
        }
        let flags = Flags(rawValue: bytes[5])
        guard bytes[4] == version, flags.isSubset(of: .all) else {
            throw SampleBlockError(
                .unsupportedVersion, "version \(bytes[4]), flags \(bytes[5])", offset: 4, found: UInt64(bytes[4]),
                expected: UInt64(version))
        }
        // A block cut short fails here: its last four bytes are not the checksum of those before.
        let covered = UnsafeBufferPointer(rebasing: bytes[..<(bytes.count - 4)])
        let stored = checksum(of: bytes)
        let computed = CRC32.checksum(covered)
        guard stored == computed else {
            throw SampleBlockError(
                .checksumMismatch, "the bytes were changed", offset: covered.count, found: UInt64(stored),
                expected: UInt64(computed))
        }
        let header = try fields(covered, flags)
        try header.check(limits)
        let expected = header.size + header.storedDefinitionBytes + header.codedBytes + header.plainBytes
        guard covered.count == expected else {
            throw SampleBlockError(
                .truncated, "not the size that the header gives", offset: header.size, found: UInt64(covered.count),
                expected: UInt64(expected))
        }
        return header
    }

    /// The last four bytes.
    ///
    /// Precondition: there are four.
    static func checksum(of bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
        let raw = UnsafeRawBufferPointer(bytes)
        return UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: bytes.count - 4, as: UInt32.self))
    }

    private static func fields(
        _ bytes: UnsafeBufferPointer<UInt8>, _ flags: Flags
    ) throws(SampleBlockError) -> ChainBlockHeader {
        var reader = ByteReader(bytes)
        var header = ChainBlockHeader()
        header.flags = flags
        _ = try reader.take(6)
        let largest = 1 << 31
        header.sampleCount = try reader.varint(atMost: largest, "too many samples", .limitExceeded)
        if header.sampleCount > 0 {
            header.minTime = try reader.zigzag()
            header.maxTime = header.minTime &+ Int64(bitPattern: try reader.varint())
        }
        if !flags.contains(.keyframe) {
            header.chain = try reader.fixed(UInt32.self)
            header.index = try reader.varint()
            header.predecessor = try reader.fixed(UInt32.self)
        }
        if flags.contains(.definitions) {
            header.newSeries = try reader.varint(atMost: largest, "too many series", .limitExceeded)
            header.definitionBytes = try reader.varint(atMost: largest, "definitions too large", .limitExceeded)
            header.storedDefinitionBytes = header.definitionBytes
            if flags.contains(.deflated) {
                header.storedDefinitionBytes = try reader.varint(
                    atMost: bytes.count, "definitions longer than the block", .malformed)
            }
        }
        header.codedBytes = try reader.varint(atMost: largest, "coded part too large", .limitExceeded)
        header.plainBytes = try reader.varint(atMost: largest, "plain part too large", .limitExceeded)
        header.size = reader.offset
        return header
    }

    private func check(_ limits: SampleBlockLimits) throws(SampleBlockError) {
        guard sampleCount <= limits.samples else { throw Self.tooMuch("too many samples", sampleCount, limits.samples) }
        let possible =
            flags.contains(.deflated) ? Deflate.largestInflation(of: storedDefinitionBytes) : limits.bodyBytes
        guard definitionBytes <= min(limits.bodyBytes, possible) else {
            throw Self.tooMuch("definitions too large", definitionBytes, limits.bodyBytes)
        }
        let seriesMax = min(limits.series, sampleCount, definitionBytes / 2)
        guard newSeries <= seriesMax else { throw Self.tooMuch("too many series", newSeries, seriesMax) }
        let isKeyframe = flags.contains(.keyframe)
        let isConsistent =
            minTime <= maxTime && flags.contains(.definitions) == (newSeries > 0)
            && (flags.contains(.definitions) || !flags.contains(.deflated)) && (isKeyframe || index > 0)
            && !(flags.contains(.sameOrder) && newSeries > 0) && !(isKeyframe && sampleCount > 0 && newSeries == 0)
        guard isConsistent else { throw SampleBlockError(.malformed, "header fields contradict each other", offset: 5) }
    }

    private static func tooMuch(_ message: String, _ found: Int, _ limit: Int) -> SampleBlockError {
        SampleBlockError(.limitExceeded, message, offset: 0, found: UInt64(found), expected: UInt64(limit))
    }
}
