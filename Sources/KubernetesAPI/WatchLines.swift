/// Cuts a watch's bytes into lines.
///
/// A line that no newline ends yet, as of a cut connection, never comes out.
struct WatchLines {
    /// Longest line; etcd takes objects of 1.5 MB, which managed fields and escapes at most double.
    static let lineBytesMax = 4 << 20

    private var rest: [UInt8] = []
    /// Whether a line was longer than allowed: the stream cannot be followed any further.
    private(set) var isOverlong = false

    /// The complete, non-empty lines up to the end of `bytes`.
    mutating func take(_ bytes: [UInt8]) -> [[UInt8]] {
        guard !isOverlong else { return [] }
        var lines: [[UInt8]] = []
        var start = bytes.startIndex
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest + bytes[start..<end]
            rest = []
            start = end + 1
            if !line.isEmpty { lines.append(line) }
        }
        rest += bytes[start...]
        if rest.count > Self.lineBytesMax {
            isOverlong = true
            rest = []
        }
        return lines
    }
}
