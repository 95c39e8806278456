/// Why bytes are not a block of cells that may be read.
///
/// Two errors are equal when their codes are. The description holds offsets and sizes, never names or values.
package struct CellBlockError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The class of fault; none is helped by a retry with the same bytes, but `chainBroken` by the blocks before them.
    package enum Code: String, Sendable {
        /// Fewer or more bytes than the block says it has.
        case truncated
        /// The first bytes are not those of a block.
        case notABlock
        /// A version or flag of a format that this reader does not know.
        case unsupportedVersion
        /// The bytes are not what was written.
        case checksumMismatch
        /// A count or size is above what the limits or the block's own size allow.
        case limitExceeded
        /// The checksum is right but the contents contradict the format.
        case malformed
        /// The block builds on another than the last one read.
        case chainBroken
    }

    /// The class of fault.
    package var code: Code
    /// What was wrong, for people.
    package var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package static func == (lhs: CellBlockError, rhs: CellBlockError) -> Bool { lhs.code == rhs.code }

    package var description: String { "cell block \(code.rawValue): \(message)" }
}

/// What a reader of blocks takes, checked before memory is.
package struct CellBlockLimits: Sendable, Hashable {
    /// Bytes of a block as stored.
    package var blockBytes: Int
    /// Bytes of a block's body once it is inflated.
    package var bodyBytes: Int
    /// Cells of a block.
    package var points: Int
    /// Counts of requests by bound in all cells of a block: a few bytes tell many that are alike.
    package var counts: Int
    /// Subjects, signals and contributors that the blocks of a chain name in all.
    package var names: Int
    /// Bytes of a name.
    package var nameBytes: Int

    /// Makes limits.
    package init(
        blockBytes: Int = 16 << 20, bodyBytes: Int = 32 << 20, points: Int = 1_000_000, counts: Int = 50_000_000,
        names: Int = 4_000_000, nameBytes: Int = 4096
    ) {
        self.blockBytes = blockBytes
        self.bodyBytes = bodyBytes
        self.points = points
        self.counts = counts
        self.names = names
        self.nameBytes = nameBytes
    }
}
