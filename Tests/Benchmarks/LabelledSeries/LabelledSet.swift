package import Foundation
import Telemetry

/// Recordings with what was wrong in them.
package struct LabelledSet: Sendable {
    /// One recording.
    package struct Recording: Sendable {
        /// Path in the set's folder.
        package var name: String
        /// Its rows.
        package var table: SeriesTable
        /// First and last row of each anomaly, ascending.
        package var windows: [ClosedRange<Int>]
    }

    /// The recordings, ascending by name.
    package var recordings: [Recording]

    /// Reads the recordings that a folder's `windows.json` names; windows are pairs of times or of rows.
    package init(folder: URL) throws {
        let data = try Data(contentsOf: folder.appendingPathComponent("windows.json"))
        guard let windows = try JSONSerialization.jsonObject(with: data) as? [String: [[Any]]] else {
            throw SeriesTable.Failure(description: "\(folder.path)/windows.json: lists of pairs by file expected")
        }
        recordings = try windows.sorted { $0.key < $1.key }.map { name, pairs in
            let table = try SeriesTable(file: folder.appendingPathComponent(name))
            var rows: [Timestamp: Int] = [:]
            for (row, time) in table.times.enumerated() where rows[time] == nil { rows[time] = row }
            let ranges = try pairs.map { pair -> ClosedRange<Int> in
                let ends = pair.compactMap {
                    ($0 as? Int) ?? ($0 as? String).flatMap(SeriesTable.moment).flatMap { rows[$0] }
                }
                guard ends.count == 2, ends[0] <= ends[1], ends[1] < table.times.count else {
                    throw SeriesTable.Failure(description: "\(name): window \(pair) is not in the file")
                }
                return ends[0]...ends[1]
            }
            return Recording(name: name, table: table, windows: ranges.sorted { $0.lowerBound < $1.lowerBound })
        }
    }
}
