/// Samples of one agent as columns, with series by number: how samples go from the decoder to the signals without a
/// look at a name a sample.
///
/// A collection of samples for whoever wants names. A reader that takes the columns works out once what each series of
/// a numbering means to it.
package struct SampleBatch: Sendable {
    /// What numbers of series belong to.
    ///
    /// Of two batches with one numbering the `series` of one begin with those of the other.
    package struct Numbering: Hashable, Sendable {
        /// The agent's stream, by the receiver's number of it: no other one has it as long as the process lives.
        package var stream: UInt64
        /// Sequence of the frame on that stream which the numbers begin with.
        package var frame: UInt64

        /// Names a numbering.
        package init(stream: UInt64, frame: UInt64) {
            self.stream = stream
            self.frame = frame
        }
    }

    /// What the numbers belong to; nil when they are this batch's alone.
    package let numbering: Numbering?
    /// The series by number, also those that have no sample in this batch.
    package let series: SeriesList
    /// The number of each sample's series.
    package private(set) var numbers: [UInt32]
    /// The time of each sample, in milliseconds since 1970-01-01T00:00:00Z.
    package private(set) var times: [Int64]
    /// The bits of each sample's value.
    package private(set) var bits: [UInt64]

    /// Puts columns together.
    ///
    /// Precondition: they are of one length, and each number is below the count of `series`.
    package init(numbering: Numbering, series: SeriesList, numbers: [UInt32], times: [Int64], bits: [UInt64]) {
        precondition(numbers.count == times.count && times.count == bits.count)
        precondition(numbers.max().map { Int($0) < series.count } ?? true)
        self.numbering = numbering
        self.series = series
        self.numbers = numbers
        self.times = times
        self.bits = bits
    }

    /// Makes columns of samples, with a numbering of their own.
    package init(_ samples: [Sample]) {
        numbering = nil
        series = SeriesList(samples.map(\.series))
        numbers = samples.indices.map { UInt32($0) }
        times = samples.map(\.timestamp.millis)
        bits = samples.map(\.value.bitPattern)
    }

    /// The samples at the positions that are included, with the same numbering; each position is asked for once.
    package func keeping(_ isIncluded: (_ position: Int) -> Bool) -> SampleBatch {
        guard let first = indices.first(where: { !isIncluded($0) }) else { return self }
        var kept = self
        kept.numbers.removeSubrange(first...)
        kept.times.removeSubrange(first...)
        kept.bits.removeSubrange(first...)
        for position in (first + 1)..<count where isIncluded(position) {
            kept.numbers.append(numbers[position])
            kept.times.append(times[position])
            kept.bits.append(bits[position])
        }
        return kept
    }

    /// All samples with their series by name; each series is made once.
    package var samples: [Sample] {
        let names = series.all
        return indices.map { position in
            Sample(
                names[Int(numbers[position])], Timestamp(millis: times[position]), Double(bitPattern: bits[position]))
        }
    }

    /// Earliest and latest time; nil when there are no samples.
    package var timeRange: ClosedRange<Timestamp>? {
        guard var (least, greatest) = times.first.map({ ($0, $0) }) else { return nil }
        for time in times {
            if time < least { least = time }
            if time > greatest { greatest = time }
        }
        return Timestamp(millis: least)...Timestamp(millis: greatest)
    }
}

extension SampleBatch: RandomAccessCollection {
    /// 0, the position of the first sample.
    package var startIndex: Int { 0 }
    /// The count of samples.
    package var endIndex: Int { numbers.count }

    /// The sample at a position, with its series by name.
    package subscript(position: Int) -> Sample {
        Sample(
            series[Int(numbers[position])], Timestamp(millis: times[position]), Double(bitPattern: bits[position]))
    }
}

/// What the series of an agent's present numbering are to a reader, by number.
package struct NumberedSeries<Meaning: Sendable>: Sendable {
    /// By number; as many as there were series in the batch followed last.
    package var meanings: [Meaning] = []
    private var numbering: SampleBatch.Numbering?

    /// Knows no series yet.
    package init() {}

    /// Makes room for the series of a batch: what a series means that was not in the batch before is worked out.
    ///
    /// A batch without a numbering that others share has all its series worked out.
    ///
    /// - Parameter meaning: is given the number of a series in the batch's list.
    package mutating func follow(_ batch: SampleBatch, _ meaning: (SeriesList, Int) -> Meaning) {
        if numbering != batch.numbering || numbering == nil {
            numbering = batch.numbering
            meanings.removeAll(keepingCapacity: true)
        }
        let new = meanings.count..<max(meanings.count, batch.series.count)
        // Most come at once, when a numbering begins: then there is to be no room to spare.
        if new.count > meanings.count / 8 { meanings.reserveCapacity(new.upperBound) }
        for number in new { meanings.append(meaning(batch.series, number)) }
    }
}
