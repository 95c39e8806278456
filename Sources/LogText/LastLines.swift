/// The last lines of a log, without their secrets: bounded in lines and in bytes.
package struct LastLines: Hashable, Sendable {
    /// Lines that are kept; older ones go.
    package let linesMax: Int
    /// Bytes that are kept, newlines counted; older lines go.
    package let bytesMax: Int
    private var lines: [String] = []
    private var bytes = 0

    /// Makes an empty store; the bytes by default fit an attribute of an edge with room to spare.
    package init(linesMax: Int = 20, bytesMax: Int = 3500) {
        self.linesMax = max(1, linesMax)
        self.bytesMax = max(0, bytesMax)
    }

    /// Whether there is no line.
    package var isEmpty: Bool { lines.isEmpty }

    /// The lines, oldest first, with newlines between.
    package var text: String { lines.joined(separator: "\n") }

    /// Takes the next line.
    package mutating func append(_ line: RedactedLine) {
        lines.append(line.text)
        bytes += line.text.utf8.count + 1
        var drop = 0
        while drop < lines.count, lines.count - drop > linesMax || bytes > bytesMax {
            bytes -= lines[drop].utf8.count + 1
            drop += 1
        }
        lines.removeFirst(drop)
    }
}
