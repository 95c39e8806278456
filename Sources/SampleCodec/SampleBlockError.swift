/// Why bytes are not a sample block that may be read, or samples not ones that fit in a block.
///
/// Two errors are equal when their codes are. The description holds offsets and sizes, never label or sample values.
package struct SampleBlockError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The class of fault.
    ///
    /// None is helped by a retry with the same bytes, but `chainBroken` by the blocks that came before them.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String {
            case truncated, notABlock, unsupportedVersion, checksumMismatch, limitExceeded, malformed, chainBroken
        }

        private var value: Value

        /// Fewer or more bytes than the block says it has.
        package static let truncated = Code(value: .truncated)
        /// The first bytes are not those of a sample block.
        package static let notABlock = Code(value: .notABlock)
        /// A version, flag or header size of a format that this reader doesn't know.
        package static let unsupportedVersion = Code(value: .unsupportedVersion)
        /// The bytes were changed on their way.
        package static let checksumMismatch = Code(value: .checksumMismatch)
        /// A count or size is above what the limits or the block's own size allow.
        package static let limitExceeded = Code(value: .limitExceeded)
        /// The checksum is right but the contents contradict the format: a faulty or hostile writer.
        package static let malformed = Code(value: .malformed)

        /// The block builds on another than the last one read: the writer must start a new chain.
        package static let chainBroken = Code(value: .chainBroken)

        package var description: String { value.rawValue }
    }

    /// The class of fault.
    package var code: Code
    /// What was wrong, for people.
    package var message: String
    /// Byte where it was noticed: of the block while the header is read, of the inflated body after it.
    package var offset: Int
    /// The size, count or number found there.
    package var found: UInt64
    /// The size, count or number that was allowed or expected; 0 when there is none.
    package var expected: UInt64

    init(_ code: Code, _ message: String, offset: Int, found: UInt64 = 0, expected: UInt64 = 0) {
        self.code = code
        self.message = message
        self.offset = offset
        self.found = found
        self.expected = expected
    }

    package static func == (lhs: SampleBlockError, rhs: SampleBlockError) -> Bool { lhs.code == rhs.code }

    package var description: String {
        "sample block \(code) at byte \(offset): \(message) (found \(found), expected \(expected))"
    }
}
