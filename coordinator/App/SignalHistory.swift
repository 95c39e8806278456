import Signals
import Telemetry

/// The last cells of each signal of each subject, for people to look at: bounded in subjects and in cells.
struct SignalHistory: Sendable {
    /// One signal of one subject.
    struct Track: Sendable {
        /// The last cell.
        private(set) var last: SignalPoint
        /// Values of the cells up to the last, a ring; NaN where there were no data.
        private var values: [Float]
        private var next: Int
        /// Events of the present cell that an edge told of already.
        private var told = 0.0

        init(_ point: SignalPoint, capacity: Int) {
            last = point
            values = []
            values.reserveCapacity(capacity)
            next = 0
            push(point.value, capacity: capacity)
        }

        /// Values of the last cells, oldest first.
        var recent: [Float] { Array(values[next...] + values[..<next]) }

        /// Takes what an edge told of before its cell was over: its events are shown with the cell's.
        ///
        /// A part of a ratio is not: the rest of the cell is shown alone.
        mutating func take(part point: SignalPoint) {
            if point.volume == 0 { told += point.value ?? 0 }
        }

        mutating func take(_ point: SignalPoint, capacity: Int) {
            guard point.at > last.at, point.step > .zero else { return }
            // Cells that never closed are gaps.
            let missing = (point.at - last.at).wholeMilliseconds / point.step.wholeMilliseconds - 1
            for _ in 0..<min(max(0, missing), Int64(capacity)) { push(nil, capacity: capacity) }
            last = point
            if told > 0 { last.value = (point.value ?? 0) + told }
            told = 0
            push(last.value, capacity: capacity)
        }

        private mutating func push(_ value: Double?, capacity: Int) {
            let value = value.map { Float($0) } ?? .nan
            if values.count < capacity {
                values.append(value)
            } else {
                values[next] = value
                next = (next + 1) % capacity
            }
        }
    }

    /// Cells kept of each signal.
    static let cellsMax = 60
    /// How long a signal is shown after its last cell.
    static let forgetAfter: Duration = .seconds(3600)

    private let subjectsMax: Int
    private var tracks: [Subject: [SignalName: Track]] = [:]
    private var sweptAt: Timestamp?
    /// Points of subjects beyond the limit; only rises.
    private(set) var refused: UInt64 = 0

    init(subjectsMax: Int) {
        self.subjectsMax = subjectsMax
    }

    /// Subjects with their signals.
    var subjects: [Subject: [SignalName: Track]] { tracks }

    /// Number of signals.
    var count: Int { tracks.values.reduce(0) { $0 + $1.count } }

    /// Takes points as the engine gives them: those of one subject and one cell come together.
    mutating func take(_ points: [SignalPoint]) {
        var start = 0
        while start < points.count {
            let subject = points[start].subject
            var end = start + 1
            while end < points.count, points[end].subject == subject { end += 1 }
            take(points[start..<end], of: subject)
            start = end
        }
    }

    private mutating func take(_ points: ArraySlice<SignalPoint>, of subject: Subject) {
        if tracks[subject] == nil {
            let cells = points.count { !$0.isOfPart }
            guard cells > 0 else { return }
            guard tracks.count < subjectsMax else {
                refused += UInt64(cells)
                return
            }
            tracks[subject] = [:]
        }
        // Looked up once for all of them.
        guard let place = tracks.index(forKey: subject) else { return }
        for point in points {
            if point.isOfPart {
                tracks.values[place][point.signal]?.take(part: point)
            } else if tracks.values[place][point.signal]?.take(point, capacity: Self.cellsMax) == nil {
                tracks.values[place][point.signal] = Track(point, capacity: Self.cellsMax)
            }
        }
    }

    /// Forgets what has been silent for long, once a minute.
    mutating func forget(now: Timestamp) {
        if let sweptAt, now - sweptAt < .seconds(60), now >= sweptAt { return }
        sweptAt = now
        for (subject, signals) in tracks {
            let live = signals.filter { now - $0.value.last.at < Self.forgetAfter }
            guard live.count < signals.count else { continue }
            tracks[subject] = live.isEmpty ? nil : live
        }
    }
}
