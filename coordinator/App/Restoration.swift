import ConfigurationKit
import CoordinatorSettings
import Detection
import DetectorStore
import IncidentStore
import Incidents
import Logging
import Runbook
import SQLiteFile
import SampleStore
import Signals
import Synchronization
import Telemetry

/// Continues from what is stored: incidents from their log, signals and detectors from the last samples, so that a
/// restart neither resolves, doubles nor overlooks anything.
struct Restoration {
    /// A core to go on with, and the events that it led to.
    struct Restored: Sendable {
        var core: DetectionCore
        /// Applied, and still to be stored.
        var events: [IncidentEvent]
    }

    let configuration: CoordinatorApp.Configuration
    let incidents: IncidentStore
    let samples: SampleStore
    let counters: CounterBoard
    let logger: Logger
    let startedAt: Timestamp

    /// Reads back what there is; what cannot be read is logged and left out.
    func restored() async throws -> Restored {
        let clock = ContinuousClock()
        let began = clock.now
        var watches = Watches(agents: configuration.agents, startedAt: startedAt)
        let (book, escalation) = try await folded(SeverityTable(configuration.thresholds, watches: watches))
        let open = book.openFindings.map {
            DetectorBank.OpenFinding(subject: $0.subject, check: $0.check, onsetAt: $0.onsetAt)
        }
        let agents = await agents()
        let known = agents.map { AgentSign(cluster: $0.cluster, node: $0.node, at: $0.seenAt) }
        let others = watches.restore(agents: known, open: open, at: startedAt)
        if let file = configuration.thresholdsSource?.file {
            // What is in force by now is what the file says.
            watches.thresholds(file: file, errors: [], at: startedAt)
        }
        let thresholds = configuration.thresholds
        var bank = DetectorBank(configuration: detectors) { thresholds.checks(for: $0) }
        var past = await readBack(until: known.map(\.at).max(), watches)
        let from = past?.from ?? startedAt
        restoreLearned(into: &bank, at: from)
        let orphans = bank.restore(open: others, at: from)
        var core = DetectionCore(
            engine: SignalEngine(configuration: configuration.signals, startedAt: from), bank: bank, watches: watches,
            book: book, escalation: escalation, thresholds: thresholds, limits: coreLimits)
        var events: [IncidentEvent] = []
        if let findings = past?.replay(into: &core) {
            events = core.reconcile(after: findings, now: startedAt)
            logger.info(
                "samples read back", metadata: ["count": "\(past?.count ?? 0)", "from": "\(from.rfc3339)"])
        }
        warn(of: orphans + core.orphans)
        let awaited = lastSeen(agents)
        // Agents can only come back once somebody listens, which is after all of this.
        if !awaited.isEmpty {
            core.catchUp = CatchUp(awaiting: awaited, startedAt: startedAt + (clock.now - began))
        }
        return Restored(core: core, events: events)
    }

    // MARK: Incidents

    private func folded(_ severities: SeverityTable) async throws -> (IncidentBook, EscalationMachine) {
        let folded = Mutex(
            (
                book: IncidentBook(severities: severities, configuration: configuration.incidents),
                escalation: EscalationMachine(policy: configuration.escalation)
            ))
        let report = try await incidents.load { events in
            folded.withLock { folded in
                for event in events {
                    folded.book.apply(event)
                    folded.escalation.apply(event)
                }
            }
        }
        if report.corruptRows > 0 {
            counters.add { $0.incidentEventsDamaged += UInt64(report.corruptRows) }
            logger.error(
                "incident events were damaged and set aside",
                metadata: [
                    "count": "\(report.corruptRows)",
                    "sequences": "\(report.corruptSequences.map(String.init).joined(separator: ", "))",
                ])
        }
        let (restored, escalation) = folded.withLock { ($0.book, $0.escalation) }
        if restored.ignoredEvents > 0 {
            logger.error(
                "incident events fit no incident: the one that opened it is lost",
                metadata: ["count": "\(restored.ignoredEvents)"])
        }
        logger.info(
            "incidents loaded",
            metadata: ["events": "\(report.events)", "open": "\(restored.openIncidents.count)"])
        return (restored, escalation)
    }

