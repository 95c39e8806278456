/// Numbers that take two bytes each as long as all of them are below 65,536, as those of one agent's dictionary mostly
/// are, and four from the first that is not.
struct CompactNumbers: Sendable, Equatable {
    /// All numbers as long as they are short, then none.
    private var short: [UInt16] = []
    /// None as long as they are short, then all.
    private var long: [UInt32] = []
    private var isShort = true

    /// Makes an empty list.
    init() {}

    var count: Int { isShort ? short.count : long.count }

    subscript(place: Int) -> UInt32 { isShort ? UInt32(short[place]) : long[place] }

    mutating func append(_ number: UInt32) {
        if isShort {
            if number <= UInt32(UInt16.max) { return short.append(UInt16(number)) }
            (long, short, isShort) = (short.map(UInt32.init), [], false)
        }
        long.append(number)
    }

    mutating func keepFirst(_ count: Int) {
        if isShort { short.removeSubrange(count...) } else { long.removeSubrange(count...) }
    }

    /// Whether the numbers from a place on are these; false when there are not as many.
    func holds(_ wanted: ArraySlice<UInt32>, at place: Int) -> Bool {
        guard place + wanted.count <= count else { return false }
        let shift = place - wanted.startIndex
        return isShort
            ? wanted.indices.allSatisfy { UInt32(short[$0 + shift]) == wanted[$0] }
            : wanted.indices.allSatisfy { long[$0 + shift] == wanted[$0] }
    }

    /// Whether the list begins with all numbers of another one.
    func starts(with other: CompactNumbers) -> Bool {
        guard isShort == other.isShort else {
            return other.count <= count && (0..<other.count).allSatisfy { self[$0] == other[$0] }
        }
        return isShort ? Self.hasPrefix(short, other.short) : Self.hasPrefix(long, other.long)
    }

    /// Gives up room that nothing is in, where it is more than a little.
    mutating func trim() {
        short = short.trimmed
        long = long.trimmed
    }

    static func hasPrefix<Element: Equatable>(_ list: [Element], _ prefix: [Element]) -> Bool {
        guard prefix.count <= list.count else { return false }
        // One buffer, where a chain began with all series of the one before.
        let isSame = list.withUnsafeBufferPointer { mine in
            prefix.withUnsafeBufferPointer { mine.baseAddress == $0.baseAddress }
        }
        return isSame || list.starts(with: prefix)
    }
}

extension Array {
    /// The same without much room that nothing is in.
    var trimmed: [Element] {
        capacity - count > count / 8 + 8 ? withUnsafeBufferPointer { Array($0) } : self
    }
}
