/// The columns of a block's body, each of one sort of bytes, so that DEFLATE sees like beside like.
///
/// Which they are, and in which order: docs/cell-block.md.
enum CellColumn: Int, CaseIterable {
    case heads, times, masks, tags, whole, raw, members, text
}

/// The columns while they are written, each a field of its own: a cell is a few bytes in each of them, and a list of
/// lists would be looked up for each.
struct CellColumnsWriter {
    private var heads: [UInt8] = []
    private var times: [UInt8] = []
    private var masks: [UInt8] = []
    private var tags: [UInt8] = []
    private var whole: [UInt8] = []
    private var raw: [UInt8] = []
    private var members: [UInt8] = []
    private var text: [UInt8] = []

    subscript(column: CellColumn) -> [UInt8] {
        @inline(__always) get {
            switch column {
            case .heads: heads
            case .times: times
            case .masks: masks
            case .tags: tags
            case .whole: whole
            case .raw: raw
            case .members: members
            case .text: text
            }
        }
        @inline(__always) _modify {
            switch column {
            case .heads: yield &heads
            case .times: yield &times
            case .masks: yield &masks
            case .tags: yield &tags
            case .whole: yield &whole
            case .raw: yield &raw
            case .members: yield &members
            case .text: yield &text
            }
        }
    }

    /// Bytes of all columns.
    var count: Int { CellColumn.allCases.reduce(0) { $0 + self[$1].count } }

    mutating func removeAll() {
        for column in CellColumn.allCases { self[column].removeAll(keepingCapacity: true) }
    }

    @inline(__always)
    mutating func byte(_ value: UInt8, _ column: CellColumn) {
        self[column].append(value)
    }

    /// LEB128: seven bits a byte, lowest first, high bit set on all but the last byte.
    @inline(__always)
    mutating func number(_ value: UInt64, _ column: CellColumn) {
        Self.number(value, into: &self[column])
    }

    @inline(__always)
    static func number(_ value: UInt64, into bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always)
    mutating func count(_ value: Int, _ column: CellColumn) {
        number(UInt64(value), column)
    }

    /// A signed number: 0, -1, 1, -2 become 0, 1, 2, 3.
    @inline(__always)
    mutating func signed(_ value: Int64, _ column: CellColumn) {
        number(UInt64(bitPattern: (value << 1) ^ (value >> 63)), column)
    }

    /// The lowest `count` bytes of a number, least first.
    mutating func raw(_ value: UInt64, bytes count: Int) {
        for place in 0..<count {
            raw.append(UInt8(truncatingIfNeeded: value >> UInt64(place * 8)))
        }
    }

    mutating func name(_ text: String) {
        count(text.utf8.count, .text)
        self.text.append(contentsOf: text.utf8)
    }
}

/// One column while it is read; past its end it gives zeros and says so in `hasFailed`.
///
/// Holds a pointer: it must not outlive the call that it was made in.
struct CellColumnReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var offset = 0
    private(set) var hasFailed = false

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    /// Whether all was read, and nothing beyond.
    var isDone: Bool { !hasFailed && offset == bytes.count }

    var remaining: Int { bytes.count - offset }

    mutating func fail() { hasFailed = true }

    @inline(__always)
    mutating func byte() -> UInt8 {
        guard offset < bytes.count else {
            hasFailed = true
            return 0
        }
        defer { offset &+= 1 }
        return bytes[offset]
    }

    @inline(__always)
    mutating func number() -> UInt64 {
        let first = byte()
        return first < 0x80 ? UInt64(first) : longNumber(first)
    }

    private mutating func longNumber(_ first: UInt8) -> UInt64 {
        var value = UInt64(first & 0x7F)
        var shift: UInt64 = 7
        while true {
            let next = byte()
            // The tenth byte holds the 64th bit alone.
            guard shift < 63 || next <= 1 else {
                hasFailed = true
                return 0
            }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
        }
    }

    /// A number that is at most `limit`; 0, and a failure, for a greater one.
    @inline(__always)
    mutating func count(atMost limit: Int) -> Int {
        let value = number()
        guard value <= UInt64(limit) else {
            hasFailed = true
            return 0
        }
        return Int(value)
    }

    @inline(__always)
    mutating func signed() -> Int64 {
        let value = number()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    @inline(__always)
    mutating func raw(bytes count: Int) -> UInt64 {
        guard count <= bytes.count - offset else {
            hasFailed = true
            return 0
        }
        var value: UInt64 = 0
        for place in 0..<count { value |= UInt64(bytes[offset &+ place]) << UInt64(place &* 8) }
        offset &+= count
        return value
    }

    /// A name of UTF-8; empty, and a failure, for what is none.
    mutating func name(bytesMax: Int) -> String {
        let length = count(atMost: bytesMax)
        guard length <= bytes.count - offset else {
            hasFailed = true
            return ""
        }
        let slice = bytes[offset..<offset + length]
        offset += length
        guard let text = String(validating: slice, as: UTF8.self) else {
            hasFailed = true
            return ""
        }
        return text
    }
}

/// All columns while they are read.
struct CellColumnsReader {
    var heads, times, masks, tags, whole, raw, members, text: CellColumnReader

    /// Cuts a body into its columns; nil when their lengths are not the body's.
    init?(_ body: UnsafeBufferPointer<UInt8>) {
        var lengths = CellColumnReader(body)
        var sizes: [Int] = []
        for _ in CellColumn.allCases { sizes.append(lengths.count(atMost: body.count)) }
        guard !lengths.hasFailed, sizes.reduce(0, +) == lengths.remaining else { return nil }
        var start = body.count - lengths.remaining
        var columns: [CellColumnReader] = []
        for size in sizes {
            columns.append(CellColumnReader(UnsafeBufferPointer(rebasing: body[start..<start + size])))
            start += size
        }
        (heads, times, masks, tags) = (columns[0], columns[1], columns[2], columns[3])
        (whole, raw, members, text) = (columns[4], columns[5], columns[6], columns[7])
    }

    var hasFailed: Bool {
        heads.hasFailed || times.hasFailed || masks.hasFailed || tags.hasFailed || whole.hasFailed || raw.hasFailed
            || members.hasFailed || text.hasFailed
    }

    var isDone: Bool {
        heads.isDone && times.isDone && masks.isDone && tags.isDone && whole.isDone && raw.isDone && members.isDone
            && text.isDone
    }
}
