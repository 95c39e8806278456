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

        mutating func take(_ point: borrowing SignalPoint, capacity: Int) {
            let step = point.step.wholeMilliseconds
            guard point.at > last.at, step > 0 else { return }
            // Cells that never closed are gaps.
            let missing = (point.at.millis &- last.at.millis) / step - 1
            for _ in 0..<min(max(0, missing), Int64(capacity)) { push(nil, capacity: capacity) }
            last.follow(point)
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

    /// The signals of one subject.
    ///
    /// Lists with a guess where the next is: each cell brings the same subjects and signals in the same order.
    private struct Entry: Sendable {
        /// Nil when the entry is free.
        var subject: Subject?
        var tracks: [Track] = []
        /// The track that the next point is thought to be of.
        var expected = 0
        /// The entry of the subject that came after this one.
        var next = 0

        mutating func take(_ points: Span<SignalPoint>, _ run: Range<Int>) {
            for position in run {
                guard let place = place(of: points[position].signal) else {
                    guard !points[position].isOfPart else { continue }
                    tracks.append(Track(points[position], capacity: cellsMax))
                    expected = 0
                    continue
                }
                expected = place + 1
                if points[position].isOfPart {
                    tracks[place].take(part: points[position])
                } else {
                    tracks[place].take(points[position], capacity: cellsMax)
                }
            }
        }

        private func place(of signal: SignalName) -> Int? {
            let guess = expected < tracks.count ? expected : 0
            if guess < tracks.count, tracks[guess].last.signal == signal { return guess }
            return tracks.firstIndex { $0.last.signal == signal }
        }
    }

    /// Cells kept of each signal.
    static let cellsMax = 60
    /// How long a signal is shown after its last cell.
    static let forgetAfter: Duration = .seconds(3600)

    private let subjectsMax: Int
    private var entries: [Entry] = []
    private var freeEntries: [Int] = []
    private var indexBySubject: [Subject: Int] = [:]
    /// The entry of the last point.
    private var cursor = 0
    private var sweptAt: Timestamp?
    /// Points of subjects beyond the limit; only rises.
    private(set) var refused: UInt64 = 0

    init(subjectsMax: Int) {
        self.subjectsMax = subjectsMax
    }

    /// Subjects with signals.
    var subjects: some Collection<Subject> { indexBySubject.keys }

    /// The signals of a subject; empty when it is unknown.
    func tracks(of subject: Subject) -> [SignalName: Track] {
        let tracks = indexBySubject[subject].map { entries[$0].tracks } ?? []
        return Dictionary(tracks.map { ($0.last.signal, $0) }) { _, last in last }
    }

    /// Number of signals.
    private(set) var count = 0

    /// Takes points as the engine gives them: those of one subject and one cell come together.
    mutating func take(_ cells: [SignalPoint]) {
        // A span lends its elements; an array would copy each cell, names and all.
        let points = cells.span
        var start = 0
        while start < points.count {
            var end = start + 1
            while end < points.count, points[end].subject == points[start].subject { end += 1 }
            // Looked up once for all of them.
            if let place = entry(for: points, start..<end) {
                count -= entries[place].tracks.count
                entries[place].take(points, start..<end)
                count += entries[place].tracks.count
            }
            start = end
        }
    }

    /// The entry of a run's subject, made on demand; nil when there is nothing to show, or no room.
    private mutating func entry(for points: Span<SignalPoint>, _ run: Range<Int>) -> Int? {
        if cursor < entries.count {
            let next = entries[cursor].next
            if next < entries.count, entries[next].subject == points[run.lowerBound].subject {
                cursor = next
                return next
            }
        }
        let subject = points[run.lowerBound].subject
        guard let place = indexBySubject[subject] ?? makeEntry(for: subject, points.extracting(run)) else { return nil }
        if cursor < entries.count { entries[cursor].next = place }
        cursor = place
        return place
    }

    private mutating func makeEntry(for subject: Subject, _ points: Span<SignalPoint>) -> Int? {
        var cells = 0
        for place in points.indices where !points[place].isOfPart { cells += 1 }
        guard cells > 0 else { return nil }
        guard indexBySubject.count < subjectsMax else {
            refused += UInt64(cells)
            return nil
        }
        let place = freeEntries.popLast() ?? entries.count
        if place == entries.count {
            entries.append(Entry(subject: subject))
        } else {
            entries[place] = Entry(subject: subject)
        }
        indexBySubject[subject] = place
        return place
    }

    /// Forgets what has been silent for long, once a minute.
    mutating func forget(now: Timestamp) {
        if let sweptAt, now - sweptAt < .seconds(60), now >= sweptAt { return }
        sweptAt = now
        for place in entries.indices {
            guard let subject = entries[place].subject,
                entries[place].tracks.contains(where: { now - $0.last.at >= Self.forgetAfter })
            else { continue }
            count -= entries[place].tracks.count
            entries[place].tracks.removeAll { now - $0.last.at >= Self.forgetAfter }
            count += entries[place].tracks.count
            guard entries[place].tracks.isEmpty else { continue }
            entries[place] = Entry()
            indexBySubject[subject] = nil
            freeEntries.append(place)
        }
    }
}
