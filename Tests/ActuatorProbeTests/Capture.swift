import ActuatorProbe
import Foundation
import Probing
import Telemetry
import TocsinTestKit

/// A recorded answer under `Tests/Fixtures/actuator`.
struct Capture: Sendable {
    var status: Int
    var contentType: String?
    var location: String?
    var body: [UInt8]

    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/actuator")

    init(_ file: String) throws {
        let data = [UInt8](try Data(contentsOf: Self.directory.appending(path: file)))
        let end = Array("\r\n\r\n".utf8)
        let split = data.indices.first { data[$0...].starts(with: end) } ?? data.endIndex
        let lines = String(decoding: data[..<split], as: UTF8.self).components(separatedBy: "\r\n")
        status = Int(lines.first?.split(separator: " ").dropFirst().first ?? "") ?? 0
        func field(_ name: String) -> String? {
            lines.first { $0.lowercased().hasPrefix(name + ": ") }.map { String($0.dropFirst(name.count + 2)) }
        }
        contentType = field("content-type")
        location = field("location")
        body = split < data.endIndex ? Array(data[(split + 4)...]) : []
    }

    /// The bytes to send for it.
    var answer: [UInt8] {
        CannedHTTPServer.answer(
            status, type: contentType, headers: location.map { ["Location: \($0)"] } ?? [],
            String(decoding: body, as: UTF8.self))
    }

    /// Path and query to file, from a scenario's index.
    static func index(_ scenario: String) throws -> [String: String] {
        let text = try String(contentsOf: directory.appending(path: scenario + "/index.tsv"), encoding: .utf8)
        var files: [String: String] = [:]
        for line in text.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard fields.count > 2, fields[1] == "GET", files[fields[2]] == nil else { continue }
            files[fields[2]] = scenario + "/" + fields[0]
        }
        return files
    }

    /// Serves a scenario's recorded answers, 404 with an empty body for what was not recorded.
    static func server(_ scenario: String, replacing: [String: String] = [:]) throws -> CannedHTTPServer {
        var answers: [String: [UInt8]] = [:]
        for (path, file) in try index(scenario).merging(replacing, uniquingKeysWith: { $1 }) {
            answers[path] = try Capture(file).answer
        }
        return try CannedHTTPServer { [answers] request in
            .bytes(answers[request.path] ?? CannedHTTPServer.answer(404, type: nil))
        }
    }
}

/// One run of a probe on its own client.
func runOnce(_ probe: ActuatorProbe, at seconds: Double = 1_795_557_429) async -> ProbeReport {
    await probe.run(startedAt: Timestamp(seconds: seconds))
}

extension ProbeReport {
    /// The samples of a metric.
    func all(_ metric: String) -> [Sample] { samples.filter { $0.series.metric == metric } }

    /// The sum over the samples of a metric that have these labels; nil when there is none.
    func sum(_ metric: String, _ labels: [String: String] = [:]) -> Double? {
        let matching = all(metric).filter { sample in labels.allSatisfy { sample.series.labels[$0.key] == $0.value } }
        return matching.isEmpty ? nil : matching.reduce(0) { $0 + $1.value }
    }
}
