/// CRC-32 (IEEE 802.3, reflected, as in zlib): finds every burst of up to 32 damaged bits.
package struct Checksum: Sendable {
    private var state: UInt32 = 0xffff_ffff

    /// Starts a checksum.
    package init() {}

    /// The checksum of what was added so far.
    package var value: UInt32 { ~state }

    /// Adds bytes.
    package mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            state = Self.table[Int((state ^ UInt32(byte)) & 0xff)] ^ (state >> 8)
        }
    }

    /// Adds a number, least byte first.
    package mutating func add(_ number: Int64) {
        add((0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) })
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xedb8_8320 ^ (value >> 1) : value >> 1 }
    }
}
