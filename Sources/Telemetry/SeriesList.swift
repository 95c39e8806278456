/// Series by number, as batches of samples and blocks refer to them.
///
/// Of a list that was read, a series is the numbers of its strings: 4 bytes and its share of a label set, which the
/// series of one target have in common. A `Series` is made where one is asked for; who wants a name, a value or a hash
/// has them without one.
package struct SeriesList: Sendable, RandomAccessCollection {
    private enum Form: Sendable {
        case whole([Series])
        case numbered(SeriesStrings)
    }

    private var form: Form
    /// Series of the form before the first of this list.
    private var skipped = 0

    /// Makes a list of series as they are.
    package init(_ series: [Series] = []) {
        form = .whole(series)
    }

    /// Makes a list of numbers of strings.
    package init(_ strings: SeriesStrings) {
        form = .numbered(strings)
    }

    /// 0, the number of the first series.
    package var startIndex: Int { 0 }
    /// The count of series.
    package var endIndex: Int {
        switch form {
        case .whole(let series): series.count - skipped
        case .numbered(let strings): strings.count - skipped
        }
    }

    /// The series of a number, made anew where the list holds numbers of strings.
    package subscript(number: Int) -> Series {
        switch form {
        case .whole(let series): series[skipped + number]
        case .numbered(let strings): strings.series(skipped + number)
        }
    }

    /// The list without its first series, which counts from 0 again.
    ///
    /// Precondition: it has as many.
    package func dropping(first count: Int) -> SeriesList {
        precondition((0...endIndex).contains(count))
        var rest = self
        rest.skipped += count
        return rest
    }

    /// All series, of which equal label sets are held once.
    package var all: [Series] {
        switch form {
        case .whole(let series): Array(series[skipped...])
        case .numbered(let strings): strings.all(from: skipped)
        }
    }

    /// The metric of a series.
    package func metric(of number: Int) -> String {
        switch form {
        case .whole(let series): series[skipped + number].metric
        case .numbered(let strings): strings.metric(of: skipped + number)
        }
    }

    /// The value of a series' label; nil when it has none of that name.
    package func value(of name: String, of number: Int) -> String? {
        switch form {
        case .whole(let series): series[skipped + number].labels[name]
        case .numbered(let strings): strings.value(of: name, of: skipped + number)
        }
    }

    /// Calls a function with the metric of a series, then with name and value of each of its labels.
    package func forEachString(of number: Int, _ body: (String) -> Void) {
        switch form {
        case .whole(let series): series[skipped + number].forEachString(body)
        case .numbered(let strings): strings.forEachString(of: skipped + number, body)
        }
    }

    /// Hashes a series: the same as the `Series` itself.
    package func hash(_ number: Int, into hasher: inout Hasher) {
        forEachString(of: number) { hasher.combine($0) }
    }

    /// Whether these series begin with those of another list, in its order.
    package func starts(with other: SeriesList) -> Bool {
        guard other.count <= count else { return false }
        if skipped == 0, other.skipped == 0, case .numbered(let mine) = form, case .numbered(let its) = other.form,
            mine.starts(with: its)
        {
            return true
        }
        return other.indices.allSatisfy { self[$0] == other[$0] }
    }
}

extension SeriesList: ExpressibleByArrayLiteral {
    package init(arrayLiteral elements: Series...) {
        self.init(elements)
    }
}

