import Foundation
package import Telemetry

/// What the fleet generator wrote: `series.tsv`, `times.i64` and `values.f64`, the latter mapped and not read.
package struct FleetMatrix: Sendable {
    /// The series of one agent, by column.
    package struct Node: Sendable {
        /// The node's name.
        package var name: String
        /// The series in the order of their columns.
        package var series: [Series] = []
        /// The column of each.
        package var columns: [Int] = []
    }

    /// The nodes in the order in which they come.
    package private(set) var nodes: [Node] = []
    /// When each round was, in milliseconds since 1970-01-01T00:00:00Z.
    package let times: [Int64]
    private let values: Data
    private let width: Int

    /// Opens a directory.
    package init(_ directory: String) throws {
        let folder = URL(filePath: directory)
        let text = try String(contentsOf: folder.appending(path: "series.tsv"), encoding: .utf8)
        times = try Data(contentsOf: folder.appending(path: "times.i64")).withUnsafeBytes { bytes in
            (0..<bytes.count / 8).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self) }
        }
        values = try Data(contentsOf: folder.appending(path: "values.f64"), options: .alwaysMapped)
        let lines = text.split(separator: "\n")
        width = lines.count
        guard values.count == times.count * width * 8 else {
            throw Workload.Fault(message: "values don't fit the series")
        }
        var places: [String: Int] = [:]
        for (column, line) in lines.enumerated() {
            let series = try Self.series(line)
            let name = series.labels[LabelName.node] ?? ""
            let place = places[name, default: nodes.count]
            if place == nodes.count {
                places[name] = place
                nodes.append(Node(name: name))
            }
            nodes[place].series.append(series)
            nodes[place].columns.append(column)
        }
    }

    /// The value of a column in a round.
    package func value(round: Int, column: Int) -> Double {
        values.withUnsafeBytes {
            $0.loadUnaligned(fromByteOffset: (round * width + column) * 8, as: Double.self)
        }
    }

    /// All series of all nodes.
    package var seriesCount: Int { width }

    private static func series(_ line: Substring) throws -> Series {
        let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
        guard fields.count == 3 else { throw Workload.Fault(message: "not three fields: \(line)") }
        let labels = fields[2].split(separator: ",").map { pair -> Label in
            let parts = pair.split(separator: "=", maxSplits: 1)
            return Label(String(parts[0]), parts.count == 2 ? String(parts[1]) : "")
        }
        return Series(String(fields[1]), LabelSet(labels))
    }
}
