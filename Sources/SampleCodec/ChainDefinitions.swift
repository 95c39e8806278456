import Telemetry

/// The series of a chain with their strings, as both sides number them, and the bytes that define new ones.
struct ChainDefinitions: Sendable {
    private(set) var series: [Series] = []
    private(set) var labelCount = 0
    private var strings: [String] = []
    private var stringBytes = 0
    /// The last series of each metric, by string number.
    private var lastOfMetric: [UInt32] = []
    private var stringIndex: [String: UInt32] = [:]
    // String numbers of the last series defined: metric, then name and value of each label.
    private var previous: [UInt32] = []
    private var former = FormerChain()

    /// Strings of all series together, in bytes, that a chain may hold.
    private static let stringBytesMax = 16 << 20

    /// What the reader of a chain knew of the one before.
    ///
    /// A chain mostly begins with the series of the one before: what is the same is taken over, so that it is held once
    /// by all who keep it, and compared at a glance.
    private struct FormerChain {
        var series: [Series] = []
        var strings: [String] = []

        func string(at place: Int, ifIts bytes: UnsafeBufferPointer<UInt8>) -> String? {
            guard place < strings.count else { return nil }
            var known = strings[place]
            return known.withUTF8 { $0.elementsEqual(bytes) } ? known : nil
        }

        /// Precondition: the numbers are of strings, the metric's first.
        func series(at place: Int, ifOf numbers: [UInt32], _ strings: [String]) -> Series? {
            guard place < series.count else { return nil }
            let labels = series[place].labels.labels
            guard numbers.count == 1 + 2 * labels.count, series[place].metric == strings[Int(numbers[0])] else {
                return nil
            }
            for (position, label) in labels.enumerated() {
                guard label.value == strings[Int(numbers[2 + 2 * position])],
                    label.name == strings[Int(numbers[1 + 2 * position])]
                else { return nil }
            }
            return series[place]
        }
    }

    /// Begins another chain; a reader keeps in mind what the last one held until it has read the first definitions.
    mutating func reset(asReader: Bool = false) {
        former = asReader ? FormerChain(series: series, strings: strings) : FormerChain()
        series.removeAll(keepingCapacity: true)
        strings.removeAll(keepingCapacity: true)
        stringIndex.removeAll(keepingCapacity: true)
        lastOfMetric.removeAll(keepingCapacity: true)
        previous.removeAll(keepingCapacity: true)
        labelCount = 0
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
            try Self.check(series.count + 1, limits.series, "too many series in the chain")
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
            add(one, &numbers, &state)
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
        var fresh = strings.count
        try readStrings(&reader, limits)
        try Self.check(series.count + count, limits.series, "too many series in the chain")
        try Self.check(count, bytes.count / 2, "more series than bytes")
        var numbers: [UInt32] = []
        var shared: [ArraySlice<UInt32>: LabelSet] = [:]
        for _ in 0..<count {
            try readNumbers(into: &numbers, &reader, limits, &fresh)
            if let known = former.series(at: series.count, ifOf: numbers, strings) {
                add(known, &numbers, &state)
            } else {
                add(try made(of: numbers, sharing: &shared, endingAt: reader.offset), &numbers, &state)
            }
        }
        former = FormerChain()
        guard reader.remaining == 0, fresh == strings.count else {
            throw SampleBlockError(.malformed, "bytes or strings that nothing uses", offset: reader.offset)
        }
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
    private func made(
        of numbers: [UInt32], sharing shared: inout [ArraySlice<UInt32>: LabelSet], endingAt offset: Int
    ) throws(SampleBlockError) -> Series {
        let metric = strings[Int(numbers[0])]
        if let known = shared[numbers[1...]] { return Series(metric, known) }
        var list: [Label] = []
        list.reserveCapacity(numbers.count / 2)
        for place in stride(from: 1, to: numbers.count, by: 2) {
            let label = Label(strings[Int(numbers[place])], strings[Int(numbers[place + 1])])
            guard !label.value.isEmpty, list.last.map({ $0.name < label.name }) ?? true else {
                throw SampleBlockError(.malformed, "label empty, twice or out of order", offset: offset)
            }
            list.append(label)
        }
        let labels = LabelSet(list)
        shared[ArraySlice(Array(numbers[1...]))] = labels
        return Series(metric, labels)
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
            let known = former.string(at: strings.count, ifIts: bytes)
            guard let string = known ?? String(validating: bytes, as: UTF8.self) else {
                throw SampleBlockError(.malformed, "string is not UTF-8", offset: start, found: UInt64(length))
            }
            stringBytes += length
            strings.append(string)
            lastOfMetric.append(ChainState.nobody)
        }
    }

    private func readNumber(_ reader: inout ByteReader, place: Int, _ fresh: inout Int) throws(SampleBlockError)
        -> UInt32
    {
        let start = reader.offset
        let code = try reader.varint()
        if code == 0, place < previous.count { return previous[place] }
        if code == 1, fresh < strings.count {
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
    private mutating func add(_ one: Series, _ numbers: inout [UInt32], _ state: inout ChainState) {
        let metric = Int(numbers[0])
        let sibling = lastOfMetric[metric]
        state.define(sibling: sibling == ChainState.nobody ? nil : sibling)
        lastOfMetric[metric] = UInt32(series.count)
        labelCount += numbers.count / 2
        series.append(one)
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
