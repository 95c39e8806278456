import Detection
import Incidents
import SampleStore
import Signals
import Telemetry

extension DetectionCore {
    /// Feeds signals and detectors with what was recorded, as if it came as it happened, and gives the findings.
    ///
    /// The incidents are left alone. Cells close as in a live run whose samples all come before their cell is closed;
    /// calls must follow each other in time.
    ///
    /// - Parameters:
    ///   - recording: in order of time.
    ///   - end: nothing recorded is later; time is set to it at last.
    mutating func replay(_ recording: Recording, to end: Timestamp) -> [Finding] {
        var findings: [Finding] = []
        let tick = engine.step / 4
        var next = (recording.items.first?.at ?? end) + tick
        for item in recording.items {
            if item.at > next {
                findings += judge(at: next)
                // An hour without samples needs no steps.
                next = max(next, item.at - engine.step * 2) + tick
                while next < item.at {
                    findings += judge(at: next)
                    next = next + tick
                }
            }
            switch item.content {
            case .samples(let samples):
                engine.ingest(samples, cluster: item.cluster, agent: item.agent)
                dependencies.take(samples, cluster: item.cluster)
            case .look(let stretch, let look):
                let batch = stretch.batch(look)
                engine.ingest(batch, cluster: item.cluster, agent: item.agent)
                dependencies.take(batch, cluster: item.cluster, agent: item.agent)
            case .edges(let edges):
                engine.ingest(edges, cluster: item.cluster, agent: item.agent)
                dependencies.take(edges, cluster: item.cluster)
            }
        }
        return findings + judge(at: end)
    }

    private mutating func judge(at time: Timestamp) -> [Finding] {
        let closed = engine.advance(to: time)
        points += UInt64(closed.count)
        history.take(closed)
        return detect(closed, at: time)
    }

    /// Brings the incidents in line with the detectors after a replay of what was before a restart.
    ///
    /// What stood before and still stands goes on; what the replay saw begin opens now; what stood before and recovered
    /// in the replay closes; what stood before and the replay knows nothing of goes on too, until a recovery is seen.
    ///
    /// - Parameter replayed: the replay's findings, in order.
    /// - Returns: the events that were applied, in order, to be stored by the caller.
    mutating func reconcile(after replayed: [Finding], now: Timestamp) -> [IncidentEvent] {
        var last: [FindingKey: Finding] = [:]
        for finding in replayed { last[FindingKey(finding)] = finding }
        var events: [IncidentEvent] = []
        var unseen: [DetectorBank.OpenFinding] = []
        var known: Set<FindingKey> = []
        let standing = Set(bank.openFindings.map { FindingKey(subject: $0.subject, check: $0.check) })
        for finding in book.openFindings {
            let key = FindingKey(finding)
            known.insert(key)
            let open = DetectorBank.OpenFinding(
                subject: finding.subject, check: finding.check, onsetAt: finding.onsetAt)
            guard !standing.contains(key) else {
                bank.keepOnsets(of: [open])
                continue
            }
            if let closed = last[key], closed.phase == .closed, closed.at > finding.at {
                events += take([closed], now: now)
            } else if !watches.isOwn(finding) {
                unseen.append(open)
            }
        }
        orphans = bank.restore(open: unseen, at: now)
        for finding in replayed {
            let key = FindingKey(finding)
            guard standing.contains(key), !known.contains(key), let newest = last[key], newest.phase != .closed else {
                continue
            }
            known.insert(key)
            events += take([newest], now: now)
        }
        return events
    }
}

/// What a detector is known by.
private struct FindingKey: Hashable {
    var subject: Subject
    var check: String

    init(subject: Subject, check: String) {
        self.subject = subject
        self.check = check
    }

    init(_ finding: Finding) {
        self.init(subject: finding.subject, check: finding.check)
    }
}
