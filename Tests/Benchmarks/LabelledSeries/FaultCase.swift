package import Foundation
package import Telemetry

/// The service that a recording's faults are about, as signals see it: what is quiet first, then the faults.
package struct FaultCase: Sendable {
    /// One fault: rows in which an opening counts as its finding.
    package struct Fault: Sendable {
        /// What was done, as the recording calls it.
        package var name: String
        /// From the row in which it begins.
        package var rows: Range<Int>
    }

    /// Recording, service and series.
    package var name: String
    /// Recording and service; cases of one service have the same faults.
    package var service: String
    /// End of each row.
    package var times: [Timestamp]
    /// Length of a row.
    package var step: Duration
    /// Mean, or 95th percentile where there is no mean, of a row's requests in seconds; NaN where there were none.
    package var latency: [Double]
    /// Requests of each row.
    package var requests: [Double]
    /// Share that failed, 0...1; NaN where it is not known.
    package var failed: [Double]
    /// Rows in which every opening is false.
    package var quiet: Range<Int>
    /// In order of time.
    package var faults: [Fault]

    // MARK: PetShop

    private struct Issue: Decodable {
        struct Target: Decodable {
            var node: String
            var metric: String
        }

        var target: Target
    }

    /// The issues that are about a node's latency, one case each: the recording without issues comes first.
    ///
    /// Its second half is quiet; an opening in the issue's five rows is its finding.
    package static func petShop(_ folder: URL, quiet: SeriesTable) throws -> [FaultCase] {
        try SeriesTable.paths(in: folder).filter { $0.hasPrefix("issue_") }.compactMap { path in
            let file = folder.appendingPathComponent(path)
            let about = try JSONDecoder().decode(
                Issue.self, from: Data(contentsOf: file.deletingPathExtension().appendingPathExtension("json")))
            let table = try SeriesTable(file: file)
            guard about.target.metric == "latency", let last = quiet.times.last else { return nil }
            func joined(_ metric: String) -> [Double]? {
                let name = "\(about.target.node)|\(metric)"
                guard let before = quiet.columns.first(where: { $0.name == name }),
                    let during = table.columns.first(where: { $0.name == name })
                else { return nil }
                return before.values + during.values
            }
            guard let latency = joined("latency|Average"), let requests = joined("requests|Sum") else { return nil }
            let step = Duration.seconds(300)
            let before = quiet.times.count
            let name = "\(folder.lastPathComponent) \(path.dropLast(4)) \(about.target.node)"
            return FaultCase(
                name: name, service: name,
                times: quiet.times + table.times.indices.map { last + step * ($0 + 1) }, step: step, latency: latency,
                requests: requests,
                failed: joined("availability|Average").map { $0.map { 1 - $0 / 100 } } ?? latency.map { _ in .nan },
                quiet: before / 2..<before, faults: [Fault(name: "issue", rows: before..<latency.count)])
        }
    }

    // MARK: Nezha

    /// A case for each pod that has faults: what it answers, and what it calls, each with its latency.
    ///
    /// The rest of the day, from half an hour after the last fault, comes first, moved to the day before; its second
    /// half is quiet. An opening up to a quarter of an hour after an injection is its finding.
    package static func nezha(_ folder: URL) throws -> [FaultCase] {
        struct Injection: Decodable {
            var time: String
            var pod: String
            var type: String
        }
        let injections = try JSONDecoder().decode(
            [Injection].self, from: Data(contentsOf: folder.appendingPathComponent("faults.json")))
        let starts = injections.compactMap { SeriesTable.moment($0.time) }
        guard let last = starts.max() else { return [] }
        return try Set(injections.map(\.pod)).sorted().flatMap { pod -> [FaultCase] in
            let table = try SeriesTable(file: folder.appendingPathComponent(pod + ".csv"))
            let quiet = table.times.indices.filter { table.times[$0] > last + .seconds(1800) }
            let busy = table.times.indices.filter { table.times[$0] <= last + .seconds(900) }
            let times = quiet.map { table.times[$0] - .seconds(86_400) } + busy.map { table.times[$0] }
            func joined(_ name: String) -> [Double]? {
                table.columns.first { $0.name == name }.map { column in (quiet + busy).map { column.values[$0] } }
            }
            let faults = injections.filter { $0.pod == pod }.compactMap { injection -> Fault? in
                guard let start = SeriesTable.moment(injection.time) else { return nil }
                let rows = times.indices.filter {
                    $0 >= quiet.count && times[$0] >= start && times[$0] <= start + .seconds(900)
                }
                return rows.first.map { Fault(name: injection.type, rows: $0..<$0 + rows.count) }
            }
            return ["server_p95_s", "client_p95_s"].compactMap { column in
                guard let latency = joined(column), let operations = joined("ops") else { return nil }
                return FaultCase(
                    name: "\(folder.lastPathComponent) \(pod) \(column)", service: pod, times: times,
                    step: .seconds(60), latency: latency, requests: operations.map { $0 * 60 },
                    failed: latency.map { _ in .nan },
                    quiet: quiet.count / 2..<quiet.count, faults: faults)
            }
        }
    }
}
