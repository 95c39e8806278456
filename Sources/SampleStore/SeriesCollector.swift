import SQLiteFile
import Telemetry

/// Gathers the samples of a query by series and hands them out in order of time.
struct SeriesCollector {
    private struct Key: Hashable {
        var cluster: String
        var series: Series
    }

    private struct Entry {
        var timestamps: [Int64] = []
        var values: [Double] = []
        var walker: StepWalker?
    }

    /// Far enough from the ends of `Int64` that no sum below can overflow.
    private static let millisMax: Int64 = 1 << 53

    private let query: SampleQuery
    private let from: Int64
    private let to: Int64
    private var entries: [Key: Entry] = [:]
    /// Series that the selector does not name; forgotten when there are too many.
    private var others: Set<Key> = []
    private var buffered = 0
    private var drainedBefore = Int64.min

    init(_ query: SampleQuery) throws(StoreError) {
        guard query.from <= query.to else { throw StoreError(.invalid, "the range ends before it begins") }
        guard query.from.millis >= -Self.millisMax, query.to.millis <= Self.millisMax else {
            throw StoreError(.invalid, "the range reaches beyond all calendars")
        }
        if let step = query.step {
            guard step >= .milliseconds(1), step <= .milliseconds(Self.millisMax) else {
                throw StoreError(.invalid, "the step is shorter than a millisecond or longer than all calendars")
            }
            guard (query.to - query.from).wholeMilliseconds / step.wholeMilliseconds < SampleQuery.stepsMax else {
                throw StoreError(.tooLarge, "more than \(SampleQuery.stepsMax) steps: choose a longer step")
            }
        }
        self.query = query
        from = query.step == nil ? query.from.millis : (query.from - query.staleAfter).millis
        to = query.to.millis
    }

    /// Series with samples so far.
    var seriesCount: Int { entries.count }

    /// Whether it is time to drain.
    var isFull: Bool { buffered >= query.bufferSamplesMax }

    /// Takes the samples that the query names.
    mutating func add(_ samples: [Sample], cluster: String) throws(StoreError) {
        for sample in samples where sample.timestamp.millis >= from && sample.timestamp.millis <= to {
            let key = Key(cluster: cluster, series: sample.series)
            if entries[key] == nil {
                if others.contains(key) { continue }
                guard query.selector.matches(sample.series, cluster: cluster) else {
                    if others.count >= 200_000 { others = [] }
                    others.insert(key)
                    continue
                }
                guard entries.count < query.seriesMax else {
                    throw StoreError(.tooLarge, "more than \(query.seriesMax) series: narrow the selector")
                }
            }
            // A sample outside its frame's range would break the order of what was handed out.
            guard sample.timestamp.millis >= drainedBefore else { continue }
            entries[key, default: Entry()].timestamps.append(sample.timestamp.millis)
            entries[key, default: Entry()].values.append(sample.value)
            buffered += 1
        }
        if buffered > query.bufferSamplesMax * 16 {
            throw StoreError(.tooLarge, "too many samples overlap in time: narrow the selector or the range")
        }
    }

    /// Hands out what is before a moment, all when nil, in order of cluster, metric and labels.
    mutating func drain(before moment: Timestamp?) throws(StoreError) -> [SeriesChunk] {
        let bound = moment?.millis ?? .max
        drainedBefore = max(drainedBefore, bound)
        var chunks: [SeriesChunk] = []
        let keys = entries.keys.sorted {
            ($0.cluster, $0.series.metric, $0.series.labels.description)
                < ($1.cluster, $1.series.metric, $1.series.labels.description)
        }
        for key in keys {
            guard var entry = entries.removeValue(forKey: key) else { continue }
            let points = Self.take(before: bound, from: &entry)
            buffered -= points.count
            let chosen = choose(points, &entry, isLast: moment == nil)
            entries[key] = entry
            guard !chosen.isEmpty else { continue }
            chunks.append(
                SeriesChunk(
                    cluster: key.cluster, series: key.series, timestamps: chosen.map { Timestamp(millis: $0.time) },
                    values: chosen.map(\.value)))
        }
        return chunks
    }

    /// Takes the points before a moment out of an entry, sorted; of points of one time the last one added stays.
    private static func take(before bound: Int64, from entry: inout Entry) -> [StepWalker.Point] {
        var points: [StepWalker.Point] = []
        var rest = Entry(walker: entry.walker)
        for (time, value) in zip(entry.timestamps, entry.values) {
            if time < bound || bound == .max {
                points.append(.init(time: time, value: value))
            } else {
                rest.timestamps.append(time)
                rest.values.append(value)
            }
        }
        entry = rest
        let isSorted = zip(points, points.dropFirst()).allSatisfy { $0.time <= $1.time }
        // The standard library's sort keeps the order of equals.
        return isSorted ? points : points.sorted { $0.time < $1.time }
    }

    private func choose(
        _ points: [StepWalker.Point], _ entry: inout Entry, isLast: Bool
    ) -> [StepWalker.Point] {
        guard let step = query.step else {
            var unique: [StepWalker.Point] = []
            for point in points {
                if unique.last?.time == point.time { unique.removeLast() }
                unique.append(point)
            }
            return unique
        }
        var walker =
            entry.walker
            ?? StepWalker(
                from: query.from.millis, to: to, step: step.wholeMilliseconds,
                staleAfter: query.staleAfter.wholeMilliseconds)
        var chosen: [StepWalker.Point] = []
        for point in points { walker.take(point, &chosen) }
        if isLast { walker.finish(&chosen) }
        entry.walker = walker
        return chosen
    }
}

/// Reads a series at regular moments: the last value at or before each, unless it is too old or a stale marker.
struct StepWalker {
    struct Point {
        var time: Int64
        var value: Double
    }

    let to: Int64
    let step: Int64
    let staleAfter: Int64
    private var next: Int64
    private var last: Point?

    init(from: Int64, to: Int64, step: Int64, staleAfter: Int64) {
        (self.to, self.step, self.staleAfter, next) = (to, step, staleAfter, from)
    }

    /// Takes the next point in order of time; the moments before it are settled.
    mutating func take(_ point: Point, _ output: inout [Point]) {
        emit(before: point.time, &output)
        last = point
    }

    /// Settles the moments that are left.
    mutating func finish(_ output: inout [Point]) {
        emit(before: to + 1, &output)
    }

    private mutating func emit(before time: Int64, _ output: inout [Point]) {
        while next < time, next <= to {
            guard let last, !StaleMarker.matches(last.value), next - last.time < staleAfter else {
                // Nothing to say until `time`: go to the first moment at or after it.
                let missing = (time - next + step - 1) / step
                next += missing * step
                return
            }
            output.append(Point(time: next, value: last.value))
            next += step
        }
    }
}
