import Detection
import Foundation
import Incidents
import Signals
import Telemetry

/// `incident-bench [--results FILE]`: how fast the incident book decides on findings and folds its log.
@main
enum Main {
    private static let subjects = (0..<200).map {
        Subject(cluster: "bench", kind: .workload, path: "shop/Deployment/w\($0)")
    }
    private static let check = Check(
        name: "error-rate", group: "error-rate", family: .errorRate, title: "High error rate", signal: .errorRatio,
        direction: .above, enter: 0.05, leave: 0.05, holdFor: .zero, leaveFor: .zero)
    private static let table = SeverityTable(
        rules: [(0.5, Severity.p1), (0.1, .p2), (0, .p3)].enumerated().map { line, row in
            SeverityRule(
                check: "error-*", value: row.0, severity: row.1, because: "requests fail", origin: "bench.yaml:\(line)")
        }, checks: [check])

    static func main() throws {
        let arguments = CommandLine.arguments
        let place = arguments.firstIndex(of: "--results")
        let results =
            place.flatMap { $0 + 1 < arguments.count ? arguments[$0 + 1] : nil } ?? ".build/bench/results.json"
        let (log, findings, deciding) = makeLog()
        var folds: [Double] = []
        for _ in 0..<5 {
            let start = processSeconds()
            var book = IncidentBook(severities: table)
            for event in log { book.apply(event) }
            folds.append(processSeconds() - start)
            precondition(book.ignoredEvents == 0 && book.lastSequence == UInt64(log.count))
        }
        try merge(
            [
                "incident_events_folded_per_s": Double(log.count) / (folds.min() ?? .infinity),
                "incident_findings_decided_per_s": Double(findings) / deciding,
            ], into: results)
    }

    /// A log of incidents that begin, get worse, are taken and end, over and over; how many findings it took, and the
    /// CPU time of deciding and folding them.
    private static func makeLog() -> (log: [IncidentEvent], findings: Int, seconds: Double) {
        var book = IncidentBook(severities: table)
        var log: [IncidentEvent] = []
        var findings = 0
        let graph = DependencyGraph()
        let start = processSeconds()
        for round in 0..<Int64(20) {
            for look in 0..<Int64(20) {
                for (index, subject) in subjects.enumerated() {
                    let now = Timestamp(millis: 1_800_000_000_000 + (round * 10_000 + look * 60) * 1000)
                    let phase: Finding.Phase = look == 0 ? .opened : (look == 19 ? .closed : .ongoing)
                    let onset = Timestamp(millis: now.millis - look * 60_000)
                    let value = 0.06 + Double((index + Int(look)) % 9) / 10
                    findings += 1
                    let drafts = book.decide(finding(subject, phase, value, onset, now), now: now).drafts
                    let events = book.complete(drafts, over: graph, now: now)
                    for event in events { book.apply(event) }
                    log += events
                }
            }
        }
        return (log, findings, processSeconds() - start)
    }

    private static func finding(
        _ subject: Subject, _ phase: Finding.Phase, _ value: Double, _ onset: Timestamp, _ at: Timestamp
    ) -> Finding {
        Finding(
            subject: subject, check: check, phase: phase, at: at, onsetAt: onset, value: value, worstValue: value,
            threshold: 0.05, volume: 1000, affected: 2, total: 3, coverage: Coverage(present: 3, expected: 3),
            contributors: [], explanation: "many requests failed")
    }

    /// CPU seconds of this process, user and system.
    private static func processSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func merge(_ figures: [String: Double], into path: String) throws {
        let url = URL(filePath: path)
        var all: [String: Double] = [:]
        if let data = try? Data(contentsOf: url) { all = try JSONDecoder().decode([String: Double].self, from: data) }
        for (name, value) in figures {
            all[name] = value
            FileHandle.standardOutput.write(Data("\(name) \(String(format: "%.0f", value))\n".utf8))
        }
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(all).write(to: url)
    }
}
