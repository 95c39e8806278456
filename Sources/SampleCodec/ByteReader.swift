/// Reads the number forms of the block format; each read is checked against the end.
///
/// Holds a pointer: it must not outlive the `withUnsafeBufferPointer` call that it was made in.
struct ByteReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private(set) var offset = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    var remaining: Int { bytes.count - offset }

    mutating func byte() throws(SampleBlockError) -> UInt8 {
        guard offset < bytes.count else { throw truncated(1) }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func fixed<Number: FixedWidthInteger>(_ type: Number.Type) throws(SampleBlockError) -> Number {
        let size = MemoryLayout<Number>.size
        guard remaining >= size else { throw truncated(size) }
        let value = UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: offset, as: Number.self)
        offset += size
        return Number(littleEndian: value)
    }

    /// A LEB128 number of at most ten bytes that fits in 64 bits.
    mutating func varint() throws(SampleBlockError) -> UInt64 {
        guard offset < bytes.count else { throw truncated(1) }
        let first = bytes[offset]
        offset += 1
        if first < 0x80 { return UInt64(first) }
        var value = UInt64(first & 0x7F)
        var shift: UInt64 = 7
        while true {
            guard offset < bytes.count else { throw truncated(1) }
            let next = bytes[offset]
            offset += 1
            // The tenth byte holds the 64th bit alone.
            guard shift < 63 || next <= 1 else {
                throw SampleBlockError(.malformed, "number beyond 64 bits", offset: offset - 1, found: UInt64(next))
            }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
        }
    }

    mutating func zigzag() throws(SampleBlockError) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// A varint that must be at most `limit`.
    mutating func varint(atMost limit: Int, _ what: String, _ code: SampleBlockError.Code) throws(SampleBlockError)
        -> Int
    {
        let start = offset
        let value = try varint()
        guard value <= UInt64(limit) else {
            throw SampleBlockError(code, what, offset: start, found: value, expected: UInt64(limit))
        }
        return Int(value)
    }

    mutating func take(_ count: Int) throws(SampleBlockError) -> UnsafeBufferPointer<UInt8> {
        guard count >= 0, remaining >= count else { throw truncated(count) }
        defer { offset += count }
        return UnsafeBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    private func truncated(_ needed: Int) -> SampleBlockError {
        SampleBlockError(
            .malformed, "the body ends inside a field", offset: offset, found: UInt64(remaining),
            expected: UInt64(max(needed, 0)))
    }
}