    private func warn(of orphans: [DetectorBank.OpenFinding]) {
        for orphan in Set(orphans).sorted(by: { ($0.subject, $0.check) < ($1.subject, $1.check) }) {
            logger.warning(
                "an open finding has no check any more; its incident waits to be resolved by hand",
                metadata: ["check": "\(orphan.check)", "subject": "\(orphan.subject)"])
        }
    }

    // MARK: Detectors

    /// Gives the detectors what they had learned; where that cannot be read they start anew.
    private func restoreLearned(into bank: inout DetectorBank, at now: Timestamp) {
        switch configuration.detectorState.read() {
        case .nothing: return
        case .unusable(let reason):
            counters.add { $0.modelFilesUnusable += 1 }
            logger.error("what detectors had learned is lost; they start anew", metadata: ["reason": "\(reason)"])
        case .state(let state, let takenAt):
            let (taken, left) = bank.restore(learned: state, at: now)
            counters.add {
                $0.modelsRestored += UInt64(taken)
                $0.modelsNotRestored += UInt64(left)
            }
            logger.info(
                "detectors know what they had learned",
                metadata: ["models": "\(taken)", "anew": "\(left)", "takenAt": "\(takenAt)"])
        }
    }

    // MARK: Agents

    /// The agents that reported when the coordinator stopped: each has the full time to come back.
    private func agents() async -> [SampleStore.SeenAgent] {
        do {
            return try await samples.agents(within: .seconds(3600), limit: configuration.agents.agentsMax)
        } catch {
            logger.error(
                "the agents of before are not known; one that does not come back is not missed",
                metadata: ["reason": "\(error)"])
            return []
        }
    }

    /// Those that reported to the last: what they measured meanwhile is waited for.
    private func lastSeen(_ agents: [SampleStore.SeenAgent]) -> Set<CatchUp.Agent> {
        guard let last = agents.map(\.seenAt).max() else { return [] }
        let lively = agents.filter { last - $0.seenAt < configuration.agents.silentAfter }
        return Set(lively.map { CatchUp.Agent(cluster: $0.cluster, node: $0.node) })
    }

    // MARK: Samples

    /// What there is to replay; nil without samples.
    ///
    /// - Parameter lastSeen: when an agent was last heard of; samples may have times of a clock that is off.
    private func readBack(until lastSeen: Timestamp?, _ watches: Watches) async -> ReadBack? {
        do {
            guard let newestSample = try await samples.sizes().newest else { return nil }
            let end = min((lastSeen ?? newestSample) + ReadBack.slice, startedAt)
            let (past, damaged) = try await ReadBack.gathered(
                from: try await StoredRecording(samples: samples), until: end,
                wanted: configuration.thresholds.evidenceMax + ReadBack.slice * 2, logger: logger
            ) { blankCore(at: $0, watches) }
            if damaged > 0 {
                logger.error("frames and chunks could not be read back", metadata: ["count": "\(damaged)"])
            }
            return past
        } catch {
            logger.error(
                "the last samples cannot be read back; detection starts anew", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    /// A core to try out how long a replay takes.
    private func blankCore(at time: Timestamp, _ watches: Watches) -> DetectionCore {
        let thresholds = configuration.thresholds
        return DetectionCore(
            engine: SignalEngine(configuration: configuration.signals, startedAt: time),
            bank: DetectorBank { thresholds.checks(for: $0) }, watches: watches,
            book: IncidentBook(severities: SeverityTable(thresholds, watches: watches)),
            escalation: EscalationMachine(policy: configuration.escalation), thresholds: thresholds)
    }
}

/// Limits that nobody sets, since they follow from those that are set.
extension Restoration {
    /// A subject has ten detectors or so.
    private var detectors: DetectorBank.Configuration {
        var detectors = DetectorBank.Configuration()
        detectors.detectorsMax = max(detectors.detectorsMax, 20 * configuration.signals.subjectsMax)
        return detectors
    }

    private var coreLimits: DetectionCore.Limits {
        var limits = DetectionCore.Limits()
        limits.historySubjectsMax = max(limits.historySubjectsMax, configuration.signals.subjectsMax)
        // A kubelet runs 110 pods by default.
        let pods = 110 * configuration.fleet.agentsMax
        limits.dependencies.podsMax = max(limits.dependencies.podsMax, pods)
        limits.dependencies.linksMax = max(limits.dependencies.linksMax, pods)
        return limits
    }
}
