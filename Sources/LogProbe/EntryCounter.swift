/// Counts the entries of one container log by level, line after line.
///
/// Lines have the form of the container runtime interface: `TIME STREAM TAG TEXT`, where the tag `P` says that the
/// text goes on in the
/// next line of that stream. Nothing of the text is kept. Lines that continue an entry (indented ones, `Caused by:`,
/// empty ones)
/// belong to the one before, so that a Java trace counts once.
struct EntryCounter: Hashable, Sendable {
    /// Entries by level.
    private(set) var counts: [LogLevel: UInt64] = [:]
    /// Lines of another form.
    private(set) var malformed: UInt64 = 0
    /// Whether the stream's last line was a part: index 0 is stdout, 1 stderr.
    private var isPartial = [false, false]

    /// Takes one line without its newline.
    mutating func take(_ line: UnsafeRawBufferPointer) {
        guard let first = Self.space(line, from: 0), let second = Self.space(line, from: first + 1), first >= 20,
            second - first == 7, second + 2 < line.count || second + 2 == line.count
        else {
            malformed += 1
            return
        }
        let stream = line[first + 4] == UInt8(ascii: "e") ? 1 : 0
        let tag = line[second + 1]
        guard LogLevel.begins(line, at: first + 1, with: stream == 1 ? "stderr" : "stdout"),
            tag == UInt8(ascii: "F") || tag == UInt8(ascii: "P")
        else {
            malformed += 1
            return
        }
        // Other tags may follow behind a colon.
        let third = Self.space(line, from: second + 1) ?? line.count
        let wasPartial = isPartial[stream]
        isPartial[stream] = tag == UInt8(ascii: "P")
        guard !wasPartial else { return }
        let text = UnsafeRawBufferPointer(rebasing: line[min(third + 1, line.count)...])
        guard !Self.continues(text) else { return }
        counts[LogLevel.detect(text), default: 0] += 1
    }

    private static func space(_ line: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var index = start
        // No field before the text is longer than a time.
        let end = min(line.count, start + 64)
        while index < end {
            if line[index] == 32 { return index }
            index += 1
        }
        return nil
    }

    private static func continues(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let first = text.first, first != 32, first != 9, first != 13 else { return true }
        switch first {
        case UInt8(ascii: "C"): return LogLevel.begins(text, at: 0, with: "Caused by:")
        case UInt8(ascii: "S"): return LogLevel.begins(text, at: 0, with: "Suppressed:")
        default: return false
        }
    }
}
