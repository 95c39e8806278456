import Detection
import LabelledSeries
import Signals
import Telemetry

/// What checks say of a case.
struct FaultPlay {
    /// A stretch in which a check's finding stood.
    struct Standing {
        var check: String
        var opened: Int
        var closed: Int?
        var sentence: String
    }

    let standings: [Standing]

    /// Plays all rows to the checks, as closed cells of one workload.
    init(_ played: FaultCase, checks: [Check]) {
        let subject = Subject(cluster: "recording", kind: .workload, path: "recording/Deployment/\(played.name)")
        var bank = DetectorBank(checks: checks)
        var standings: [Standing] = []
        for row in played.times.indices {
            for finding in bank.process(Self.points(played, row, subject)) {
                switch finding.phase {
                case .opened:
                    standings.append(Standing(check: finding.check, opened: row, sentence: finding.explanation))
                case .closed:
                    if let open = standings.lastIndex(where: { $0.check == finding.check && $0.closed == nil }) {
                        standings[open].closed = row
                    }
                case .ongoing: break
                }
            }
        }
        self.standings = standings
    }

    private static func points(_ played: FaultCase, _ row: Int, _ subject: Subject) -> [SignalPoint] {
        func point(_ signal: SignalName, _ value: Double, volume: Double = 0) -> SignalPoint {
            let known = value.isFinite ? value : nil
            return SignalPoint(
                subject: subject, signal: signal, at: played.times[row], step: played.step, value: known,
                valueIfMissingHealthy: known, volume: volume, coverage: Coverage(present: 1, expected: 1))
        }
        let requests = played.requests[row].isFinite ? played.requests[row] : 0
        return [
            point(.latencyMeanSeconds, played.latency[row], volume: requests),
            point(.errorRatio, played.failed[row], volume: requests),
            point(.requestRate, requests / played.step.inSeconds),
        ]
    }

    /// Whether one of these checks had a finding that opened in the rows.
    func hasOpened(_ names: Set<String>, in rows: Range<Int>) -> Bool {
        standings.contains { names.contains($0.check) && rows.contains($0.opened) }
    }
}
