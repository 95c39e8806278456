package import Foundation
import Telemetry

/// The recordings of injected faults, which have no quiet past of their own: one is put before them.
package enum FaultRecordings {
    /// What came of one kind of recording.
    package struct Outcome: Sendable {
        /// Faults.
        package var faults = 0
        /// Faults of which a series of the faulty part told in time.
        package var found = 0
        /// Alarms on quiet parts.
        package var falseAlarms = 0
        /// Length of the quiet parts, over all series.
        package var quietWeeks = 0.0
        /// What was found and when, a line a fault.
        package var lines: [String] = []

        /// Found of all.
        package var recall: Double { faults == 0 ? 1 : Double(found) / Double(faults) }
        /// Alarms a series and week on quiet parts.
        package var falseAlarmsPerWeek: Double { quietWeeks > 0 ? Double(falseAlarms) / quietWeeks : 0 }
    }

    // MARK: Nezha

    private struct Fault: Decodable {
        var time: String
        var pod: String
        var type: String
    }

    /// Faults of a few minutes each in one pod.
    ///
    /// The rest of the day, from half an hour after the last one, is quiet and comes first, moved to the day before. An
    /// alarm counts that comes up to ten minutes after the injection.
    package static func nezha(_ folder: URL) throws -> Outcome {
        var outcome = Outcome()
        let data = try Data(contentsOf: folder.appendingPathComponent("faults.json"))
        let faults = try JSONDecoder().decode([Fault].self, from: data)
        let times = faults.compactMap { SeriesTable.moment($0.time) }
        guard let last = times.max() else { return outcome }
        for pod in Set(faults.map(\.pod)).sorted() {
            let table = try SeriesTable(file: folder.appendingPathComponent(pod + ".csv"))
            let quiet = table.times.indices.filter { table.times[$0] > last + .seconds(1800) }
            let busy = table.times.indices.filter { table.times[$0] <= last + .seconds(600) }
            let moments = quiet.map { table.times[$0] - .seconds(86_400) } + busy.map { table.times[$0] }
            var told: [(row: Int, column: String)] = []
            for column in table.columns {
                let values = quiet.map { column.values[$0] } + busy.map { column.values[$0] }
                let alarms = SurpriseScores.ofSeries(values, at: moments)
                told += alarms.indices.filter { alarms[$0] > 0 }.map { ($0, column.name) }
                outcome.quietWeeks += Double(quiet.count) * 60 / 604_800
            }
            outcome.falseAlarms += told.count { $0.row < quiet.count }
            for fault in faults where fault.pod == pod {
                guard let start = SeriesTable.moment(fault.time) else { continue }
                let hits = told.filter {
                    $0.row >= quiet.count && moments[$0.row] >= start && moments[$0.row] <= start + .seconds(600)
                }
                outcome.note("\(folder.lastPathComponent) \(fault.type) \(pod)", hits.map(\.column))
            }
        }
        return outcome
    }

    // MARK: PetShop

    private struct Issue: Decodable {
        struct Target: Decodable {
            var node: String
            var metric: String
            var agg: String
        }

        var target: Target
    }

    /// Issues of five rows, on the series that each is about.
    ///
    /// The recording without issues comes first, as if it had ended when the issue began; its second half is what false
    /// alarms are counted on.
    package static func petShop(_ folder: URL, quiet: SeriesTable) throws -> Outcome {
        var outcome = Outcome()
        let half = quiet.times.count / 2
        for column in quiet.columns {
            let alarms = SurpriseScores.ofSeries(column.values, at: quiet.times)
            outcome.falseAlarms += alarms[half...].count { $0 > 0 }
            outcome.quietWeeks += Double(alarms.count - half) * 300 / 604_800
        }
        for path in try SeriesTable.paths(in: folder) where path.hasPrefix("issue_") {
            let file = folder.appendingPathComponent(path)
            let about = try JSONDecoder().decode(
                Issue.self, from: Data(contentsOf: file.deletingPathExtension().appendingPathExtension("json")))
            let name = [about.target.node, about.target.metric, about.target.agg].joined(separator: "|")
            let table = try SeriesTable(file: file)
            guard let before = quiet.columns.first(where: { $0.name == name }), let end = quiet.times.last,
                let during = table.columns.first(where: { $0.name == name })
            else { continue }
            let moments = quiet.times + table.times.indices.map { end + .seconds(300 * ($0 + 1)) }
            let alarms = SurpriseScores.ofSeries(before.values + during.values, at: moments)
            let hits = alarms[before.values.count...].filter { $0 > 0 }
            outcome.note("\(folder.lastPathComponent) \(path)", hits.map { _ in name })
        }
        return outcome
    }
}

extension FaultRecordings.Outcome {
    fileprivate mutating func note(_ fault: String, _ series: [String]) {
        faults += 1
        if !series.isEmpty { found += 1 }
        lines.append("\(fault): \(series.isEmpty ? "-" : Set(series).sorted().joined(separator: ", "))")
    }
}
