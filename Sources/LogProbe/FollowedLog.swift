/// A log that is followed, with what it counted.
///
/// Lives inside the probe.
final class FollowedLog {
    /// What came since the last call.
    struct News {
        var counts: [LogLevel: UInt64]
        var malformed: UInt64
        var bytes: UInt64
        var truncations: UInt64
        var missedFiles: UInt64
    }

    let owner: LogOwner
    private let tail: LogTail
    private var counter = EntryCounter()
    private var seen = EntryCounter()
    private var seenTail = LogTail.Counters()

    init?(path: String, owner: LogOwner, atEnd: Bool) {
        guard let tail = LogTail(path: path, atEnd: atEnd) else { return nil }
        self.owner = owner
        self.tail = tail
    }

    func read(bytesMax: Int, buffer: UnsafeMutableRawBufferPointer) -> Bool {
        var counter = counter
        defer { self.counter = counter }
        return tail.read(bytesMax: bytesMax, buffer: buffer) { counter.take($0) }
    }

    func takeNews() -> News {
        defer {
            seen = counter
            seenTail = tail.counters
        }
        var counts: [LogLevel: UInt64] = [:]
        for (level, count) in counter.counts { counts[level] = count - (seen.counts[level] ?? 0) }
        let now = tail.counters
        return News(
            counts: counts, malformed: counter.malformed - seen.malformed, bytes: now.bytes - seenTail.bytes,
            truncations: now.truncations - seenTail.truncations, missedFiles: now.missedFiles - seenTail.missedFiles)
    }
}
