/// A row of numbers of fixed length, written in snapshots as eight hexadecimal digits a number.
///
/// A third of the length of decimal numbers, and exact.
struct FloatRow: Sendable, Hashable {
    var values: [Float]

    init(count: Int) {
        values = Array(repeating: 0, count: count)
    }

    /// Bytes outside of the value itself.
    var heapBytes: Int { values.count * MemoryLayout<Float>.stride }
}

extension FloatRow: Codable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let digits = Array(try container.decode(String.self).utf8)
        guard digits.count % 8 == 0 else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\(digits.count) digits, not 8 each")
        }
        values = []
        values.reserveCapacity(digits.count / 8)
        for start in stride(from: 0, to: digits.count, by: 8) {
            let text = String(decoding: digits[start..<(start + 8)], as: UTF8.self)
            guard let bits = UInt32(text, radix: 16) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(text) is no number")
            }
            values.append(Float(bitPattern: bits))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var digits: [UInt8] = []
        digits.reserveCapacity(values.count * 8)
        for value in values {
            for shift in stride(from: 28, through: 0, by: -4) {
                let nibble = UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(shift)) & 15
                digits.append(nibble < 10 ? 48 + nibble : 87 + nibble)
            }
        }
        var container = encoder.singleValueContainer()
        try container.encode(String(decoding: digits, as: UTF8.self))
    }
}
