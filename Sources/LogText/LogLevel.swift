/// How bad a log entry says that it is.
package enum LogLevel: String, Sendable, Hashable, CaseIterable {
    /// ERROR and worse.
    case error
    /// WARN.
    case warn
    /// INFO and NOTICE.
    case info
    /// DEBUG and TRACE.
    case debug
    /// No level was found.
    case unknown

    /// As far into an entry as its level is looked for.
    static let windowMax = 512
    /// The same for JSON, whose level may stand behind the message.
    static let jsonWindowMax = 4096

    /// Finds the level of an entry from its first line.
    ///
    /// Bare words count in capitals alone (`ERROR`), or a message that speaks of an error would be one; other words
    /// count in brackets (`[error]`, `[core:error]`) and as value of a key that ends in `level`, `lvl` or `severity`
    /// (`"level":"error"`, `level=warn`), and in JSON only the value does. The first match counts. klog's `E1124 ` and
    /// Java's `Exception in thread` are known.
    package static func detect(_ line: UnsafeRawBufferPointer) -> LogLevel {
        let start = line.firstIndex { $0 != 32 } ?? line.count
        let isJSON = start < line.count && line[start] == UInt8(ascii: "{")
        let end = min(line.count, isJSON ? jsonWindowMax : windowMax)
        if let level = klog(line, start) { return level }
        if begins(line, at: start, with: "Exception in thread") { return .error }
        var index = start
        while index < end {
            guard isLetter(line[index]) else {
                // The letter that ends a colour's escape sequence is no part of the word behind it.
                index = line[index] == 27 ? afterEscape(line, index, end) : index + 1
                continue
            }
            var stop = index + 1
            while stop < end, isLetter(line[stop]) { stop += 1 }
            if stop - index <= 9, let level = word(line, index, stop) {
                let isCapital = (index..<stop).allSatisfy { line[$0] < 96 }
                if isCapital && !isJSON || isValueOfLevel(line, index) || !isJSON && isBracketed(line, index, stop, end)
                {
                    return level
                }
            }
            index = stop
        }
        return .unknown
    }

    private static let words: [(word: [UInt8], level: LogLevel)] = {
        let spellings: [(LogLevel, String)] = [
            (.error, "error err fatal severe critical crit panic alert emerg emergency"), (.warn, "warn warning"),
            (.info, "info notice"), (.debug, "debug trace fine finer finest"),
        ]
        return spellings.flatMap { level, text in text.split(separator: " ").map { (Array($0.utf8), level) } }
    }()

    private static func word(_ line: UnsafeRawBufferPointer, _ start: Int, _ stop: Int) -> LogLevel? {
        for (word, level) in words where word.count == stop - start && word[0] == line[start] | 32 {
            var index = 1
            while index < word.count, line[start + index] | 32 == word[index] { index += 1 }
            if index == word.count { return level }
        }
        return nil
    }

    /// `[error]` of nginx, `[core:error]` of Apache.
    private static func isBracketed(_ line: UnsafeRawBufferPointer, _ start: Int, _ stop: Int, _ end: Int) -> Bool {
        guard stop < end, line[stop] == UInt8(ascii: "]"), start > 0 else { return false }
        var index = start - 1
        if line[index] == UInt8(ascii: ":") {
            repeat { index -= 1 } while index >= 0 && (isLetter(line[index]) || line[index] == 95)
        }
        return index >= 0 && line[index] == UInt8(ascii: "[")
    }

    private static func isValueOfLevel(_ line: UnsafeRawBufferPointer, _ start: Int) -> Bool {
        var index = start - 1
        while index >= 0, line[index] == 34 || line[index] == 32 { index -= 1 }
        guard index >= 0, line[index] == UInt8(ascii: ":") || line[index] == UInt8(ascii: "=") else { return false }
        index -= 1
        while index >= 0, line[index] == 34 || line[index] == 32 { index -= 1 }
        return ["level", "lvl", "severity"].contains { key in
            let length = key.utf8.count
            guard index + 1 >= length else { return false }
            return zip(key.utf8, line[(index + 1 - length)...index]).allSatisfy { $0 == $1 | 32 }
        }
    }

    /// `I1124 22:37:53.956994`.
    private static func klog(_ line: UnsafeRawBufferPointer, _ start: Int) -> LogLevel? {
        guard line.count > start + 5, line[start + 5] == 32,
            line[(start + 1)...(start + 4)].allSatisfy({ (48...57).contains($0) })
        else { return nil }
        switch line[start] {
        case UInt8(ascii: "I"): return .info
        case UInt8(ascii: "W"): return .warn
        case UInt8(ascii: "E"), UInt8(ascii: "F"): return .error
        default: return nil
        }
    }

    static func begins(_ line: UnsafeRawBufferPointer, at start: Int, with text: StaticString) -> Bool {
        guard line.count - start >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where line[start + index] != text.utf8Start[index] { return false }
        return true
    }

    private static func afterEscape(_ line: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Int {
        var index = start + 1
        while index < end, !isLetter(line[index]) { index += 1 }
        return min(index + 1, end)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte | 32) }
}
