import Detection
import Foundation
import LabelledSeries
import Scenarios
import Signals
import Telemetry

/// What the shipped checks find in recordings.
struct FaultReport {
    /// Where pictures go.
    let folder: URL

    static let learned = "latency-unusual"
    /// The shipped checks of what a recording has.
    static let checks = ShippedChecks.all.filter {
        [SignalName.latencyMeanSeconds, .errorRatio].contains($0.signal)
    }
    static let thresholds = Set(checks.filter { !$0.measure.isAdaptive }.map(\.name))

    /// Prints a row of the table, and draws the first fault that the learned check alone finds.
    func tell(_ name: String, _ cases: [FaultCase], picture: String?) throws {
        var told = Counts()
        var isDrawn = picture == nil
        for played in cases {
            let play = FaultPlay(played, checks: Self.checks)
            told.add(played, play)
            guard !isDrawn, let picture else { continue }
            let alone = played.faults.first {
                play.hasOpened([Self.learned], in: $0.rows) && !play.hasOpened(Self.thresholds, in: $0.rows)
            }
            if let alone {
                try draw(played, play, alone, to: picture)
                isDrawn = true
            }
        }
        let weeks = String(format: "%.1f", told.weeks)
        let cells = "\(told.faults.count) | \(told.byThreshold.count) | \(told.byLearned.count)"
        let alone = told.byLearned.subtracting(told.byThreshold).count
        DetectPlots.say("| \(name) | \(cells) | \(alone) | \(told.falseOfLearned) in \(weeks) |")
    }

    /// Faults are counted once, although a pod has two series.
    private struct Counts {
        var faults: Set<String> = []
        var byThreshold: Set<String> = []
        var byLearned: Set<String> = []
        var falseOfLearned = 0
        var weeks = 0.0

        mutating func add(_ played: FaultCase, _ play: FaultPlay) {
            for fault in played.faults {
                let key = "\(played.service) \(fault.name) \(fault.rows.lowerBound)"
                faults.insert(key)
                if play.hasOpened(FaultReport.thresholds, in: fault.rows) { byThreshold.insert(key) }
                if play.hasOpened([FaultReport.learned], in: fault.rows) { byLearned.insert(key) }
            }
            falseOfLearned += play.standings.count {
                $0.check == FaultReport.learned && played.quiet.contains($0.opened)
            }
            weeks += Double(played.quiet.count) * played.step.inSeconds / 604_800
        }
    }

    private func draw(_ played: FaultCase, _ play: FaultPlay, _ fault: FaultCase.Fault, to picture: String) throws {
        let before = played.step == .seconds(60) ? 120 : 60
        let rows = max(0, fault.rows.lowerBound - before)..<min(played.times.count, fault.rows.upperBound + before / 4)
        let marks =
            [Plot.Mark(x: Double(fault.rows.lowerBound), text: fault.name, isFault: true)]
            + play.standings.filter { $0.check == Self.learned && rows.contains($0.opened) }.map {
                Plot.Mark(x: Double($0.opened), text: "opened", isFault: false)
            }
        let hours = Double(rows.count) * played.step.inSeconds / 3600
        let plot = Plot(
            title: played.name,
            values: rows.map { (Double($0), played.latency[$0].isFinite ? played.latency[$0] : nil) },
            level: (1, "threshold: 1 s"), marks: marks, format: { String(format: "%.2f s", $0) },
            span: String(format: "%.1f hours", hours))
        try plot.svg.write(to: folder.appendingPathComponent(picture + ".svg"), atomically: true, encoding: .utf8)
        for standing in play.standings where standing.check == Self.learned && fault.rows.contains(standing.opened) {
            DetectPlots.say("<!-- \(picture): \(standing.sentence) -->")
        }
    }
}
