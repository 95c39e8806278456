import Telemetry

/// The series of a block that is being written, numbered by first appearance, with each string held once.
struct SeriesDictionary {
    private(set) var series: [Series] = []
    private(set) var strings: [String] = []
    private(set) var labelCount = 0

    private let limits: SampleBlockLimits
    private var seriesIndex: [Series: Int] = [:]
    private var stringIndex: [String: Int] = [:]
    private var entries = ByteWriter()
    // String numbers of the last series added, name and value of each label in turn.
    private var lastNumbers: [Int] = []

    init(limits: SampleBlockLimits) {
        self.limits = limits
    }

    /// The number of a series.
    ///
    /// `guess` is looked at first: rounds repeat their order, and equal strings that share
    /// storage compare at once, while a hash reads them all.
    mutating func index(of wanted: Series, expecting guess: Int) throws(SampleBlockError) -> Int {
        let guess = guess < series.count ? guess : 0
        if guess < series.count, series[guess] == wanted { return guess }
        if let known = seriesIndex[wanted] { return known }
        try add(wanted)
        return series.count - 1
    }

    func write(to body: inout ByteWriter) {
        for string in strings { body.varint(UInt64(string.utf8.count)) }
        for string in strings { body.append(string.utf8) }
        body.append(entries.bytes)
    }

    private mutating func add(_ new: Series) throws(SampleBlockError) {
        let labels = new.labels.labels
        try check(series.count + 1, limits.series, "too many series")
        try check(labels.count, limits.labelsPerSeries, "too many labels in one series")
        try check(labelCount + labels.count, limits.labels, "too many labels")
        entries.varint(UInt64(try index(of: new.metric)))
        entries.varint(UInt64(labels.count))
        // A neighbour mostly has the same labels, and to compare strings is cheaper than to hash them.
        let neighbour = series.last?.labels.labels ?? []
        for (position, label) in labels.enumerated() {
            let other = position < neighbour.count ? neighbour[position] : nil
            if lastNumbers.count < 2 * position + 2 { lastNumbers += [0, 0] }
            if other?.name != label.name { lastNumbers[2 * position] = try index(of: label.name) }
            if other?.value != label.value { lastNumbers[2 * position + 1] = try index(of: label.value) }
            entries.varint(UInt64(lastNumbers[2 * position]))
            entries.varint(UInt64(lastNumbers[2 * position + 1]))
        }
        labelCount += labels.count
        seriesIndex[new] = series.count
        series.append(new)
    }

    private mutating func index(of string: String) throws(SampleBlockError) -> Int {
        if let known = stringIndex[string] { return known }
        try check(string.utf8.count, limits.stringBytes, "string too long")
        stringIndex[string] = strings.count
        strings.append(string)
        return strings.count - 1
    }

    private func check(_ found: Int, _ limit: Int, _ message: String) throws(SampleBlockError) {
        guard found <= limit else {
            throw SampleBlockError(
                .limitExceeded, message, offset: 0, found: UInt64(found), expected: UInt64(limit))
        }
    }
}
