package import Foundation
import Telemetry

/// The figures of the adaptive detector on recordings that others labelled.
package enum AdaptiveFigures {
    /// Reads `nab`, `mscloud` and `asd` below a folder and gives the figures by name.
    package static func measure(_ folder: URL) throws -> [String: Double] {
        let benchmark = try LabelledSet(folder: folder.appendingPathComponent("nab"))
        let scores = alarms(benchmark)
        var figures = [
            "nab_standard": BenchmarkScore(benchmark, scores, .standard).value,
            "nab_low_fp": BenchmarkScore(benchmark, scores, .lowFalsePositives).value,
        ]
        let cloud = try LabelledSet(folder: folder.appendingPathComponent("mscloud"))
        var events = EventScore()
        for (recording, alarms) in zip(cloud.recordings, alarms(cloud)) {
            events.add(alarms, windows: recording.windows)
        }
        figures["mscloud_event_f1"] = events.f1
        figures["mscloud_event_precision"] = events.precision
        figures["mscloud_event_recall"] = events.recall
        try servers(folder.appendingPathComponent("asd"), &figures)
        try faults(folder, &figures)
        return figures
    }

    private static func alarms(_ set: LabelledSet) -> [[Double]] {
        set.recordings.map { SurpriseScores.ofTable($0.table) }
    }

    /// Rows of a server's recording that are taken as normal.
    private static let normalRows = 4320

    /// An anomaly of a server is found when any of its series alarms; false alarms are counted a series.
    private static func servers(_ folder: URL, _ figures: inout [String: Double]) throws {
        let servers = try LabelledSet(folder: folder)
        var any = EventScore()
        var each = EventScore()
        var quietRows = 0
        for recording in servers.recordings {
            let rows = recording.table.times.count
            var joined = Array(repeating: 0.0, count: rows)
            for column in recording.table.columns {
                let alarms = SurpriseScores.ofSeries(column.values, at: recording.table.times)
                each.add(alarms, windows: recording.windows, from: normalRows)
                for row in alarms.indices { joined[row] = max(joined[row], alarms[row]) }
                quietRows += rows - normalRows - recording.windows.reduce(0) { $0 + $1.count }
            }
            any.add(joined, windows: recording.windows, from: normalRows)
        }
        let weeks = Double(quietRows) * SeriesTable.stepWithoutClock.inSeconds / 604_800
        figures["asd_recall"] = any.recall
        figures["asd_delay_rows_median"] = any.delayMedian.map(Double.init) ?? -1
        figures["asd_false_per_series_week"] = Double(each.falseAlarms) / max(1e-9, weeks)
    }

    private static func faults(_ folder: URL, _ figures: inout [String: Double]) throws {
        for name in ["boutique", "trainticket"] {
            let outcome = try FaultRecordings.nezha(folder.appendingPathComponent("nezha/\(name)"))
            figures["nezha_\(name)_recall"] = outcome.recall
            figures["nezha_\(name)_false_per_series_week"] = outcome.falseAlarmsPerWeek
        }
        let quiet = try SeriesTable(file: folder.appendingPathComponent("petshop/low_traffic/noissue.csv"))
        let outcome = try FaultRecordings.petShop(folder.appendingPathComponent("petshop/low_traffic"), quiet: quiet)
        figures["petshop_recall"] = outcome.recall
        figures["petshop_false_per_series_week"] = outcome.falseAlarmsPerWeek
    }
}
