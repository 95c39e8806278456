import Telemetry

/// The series of a chain with their strings, as both sides number them, and the bytes that define new ones.
struct ChainDefinitions: Sendable {
    private(set) var labelCount = 0
    private var seriesCount = 0
    /// The reader's alone: what it read; as long as `former` is there, what that chain before was.
    private var dictionary = SeriesStrings()
    /// The writer's alone.
    private var strings: [String] = []
    private var stringBytes = 0
    /// The last series of each metric, by string number.
    private var lastOfMetric: [UInt32] = []
    private var stringIndex: [String: UInt32] = [:]
    // String numbers of the last series defined: metric, then name and value of each label.
    private var previous: [UInt32] = []
    /// How much of the chain before is the present one's so far; nil once its first definitions were read.
    ///
    /// A chain mostly begins with the series of the one before: as long as that is so the dictionary stays as it is, so
    /// that all who have it hold it once, and compare it at a glance.
    private var former: Former?

    private struct Former {
        var strings = 0
        var series = 0
    }

    /// Strings of all series together, in bytes, that a chain may hold.
    private static let stringBytesMax = 16 << 20

    /// The series that were read of the chain, by number.
    var series: SeriesList { former == nil ? SeriesList(dictionary) : [] }

    /// Begins another chain; a reader keeps in mind what the last one held until it has read the first definitions.
    mutating func reset(asReader: Bool = false) {
        if asReader { former = Former() }
        strings.removeAll(keepingCapacity: true)
        stringIndex.removeAll(keepingCapacity: true)
        lastOfMetric.removeAll(keepingCapacity: true)
        previous.removeAll(keepingCapacity: true)
        labelCount = 0
        seriesCount = 0
        stringBytes = 0
    }

    /// Writes the definitions of `new`, and tells `state` of them.
    mutating func write(_ new: [Series], limits: SampleBlockLimits, state: inout ChainState) throws(SampleBlockError)
        -> [UInt8]
    {
        let firstString = strings.count
        // The next string that was not yet referred to is written as 1.
        var fresh = firstString
        var entries = ByteWriter(reserving: new.count * 8)
        for one in new {
            let labels = one.labels.labels
            try Self.check(seriesCount + 1, limits.series, "too many series in the chain")
            try Self.check(labels.count, limits.labelsPerSeries, "too many labels in one series")
            try Self.check(labelCount + labels.count, limits.labels, "too many labels in the chain")
            var numbers: [UInt32] = []
            numbers.reserveCapacity(1 + 2 * labels.count)
            numbers.append(try number(of: one.metric, limits))
            for label in labels {
                numbers.append(try number(of: label.name, limits))
                numbers.append(try number(of: label.value, limits))
            }
            write(numbers[0], place: 0, &fresh, to: &entries)
            entries.varint(UInt64(labels.count))
            for place in 1..<numbers.count { write(numbers[place], place: place, &fresh, to: &entries) }
            add(&numbers, &state)
        }
        var section = ByteWriter(reserving: entries.bytes.count * 2)
        section.varint(UInt64(strings.count - firstString))
        for string in strings[firstString...] { section.varint(UInt64(string.utf8.count)) }
        for string in strings[firstString...] { section.append(string.utf8) }
        section.append(entries.bytes)
        return section.bytes
    }

    private func write(_ number: UInt32, place: Int, _ fresh: inout Int, to entries: inout ByteWriter) {
        if place < previous.count, previous[place] == number {
            entries.varint(0)
        } else if Int(number) == fresh {
            fresh += 1
            entries.varint(1)
        } else {
            entries.varint(UInt64(number) + 2)
        }
    }

    /// Reads `count` definitions from all of `bytes`.
    mutating func read(
        _ bytes: UnsafeBufferPointer<UInt8>, count: Int, limits: SampleBlockLimits, state: inout ChainState
    ) throws(SampleBlockError) {
        var reader = ByteReader(bytes)
        var fresh = stringCount
        try readStrings(&reader, limits)
        try Self.check(seriesCount + count, limits.series, "too many series in the chain")
        try Self.check(count, bytes.count / 2, "more series than bytes")
        state.reserve(count)
        var numbers: [UInt32] = []
        var shared: [ArraySlice<UInt32>: UInt32] = [:]
        for _ in 0..<count {
            try readNumbers(into: &numbers, &reader, limits, &fresh)
            if former?.series == seriesCount,
                dictionary.holds(metric: numbers[0], labels: numbers[1...], at: seriesCount)
            {
                former?.series += 1
            } else {
                leaveFormer()
                let place = try place(of: numbers, sharing: &shared, endingAt: reader.offset)
                dictionary.append(metric: numbers[0], labels: place)
            }
            add(&numbers, &state)
        }
        leaveFormer()
        dictionary.trim()
        guard reader.remaining == 0, fresh == stringCount else {
            throw SampleBlockError(.malformed, "bytes or strings that nothing uses", offset: reader.offset)
        }
    }

    /// Strings that were read of the chain.
    private var stringCount: Int { former?.strings ?? dictionary.strings.count }

