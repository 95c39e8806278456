import Foundation

/// The score of the Numenta Anomaly Benchmark (Lavin and Ahmad 2015) for alarms as they were told, without a search for
/// a threshold.
package struct BenchmarkScore: Sendable {
    /// What a false alarm costs.
    package enum Profile: Double, Sendable {
        case standard = 0.11
        case lowFalsePositives = 0.22
    }

    /// 100 for perfect, 0 for a detector that says nothing.
    package let value: Double

    /// Scores the alarms of each recording, a score a row; more than 0 is an alarm.
    ///
    /// The first alarm in a window counts, more the earlier it is; the first 15 % of a file, at most 750 rows, do not.
    package init(_ set: LabelledSet, _ scores: [[Double]], _ profile: Profile) {
        var total = 0.0
        var windows = 0
        for (recording, alarms) in zip(set.recordings, scores) {
            let from = min(Int(0.15 * Double(alarms.count)), 750)
            windows += recording.windows.count
            for window in recording.windows {
                let hit = window.first { $0 >= from && alarms[$0] > 0 }
                let length = Double(window.count)
                total += hit.map { Self.sigmoid(-Double(window.upperBound - $0 + 1) / length) / Self.sigmoid(-1) } ?? -1
            }
            var index = 0
            for row in alarms.indices where row >= from && alarms[row] > 0 {
                while index < recording.windows.count, recording.windows[index].upperBound < row { index += 1 }
                if index < recording.windows.count, recording.windows[index].contains(row) { continue }
                total += profile.rawValue * Self.cost(row, after: index > 0 ? recording.windows[index - 1] : nil)
            }
        }
        value = 100 * (total + Double(windows)) / Double(2 * max(1, windows))
    }

    /// A false alarm soon after a window costs less than one in the open.
    private static func cost(_ row: Int, after window: ClosedRange<Int>?) -> Double {
        guard let window else { return -1 }
        let distance = Double(row - window.upperBound) / Double(max(1, window.count - 1))
        return distance > 3 ? -1 : sigmoid(distance)
    }

    private static func sigmoid(_ position: Double) -> Double { 2 / (1 + exp(5 * position)) - 1 }
}

/// Anomalies found and alarms that were none, whatever the length of either.
package struct EventScore: Sendable {
    /// Anomalies.
    package private(set) var windows = 0
    /// Those with an alarm in them, or up to two rows after their start.
    package private(set) var found = 0
    /// Alarms outside.
    package private(set) var falseAlarms = 0
    /// Rows from the start of each found anomaly to its first alarm, ascending.
    package private(set) var delays: [Int] = []

    /// A score without anything.
    package init() {}

    /// Adds one recording's alarms; alarms before row `from` are passed over.
    package mutating func add(_ alarms: [Double], windows ranges: [ClosedRange<Int>], from: Int = 0) {
        var isInside = alarms.map { _ in false }
        for window in ranges {
            let last = min(alarms.count - 1, max(window.upperBound, window.lowerBound + 2))
            let reach = window.lowerBound...max(window.lowerBound, last)
            windows += 1
            for row in reach { isInside[row] = true }
            guard let hit = reach.first(where: { alarms[$0] > 0 }) else { continue }
            found += 1
            delays.append(hit - window.lowerBound)
        }
        falseAlarms += alarms.indices.count { $0 >= from && alarms[$0] > 0 && !isInside[$0] }
        delays.sort()
    }

    /// Share of anomalies that were found.
    package var recall: Double { windows == 0 ? 1 : Double(found) / Double(windows) }
    /// Found anomalies of these and the false alarms.
    package var precision: Double { found + falseAlarms == 0 ? 0 : Double(found) / Double(found + falseAlarms) }
    /// Harmonic mean of both.
    package var f1: Double { precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall) }
    /// Median delay in rows.
    package var delayMedian: Int? { delays.isEmpty ? nil : delays[delays.count / 2] }
}
