import Foundation

/// What the demo prints: progress as it happens and the last table.
final class DemoConsole: Sendable {
    private let start = ContinuousClock.now

    /// Seconds since the demo began.
    var elapsed: Double { seconds(since: start) }

    func seconds(since instant: ContinuousClock.Instant) -> Double {
        let parts = (ContinuousClock.now - instant).components
        return Double(parts.seconds) + Double(parts.attoseconds) / 1e18
    }

    /// Prints a line at once, also into a pipe.
    func raw(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    func say(_ text: String) {
        raw("\(String(format: "%6.1f s", elapsed))  \(text)")
    }

    func title(_ text: String) {
        raw("")
        say("── \(text)")
    }

    func table(_ rows: [Outcome]) {
        let header = ["fault", "incident", "level", "check group", "subject", "fault → incident", "undone → resolved"]
        let cells = rows.map { row in
            [
                row.fault, row.incident, row.severity, row.checkGroup, row.subject, text(row.secondsToIncident),
                text(row.secondsToRecovery),
            ]
        }
        let widths = header.indices.map { column in ([header] + cells).map { $0[column].count }.max() ?? 0 }
        raw("")
        for line in [header] + cells {
            raw(
                zip(line, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined(separator: "  "))
        }
    }

    private func text(_ seconds: Double?) -> String {
        seconds.map { String(format: "%.1f s", $0) } ?? "-"
    }
}
