import Probing

/// What one watch's answer said so far: its head, then lines, or the body of a refusal.
struct WatchReader {
    private static let refusalBytesMax = 4096

    private var lines = WatchLines()
    private var status = 0
    private(set) var refusalBody: [UInt8] = []
    /// The Status of an ERROR line.
    var error: (code: Int, message: String)?

    /// Whether the server took the watch on.
    var isOpen: Bool { status == 200 }
    /// The status when the server did not.
    var refusal: Int? { status == 0 || isOpen ? nil : status }
    /// Whether the lines cannot be followed any further.
    var isGarbled: Bool { lines.isOverlong }

    /// The complete lines that a part brought.
    mutating func take(_ part: HTTPStreamPart) -> [[UInt8]] {
        switch part {
        case .head(let status, _): self.status = status
        case .chunk(let bytes) where isOpen: return lines.take(bytes)
        case .chunk(let bytes):
            refusalBody += bytes.prefix(max(0, Self.refusalBytesMax - refusalBody.count))
        }
        return []
    }
}
