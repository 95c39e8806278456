/// The bits of a string: its text, or the address of its storage.
///
/// While both strings are held, equal bits are equal strings; others may be equal too.
package struct TextBits: Equatable, Sendable {
    private let low: UInt64
    private let high: UInt64

    /// Takes a string's bits.
    @inline(__always)
    package init(_ text: String) {
        self = withUnsafeBytes(of: text) { bytes in
            // A string of another size than two words has no bits that are looked at.
            bytes.count == MemoryLayout<TextBits>.size ? bytes.loadUnaligned(as: TextBits.self) : .none
        }
    }

    private init(low: UInt64, high: UInt64) { (self.low, self.high) = (low, high) }

    /// The bits of no string.
    package static let none = TextBits(low: 0, high: 0)
}