    /// Ends the taking over from the chain before: what is not of this one is given up.
    private mutating func leaveFormer() {
        guard let known = former else { return }
        former = nil
        dictionary.keepFirst(series: known.series, strings: known.strings)
    }

    private func readNumbers(
        into numbers: inout [UInt32], _ reader: inout ByteReader, _ limits: SampleBlockLimits, _ fresh: inout Int
    ) throws(SampleBlockError) {
        numbers.removeAll(keepingCapacity: true)
        numbers.append(try readNumber(&reader, place: 0, &fresh))
        let labels = try reader.varint(atMost: limits.labelsPerSeries, "too many labels in one series", .limitExceeded)
        try Self.check(labelCount + labels, limits.labels, "too many labels in the chain")
        for place in 1..<1 + 2 * labels { numbers.append(try readNumber(&reader, place: place, &fresh)) }
    }

    /// Series with the same labels, as those of one target mostly are, hold them once.
    private mutating func place(
        of numbers: [UInt32], sharing shared: inout [ArraySlice<UInt32>: UInt32], endingAt offset: Int
    ) throws(SampleBlockError) -> UInt32 {
        let labels = numbers[1...]
        // A neighbour mostly has the same ones.
        if previous.count == numbers.count, previous[1...] == labels { return dictionary.place(of: seriesCount - 1) }
        if let known = shared[labels] { return known }
        let strings = dictionary.strings
        for place in stride(from: 1, to: numbers.count, by: 2) {
            let isInOrder = place == 1 || strings[Int(numbers[place - 2])] < strings[Int(numbers[place])]
            guard !strings[Int(numbers[place + 1])].isEmpty, isInOrder else {
                throw SampleBlockError(.malformed, "label empty, twice or out of order", offset: offset)
            }
        }
        let place = dictionary.append(labels: labels)
        // Of its own: the numbers' storage is used again.
        shared[ArraySlice(Array(labels))] = place
        return place
    }

    private mutating func readStrings(_ reader: inout ByteReader, _ limits: SampleBlockLimits) throws(SampleBlockError)
    {
        let count = try reader.varint(atMost: reader.remaining, "more strings than bytes", .limitExceeded)
        var lengths: [Int] = []
        lengths.reserveCapacity(count)
        for _ in 0..<count {
            lengths.append(try reader.varint(atMost: limits.stringBytes, "string too long", .limitExceeded))
        }
        for length in lengths {
            let start = reader.offset
            try Self.check(stringBytes + length, Self.stringBytesMax, "too many bytes of strings in the chain")
            let bytes = try reader.take(length)
            stringBytes += length
            lastOfMetric.append(ChainState.nobody)
            if let known = former?.strings, dictionary.holds(bytes, at: known) {
                former?.strings = known + 1
                continue
            }
            guard let string = String(validating: bytes, as: UTF8.self) else {
                throw SampleBlockError(.malformed, "string is not UTF-8", offset: start, found: UInt64(length))
            }
            if let known = former?.strings {
                if known < dictionary.strings.count { leaveFormer() } else { former?.strings = known + 1 }
            }
            dictionary.append(string)
        }
    }

    private func readNumber(_ reader: inout ByteReader, place: Int, _ fresh: inout Int) throws(SampleBlockError)
        -> UInt32
    {
        let start = reader.offset
        let code = try reader.varint()
        if code == 0, place < previous.count { return previous[place] }
        if code == 1, fresh < stringCount {
            fresh += 1
            return UInt32(fresh - 1)
        }
        guard code >= 2, code - 2 < UInt64(fresh) else {
            throw SampleBlockError(
                .malformed, "string that is not in the table", offset: start, found: code, expected: UInt64(fresh) + 1)
        }
        return UInt32(code - 2)
    }

    /// Takes the numbers, and leaves others that are of no use.
    private mutating func add(_ numbers: inout [UInt32], _ state: inout ChainState) {
        let metric = Int(numbers[0])
        let sibling = lastOfMetric[metric]
        state.define(sibling: sibling == ChainState.nobody ? nil : sibling)
        lastOfMetric[metric] = UInt32(seriesCount)
        labelCount += numbers.count / 2
        seriesCount += 1
        swap(&previous, &numbers)
    }

    private mutating func number(of string: String, _ limits: SampleBlockLimits) throws(SampleBlockError) -> UInt32 {
        if let known = stringIndex[string] { return known }
        let size = string.utf8.count
        try Self.check(size, limits.stringBytes, "string too long")
        try Self.check(stringBytes + size, Self.stringBytesMax, "too many bytes of strings in the chain")
        stringBytes += size
        stringIndex[string] = UInt32(strings.count)
        strings.append(string)
        lastOfMetric.append(ChainState.nobody)
        return UInt32(strings.count - 1)
    }

    private static func check(_ found: Int, _ limit: Int, _ message: String) throws(SampleBlockError) {
        guard found <= limit else {
            throw SampleBlockError(.limitExceeded, message, offset: 0, found: UInt64(found), expected: UInt64(limit))
        }
    }
}