/// Series as numbers of strings: what a dictionary that was read is held in.
///
/// Without room to spare once `trim` was called.
package struct SeriesStrings: Sendable {
    /// The strings by number, each once.
    package private(set) var strings: [String] = []
    /// By series: the number of its metric.
    private var metrics = CompactNumbers()
    /// By series: where its labels begin in `sets`.
    private var places = CompactNumbers()
    /// Label sets, one after another: how many labels, then the numbers of name and value of each.
    private var sets = CompactNumbers()

    /// Makes an empty dictionary.
    package init() {}

    /// Series held.
    package var count: Int { metrics.count }

    /// Whether a string is these bytes; false when there is no such string.
    package func holds(_ bytes: UnsafeBufferPointer<UInt8>, at number: Int) -> Bool {
        guard number < strings.count else { return false }
        var known = strings[number]
        return known.withUTF8 { $0.elementsEqual(bytes) }
    }

    /// Takes in a string, whose number is the count of those before.
    package mutating func append(_ string: String) {
        strings.append(string)
    }

    /// Takes in a label set, and gives its place.
    ///
    /// - Parameter labels: the numbers of name and value of each label, ascending by name.
    package mutating func append(labels: some Collection<UInt32>) -> UInt32 {
        let place = UInt32(sets.count)
        sets.append(UInt32(labels.count / 2))
        for label in labels { sets.append(label) }
        return place
    }

    /// Takes in a series.
    ///
    /// Precondition: the numbers are those of a string and a set.
    package mutating func append(metric: UInt32, labels place: UInt32) {
        precondition(Int(metric) < strings.count && Int(place) < sets.count)
        metrics.append(metric)
        places.append(place)
    }

    /// Takes out all but the first series and strings, and the label sets that none of them has.
    ///
    /// Precondition: what is left refers to no string that is not.
    package mutating func keepFirst(series: Int, strings count: Int) {
        guard series < metrics.count || count < strings.count else { return }
        var end = 0
        for number in 0..<series { end = max(end, labels(number).upperBound) }
        strings.removeSubrange(count...)
        metrics.keepFirst(series)
        places.keepFirst(series)
        sets.keepFirst(end)
    }

    /// Whether a series is that of a metric with these labels; false when there is no such series.
    ///
    /// - Parameter labels: the numbers of name and value of each label.
    package func holds(metric: UInt32, labels: ArraySlice<UInt32>, at number: Int) -> Bool {
        guard number < metrics.count, metrics[number] == metric else { return false }
        let known = self.labels(number)
        return known.count == labels.count && sets.holds(labels, at: known.lowerBound)
    }

    /// The place of a series' label set.
    package func place(of number: Int) -> UInt32 { places[number] }

    /// Gives up room that nothing is in, where it is more than a little.
    package mutating func trim() {
        strings = strings.trimmed
        metrics.trim()
        places.trim()
        sets.trim()
    }
}

extension SeriesStrings {
    func metric(of number: Int) -> String { strings[Int(metrics[number])] }

    /// The places of the numbers of name and value of each label.
    private func labels(_ number: Int) -> Range<Int> {
        let place = Int(places[number])
        return (place + 1)..<(place + 1 + 2 * Int(sets[place]))
    }

    private func string(at place: Int) -> String { strings[Int(sets[place])] }

    func value(of name: String, of number: Int) -> String? {
        let labels = labels(number)
        for place in stride(from: labels.lowerBound, to: labels.upperBound, by: 2) where string(at: place) == name {
            return string(at: place + 1)
        }
        return nil
    }

    func forEachString(of number: Int, _ body: (String) -> Void) {
        body(metric(of: number))
        for place in labels(number) { body(string(at: place)) }
    }

    func series(_ number: Int) -> Series { Series(metric(of: number), labelSet(number)) }

    private func labelSet(_ number: Int) -> LabelSet {
        let labels = labels(number)
        return LabelSet(
            ascending: stride(from: labels.lowerBound, to: labels.upperBound, by: 2).map {
                Label(string(at: $0), string(at: $0 + 1))
            })
    }

    func all(from first: Int) -> [Series] {
        var made: [UInt32: LabelSet] = [:]
        return (first..<count).map { number in
            let place = places[number]
            if let known = made[place] { return Series(metric(of: number), known) }
            let labels = labelSet(number)
            made[place] = labels
            return Series(metric(of: number), labels)
        }
    }

    /// Whether all numbers of another dictionary mean the same here; false says nothing.
    func starts(with other: SeriesStrings) -> Bool {
        CompactNumbers.hasPrefix(strings, other.strings) && metrics.starts(with: other.metrics)
            && places.starts(with: other.places) && sets.starts(with: other.sets)
    }
}
