/// What one line of a log is to the entries.
package enum LogLine {
    /// It has another form than the log's; passed over and counted.
    case malformed
    /// It goes on with the line before, which was a part; its text begins anywhere.
    case part
    /// It belongs to the entry before: a line of a trace. Its text lies in the bytes that were taken.
    case continuation(UnsafeRawBufferPointer)
    /// It begins an entry. Its text lies in the bytes that were taken.
    case entry(LogLevel, UnsafeRawBufferPointer)
}

/// Counts the entries of one log by level, line after line.
///
/// Lines of containers have the form of the container runtime interface: `TIME STREAM TAG TEXT`, where the tag `P` says
/// that the text goes on in the next line of that stream. Nothing of the text is kept. Lines that continue an entry
/// (indented ones, `Caused by:`, empty ones) belong to the one before, so that a Java trace counts once.
package struct EntryCounter: Hashable, Sendable {
    /// What the lines look like.
    package enum Form: Hashable, Sendable {
        /// As the container runtime interface has them.
        case container
        /// Text alone.
        case plain
    }

    /// Entries by level.
    package var counts: [LogLevel: UInt64] {
        Dictionary(uniqueKeysWithValues: LogLevel.allCases.map { ($0, self[$0]) }).filter { $0.value > 0 }
    }

    /// Lines of another form.
    package private(set) var malformed: UInt64 = 0
    private let form: Form
    /// By `LogLevel.place`.
    private var tally = SIMD8<UInt64>.zero
    /// Whether the stream's last line was a part: index 0 is stdout, 1 stderr.
    private var isPartial = [false, false]

    /// Makes a counter of no lines.
    package init(_ form: Form = .container) {
        self.form = form
    }

    /// Entries of a level.
    package subscript(level: LogLevel) -> UInt64 { tally[level.place] }

    /// Takes one line without its newline, and tells what it was.
    package mutating func take(_ line: UnsafeRawBufferPointer) -> LogLine {
        switch form {
        case .plain: return take(text: line)
        case .container:
            guard let container = ContainerLine(line) else {
                malformed += 1
                return .malformed
            }
            let wasPartial = isPartial[container.stream]
            isPartial[container.stream] = container.isPartial
            return wasPartial ? .part : take(text: container.text)
        }
    }

    /// Takes an entry that says its own level, for forms that are no lines.
    ///
    /// - Parameter fallback: its level where its text says none.
    package mutating func take(entry text: UnsafeRawBufferPointer, or fallback: LogLevel) -> LogLine {
        let detected = LogLevel.detect(text)
        let level = detected == .unknown ? fallback : detected
        tally[level.place] += 1
        return .entry(level, text)
    }

    private mutating func take(text: UnsafeRawBufferPointer) -> LogLine {
        guard !Self.continues(text) else { return .continuation(text) }
        return take(entry: text, or: .unknown)
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

/// A line in the form of the container runtime interface.
struct ContainerLine {
    /// 0 is stdout, 1 stderr.
    var stream: Int
    /// Whether the text goes on in the next line of the stream.
    var isPartial: Bool
    var text: UnsafeRawBufferPointer

    /// Nil when the line has another form.
    init?(_ line: UnsafeRawBufferPointer) {
        guard let first = Self.space(line, from: 0), let second = Self.space(line, from: first + 1), first >= 20,
            second - first == 7, second + 2 <= line.count
        else { return nil }
        stream = line[first + 4] == UInt8(ascii: "e") ? 1 : 0
        let tag = line[second + 1]
        guard LogLevel.begins(line, at: first + 1, with: stream == 1 ? "stderr" : "stdout"),
            tag == UInt8(ascii: "F") || tag == UInt8(ascii: "P")
        else { return nil }
        isPartial = tag == UInt8(ascii: "P")
        // Other tags may follow behind a colon.
        let third = Self.space(line, from: second + 1) ?? line.count
        text = UnsafeRawBufferPointer(rebasing: line[min(third + 1, line.count)...])
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
}

extension LogLevel {
    fileprivate var place: Int {
        switch self {
        case .error: 0
        case .warn: 1
        case .info: 2
        case .debug: 3
        case .unknown: 4
        }
    }
}
