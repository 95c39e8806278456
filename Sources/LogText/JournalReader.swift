/// What one entry of a journal says.
package struct JournalEntry: Hashable, Sendable {
    /// The message, which may have several lines.
    package var message: [UInt8] = []
    /// Level by the priority of the entry; journald gives 6 to what a service prints.
    package var level = LogLevel.unknown
    /// The unit, else the identifier, of the sender; empty for none.
    package var unit = ""
}

/// Reads journald's export format from pieces of any size.
///
/// An entry is lines `NAME=VALUE`, or a line `NAME`, eight bytes of length with the least first, the value, and a
/// newline; an empty line ends it (systemd, "Journal Export Formats"). What cannot be is passed over up to the next
/// empty line and counted. Memory is bounded by `valueBytesMax` of one field and of one message.
package struct JournalReader: Sendable {
    /// So much of a value is kept.
    package static let valueBytesMax = 16 << 10
    /// No value of journald's is longer (its DATA_SIZE_MAX): a greater length is none.
    static let lengthMax: UInt64 = 768 << 20

    private enum State: Hashable {
        /// In a line.
        case line
        /// In the length of a value, so many bytes of it are known.
        case length(Int, UInt64)
        /// In a value, of which so much is left.
        case value(UInt64)
        /// At the newline behind a value.
        case valueEnd
        /// Passing over what cannot be read; whether a newline came last.
        case skipping(Bool)
    }

    /// Entries that were left.
    package private(set) var malformed: UInt64 = 0
    private var state: State
    private var field: [UInt8] = []
    private var name: [UInt8] = []
    private var entry = JournalEntry()
    private var hasFields = false
    private var hasUnit = false

    /// Makes a reader.
    ///
    /// - Parameter atStart: whether the first byte begins an entry; else all is passed over up to the next one.
    package init(atStart: Bool = true) {
        state = atStart ? .line : .skipping(false)
    }

    /// Forgets an entry that has no end; the next byte begins one.
    package mutating func reset() {
        if hasFields || !field.isEmpty || state != .line { malformed += 1 }
        begin()
    }

    /// Takes the next bytes, and gives out the entries that end in them.
    package mutating func take(_ bytes: UnsafeRawBufferPointer, _ give: (JournalEntry) -> Void) {
        var index = 0
        while index < bytes.count {
            switch state {
            case .line: index = takeLine(bytes, index, give)
            case .length(let known, let length):
                takeLength(known, length | UInt64(bytes[index]) << UInt64(8 * known))
                index += 1
            case .value(let left):
                let end = index + Int(min(left, UInt64(bytes.count - index)))
                keep(bytes[index..<end])
                let rest = left - UInt64(end - index)
                state = rest == 0 ? .valueEnd : .value(rest)
                index = end
            case .valueEnd:
                if bytes[index] == 10 {
                    endField()
                    index += 1
                } else {
                    skip()
                }
            case .skipping(let isAfterNewline):
                let isNewline = bytes[index] == 10
                if isNewline, isAfterNewline { begin() } else { state = .skipping(isNewline) }
                index += 1
            }
        }
    }

    private mutating func takeLine(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ give: (JournalEntry) -> Void) -> Int
    {
        var end = start
        while end < bytes.count, bytes[end] != 10 { end += 1 }
        keep(bytes[start..<end])
        guard end < bytes.count else { return end }
        if field.isEmpty {
            if hasFields { give(entry) }
            begin()
        } else if let mark = field.firstIndex(of: 61) {
            name = Array(field[..<mark])
            field.removeFirst(mark + 1)
            endField()
        } else if field.count <= 64, field.allSatisfy(Self.isName) {
            // systemd's names have at most 64 characters.
            name = field
            field = []
            state = .length(0, 0)
        } else {
            skip()
            state = .skipping(true)
        }
        return end + 1
    }

    private mutating func takeLength(_ known: Int, _ length: UInt64) {
        if known < 7 {
            state = .length(known + 1, length)
        } else if length > Self.lengthMax {
            skip()
        } else {
            state = length == 0 ? .valueEnd : .value(length)
        }
    }

    private mutating func keep(_ bytes: Slice<UnsafeRawBufferPointer>) {
        field += bytes.prefix(max(0, Self.valueBytesMax - field.count))
    }

    private mutating func endField() {
        hasFields = true
        switch String(decoding: name, as: UTF8.self) {
        case "MESSAGE": entry.message = field
        case "PRIORITY": entry.level = Self.level(field)
        case "_SYSTEMD_UNIT":
            entry.unit = Self.unit(field)
            hasUnit = true
        case "SYSLOG_IDENTIFIER" where !hasUnit: entry.unit = Self.unit(field)
        default: break
        }
        field.removeAll(keepingCapacity: true)
        state = .line
    }

    private mutating func skip() {
        malformed += 1
        begin()
        state = .skipping(false)
    }

    private mutating func begin() {
        field.removeAll(keepingCapacity: true)
        name = []
        entry = JournalEntry()
        (hasFields, hasUnit) = (false, false)
        state = .line
    }

    /// A name that is fit to be a label: anybody may call himself anything.
    private static func unit(_ field: [UInt8]) -> String {
        String(decoding: PlainBytes.of(field.prefix(128)), as: UTF8.self)
    }

    /// The priorities of syslog (RFC 5424, 6.2.1).
    private static func level(_ field: [UInt8]) -> LogLevel {
        guard field.count == 1 else { return .unknown }
        return switch field[0] {
        case 48...51: .error
        case 52: .warn
        case 53, 54: .info
        case 55: .debug
        default: .unknown
        }
    }

    private static func isName(_ byte: UInt8) -> Bool {
        (65...90).contains(byte) || (48...57).contains(byte) || byte == 95
    }
}
