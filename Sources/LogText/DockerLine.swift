/// Reads lines as Docker's json-file driver writes them: `{"log":"TEXT\n","stream":"stdout","time":"…"}`.
///
/// The text is what stands behind the first key. A line that was cut off gives the text up to there. Docker cuts texts
/// at 16 KiB; the rest comes as a line of its own.
package struct DockerLineReader: Sendable {
    /// Lines of another form.
    package private(set) var malformed: UInt64 = 0
    private var text: [UInt8] = []
    private static let begin = Array(#"{"log":""#.utf8)

    /// Makes a reader.
    package init() {}

    /// Gives out the text of a line, its newline taken off; passes over a line of another form.
    package mutating func read(_ line: UnsafeRawBufferPointer, _ take: (UnsafeRawBufferPointer) -> Void) {
        guard line.count >= Self.begin.count, line.prefix(Self.begin.count).elementsEqual(Self.begin) else {
            malformed += 1
            return
        }
        text.removeAll(keepingCapacity: true)
        var index = Self.begin.count
        while index < line.count, line[index] != UInt8(ascii: "\"") {
            guard line[index] == UInt8(ascii: "\\") else {
                text.append(line[index])
                index += 1
                continue
            }
            index = unescape(line, at: index + 1)
        }
        while let last = text.last, last == 10 || last == 13 { text.removeLast() }
        text.withUnsafeBytes(take)
    }

    /// Takes what follows a backslash, and says where to go on.
    private mutating func unescape(_ line: UnsafeRawBufferPointer, at index: Int) -> Int {
        guard index < line.count else { return index }
        switch line[index] {
        case UInt8(ascii: "n"): text.append(10)
        case UInt8(ascii: "r"): text.append(13)
        case UInt8(ascii: "t"): text.append(9)
        case UInt8(ascii: "b"): text.append(8)
        case UInt8(ascii: "f"): text.append(12)
        case UInt8(ascii: "u"):
            let digits = line[min(index + 1, line.count)..<min(index + 5, line.count)]
            let value = digits.reduce(UInt32(0)) { $0 << 4 | (Self.hexadecimal($1) ?? 0) }
            // Half of a pair, and what is no number, stand for a character that cannot be told.
            let isWhole = digits.count == 4 && digits.allSatisfy { Self.hexadecimal($0) != nil }
            let scalar = isWhole ? Unicode.Scalar(value) ?? "\u{fffd}" : "\u{fffd}"
            text += Array(String(Character(scalar)).utf8)
            return index + 1 + digits.count
        default: text.append(line[index])
        }
        return index + 1
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
