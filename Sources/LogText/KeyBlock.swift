/// Whether a stream of lines is inside a PEM or PGP block.
///
/// A block ends with its `-----END`, with a line that cannot be part of one, or after `linesMax` lines: a lone
/// `-----BEGIN` hides no log.
package struct KeyBlock: Hashable, Sendable {
    /// A block of 8 KiB, more than a 16,384 bit key has, at 64 characters a line.
    static let linesMax = 200

    private var linesLeft = 0

    /// Makes the state of a stream that has had no line.
    package init() {}

    /// Whether the last line left a block open.
    package var isOpen: Bool { linesLeft > 0 }

    mutating func open() { linesLeft = Self.linesMax }

    mutating func close() { linesLeft = 0 }

    mutating func passLine() { linesLeft -= 1 }

    /// Follows a line that nobody keeps; the same as redacting it and throwing the text away.
    ///
    /// - Parameter line: one line, of which `Redactor.windowBytesMax` bytes count.
    package mutating func follow(_ line: UnsafeRawBufferPointer) {
        // Nearly all lines are outside and hold no five dashes in a row.
        guard isOpen || Self.hasDashes(line) else { return }
        var finder = SecretFinder(PlainBytes.of(line.prefix(Redactor.windowBytesMax)))
        finder.findBlocks(&self)
    }

    private static func hasDashes(_ line: UnsafeRawBufferPointer) -> Bool {
        // Five in a row hold one at a multiple of five.
        var index = 4
        let end = min(line.count, Redactor.windowBytesMax)
        while index < end {
            if line[index] == 45 {
                var first = index
                while first > 0, line[first - 1] == 45 { first -= 1 }
                var last = index
                while last + 1 < end, line[last + 1] == 45 { last += 1 }
                if last - first >= 4 { return true }
                index = last
            }
            index += 5
        }
        return false
    }
}
