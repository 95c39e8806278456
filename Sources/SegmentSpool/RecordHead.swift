import SampleCodec

/// The 48 bytes before each payload, with a checksum of their own: when a payload is damaged, what is lost is known.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | "REC1" |
/// | 4 | 1 | kind |
/// | 5 | 3 | zero |
/// | 8 | 4 | bytes of the payload |
/// | 12 | 4 | samples |
/// | 16 | 8 | sequence |
/// | 24 | 8 | earliest time |
/// | 32 | 8 | latest time |
/// | 40 | 4 | CRC-32 of the payload |
/// | 44 | 4 | CRC-32 of the 44 bytes before |
struct RecordHead: Hashable {
    static let size = 48
    static let magic: [UInt8] = [0x52, 0x45, 0x43, 0x31]

    var kind: SpoolEntry.Kind
    var payloadBytes: Int
    var sampleCount: UInt32
    var sequence: UInt64
    var minMillis: Int64
    var maxMillis: Int64
    var payloadChecksum: UInt32

    init(_ entry: SpoolEntry, sequence: UInt64) {
        kind = entry.kind
        payloadBytes = entry.payload.count
        sampleCount = entry.sampleCount
        self.sequence = sequence
        minMillis = entry.minMillis
        maxMillis = entry.maxMillis
        payloadChecksum = CRC32.checksum(entry.payload)
    }

    /// The head in these bytes; nil when they are damaged, or too few.
    init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count >= Self.size, bytes.starts(with: Self.magic) else { return nil }
        let head = Array(bytes.prefix(Self.size))
        guard head.little(UInt32.self, at: 44) == CRC32.checksum(head[..<44]),
            let kind = SpoolEntry.Kind(rawValue: head[4])
        else { return nil }
        self.kind = kind
        payloadBytes = Int(head.little(UInt32.self, at: 8))
        sampleCount = head.little(UInt32.self, at: 12)
        sequence = head.little(UInt64.self, at: 16)
        minMillis = head.little(Int64.self, at: 24)
        maxMillis = head.little(Int64.self, at: 32)
        payloadChecksum = head.little(UInt32.self, at: 40)
    }

    func write(to bytes: inout [UInt8]) {
        let start = bytes.count
        bytes += Self.magic
        bytes += [kind.rawValue, 0, 0, 0]
        bytes.appendLittle(UInt32(payloadBytes))
        bytes.appendLittle(sampleCount)
        bytes.appendLittle(sequence)
        bytes.appendLittle(minMillis)
        bytes.appendLittle(maxMillis)
        bytes.appendLittle(payloadChecksum)
        bytes.appendLittle(CRC32.checksum(bytes[start...]))
    }

    /// Bytes of head and payload.
    var recordBytes: Int { Self.size + payloadBytes }

    /// The times of the samples; nil when the writer gave none that make sense.
    var millis: ClosedRange<Int64>? { minMillis <= maxMillis ? minMillis...maxMillis : nil }
}
