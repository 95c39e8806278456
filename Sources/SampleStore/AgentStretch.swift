import SampleCodec
package import Telemetry

/// Samples of one agent over a stretch of time, look by look and by number: how stored samples go back to the signals.
///
/// Holds 12 bytes a sample; the names of series are held once for all stretches of an agent.
package final class AgentStretch: Sendable {
    /// What was measured at one time, in the order in which it was sent as far as that is known.
    package struct Look: Sendable, Hashable {
        /// By the coordinator's clock.
        package var at: Timestamp
        fileprivate var start: Int
        fileprivate var end: Int
    }

    /// Whose samples.
    package let agent: AgentName
    /// In order of time.
    package let looks: [Look]

    private let numbering: SampleBatch.Numbering
    private let series: SeriesList
    private let numbers: [UInt32]
    private let bits: [UInt64]

    /// Samples held.
    package var count: Int { numbers.count }

    fileprivate init(
        agent: AgentName, numbering: SampleBatch.Numbering, series: SeriesList, looks: [Look], numbers: [UInt32],
        bits: [UInt64]
    ) {
        (self.agent, self.numbering, self.series) = (agent, numbering, series)
        (self.looks, self.numbers, self.bits) = (looks, numbers, bits)
    }

    /// The samples of a look; batches of all stretches that one reader gave have one numbering an agent.
    package func batch(_ look: Look) -> SampleBatch {
        SampleBatch(
            numbering: numbering, series: series, numbers: Array(numbers[look.start..<look.end]),
            times: Array(repeating: look.at.millis, count: look.end - look.start),
            bits: Array(bits[look.start..<look.end]))
    }
}

/// Gathers samples in any order and puts them in order of time.
struct LookGatherer {
    private static let outside = -1

    private let clock: ClockHistory?
    private let range: ClosedRange<Timestamp>
    /// The times by the agent's clock, in the order in which they were met.
    private var times: [Int64] = []
    private var counts: [Int] = []
    private var placeOfTime: [Int64: Int] = [:]
    private var places: [UInt32] = []
    private var numbers: [UInt32] = []
    private var bits: [UInt64] = []

    /// - Parameters:
    ///   - clock: what is taken off times; nil when nothing is.
    ///   - range: of what is gathered, by the coordinator's clock.
    init(clock: ClockHistory?, range: ClosedRange<Timestamp>) {
        (self.clock, self.range) = (clock, range)
    }

    /// Adds the samples in the range of those series that have a number: `numbering` is by the block's numbers, and -1
    /// for a series that is not wanted.
    mutating func take(_ columns: SampleColumns, numbering: [Int32]) {
        let (series, blockTimes, values) = (columns.series, columns.times, columns.bits)
        // Most samples have the time of the one before.
        var (time, place): (Int64?, Int) = (nil, Self.outside)
        for position in series.indices {
            let number = numbering[Int(series[position])]
            guard number >= 0 else { continue }
            if blockTimes[position] != time {
                time = blockTimes[position]
                place = self.place(of: blockTimes[position], after: place)
            }
            guard place >= 0 else { continue }
            counts[place] += 1
            places.append(UInt32(place))
            numbers.append(UInt32(number))
            bits.append(values[position])
        }
    }

    private mutating func place(of time: Int64, after previous: Int) -> Int {
        // Series of one target share their times: what comes next is mostly what came next before.
        let next = previous + 1
        if next > 0, next < times.count, times[next] == time { return next }
        guard range.contains(moved(time)) else { return Self.outside }
        if let known = placeOfTime[time] { return known }
        placeOfTime[time] = times.count
        times.append(time)
        counts.append(0)
        return times.count - 1
    }

    private func moved(_ time: Int64) -> Timestamp {
        let time = Timestamp(millis: time)
        return clock.map { time - $0.offset(at: time) } ?? time
    }

    /// All that was gathered; of samples of one series and time the last one stays.
    ///
    /// - Parameter series: by the numbers that were given.
    func stretch(of agent: AgentName, series: [Series], numbering: SampleBatch.Numbering) -> AgentStretch {
        let order = times.indices.map { (at: moved(times[$0]), time: times[$0], place: $0) }
            .sorted { ($0.at, $0.time) < ($1.at, $1.time) }
        var next = Array(repeating: 0, count: times.count)
        var looks: [AgentStretch.Look] = []
        looks.reserveCapacity(order.count)
        var start = 0
        for one in order {
            next[one.place] = start
            looks.append(AgentStretch.Look(at: one.at, start: start, end: start + counts[one.place]))
            start += counts[one.place]
        }
        var sorted = SortedSamples(count: numbers.count)
        for position in places.indices {
            let target = next[Int(places[position])]
            next[Int(places[position])] = target + 1
            sorted.numbers[target] = numbers[position]
            sorted.bits[target] = bits[position]
        }
        sorted.removeRepeated(in: &looks, seriesCount: series.count)
        return AgentStretch(
            agent: agent, numbering: numbering, series: SeriesList(series), looks: looks, numbers: sorted.numbers,
            bits: sorted.bits)
    }
}

/// Samples look by look.
private struct SortedSamples {
    var numbers: [UInt32]
    var bits: [UInt64]

    init(count: Int) {
        numbers = Array(repeating: 0, count: count)
        bits = Array(repeating: 0, count: count)
    }

    /// Takes out samples of a series that has a later one in the same look: frames and chunks may both hold one.
    mutating func removeRepeated(in looks: inout [AgentStretch.Look], seriesCount: Int) {
        // By series: where its last sample went.
        var placeOfSeries = Array(repeating: -1, count: seriesCount)
        var end = 0
        for index in looks.indices {
            let start = end
            for position in looks[index].start..<looks[index].end {
                let number = Int(numbers[position])
                if placeOfSeries[number] >= start {
                    bits[placeOfSeries[number]] = bits[position]
                    continue
                }
                placeOfSeries[number] = end
                numbers[end] = numbers[position]
                bits[end] = bits[position]
                end += 1
            }
            (looks[index].start, looks[index].end) = (start, end)
        }
        numbers.removeSubrange(end...)
        bits.removeSubrange(end...)
    }
}
