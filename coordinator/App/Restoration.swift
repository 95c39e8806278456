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
import Selectors
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

    /// Samples are read back for this long at most: the longest window of the shipped checks.
    static let spanMax: Duration = .seconds(3900)
    /// And in about this time at most, since agents wait meanwhile.
    static let effortMax: Duration = .seconds(20)
    private static let slice: Duration = .seconds(60)

    /// Reads back what there is; what cannot be read is logged and left out.
    func restored() async throws -> Restored {
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
        var bank = DetectorBank { thresholds.checks(for: $0) }
        let span = await span(until: known.map(\.at).max())
        let from = span.map { $0.lowerBound } ?? startedAt
        restoreLearned(into: &bank, at: from)
        let orphans = bank.restore(open: others, at: from)
        var core = DetectionCore(
            engine: SignalEngine(configuration: configuration.signals, startedAt: from), bank: bank, watches: watches,
            book: book, escalation: escalation, thresholds: thresholds)
        var events: [IncidentEvent] = []
        if let span {
            let findings = await replay(span, into: &core)
            events = core.reconcile(after: findings, now: startedAt)
        }
        warn(of: orphans + core.orphans)
        let awaited = lastSeen(agents)
        if !awaited.isEmpty { core.catchUp = CatchUp(awaiting: awaited, startedAt: startedAt) }
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
            logger.error("incident events were damaged and set aside", metadata: ["count": "\(report.corruptRows)"])
        }
        let (restored, escalation) = folded.withLock { ($0.book, $0.escalation) }
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

    /// The time to read back: what the longest window needs, less where that would take too long; nil without samples.
    ///
    /// - Parameter lastSeen: when an agent was last heard of; samples may have times of a clock that is off.
    private func span(until lastSeen: Timestamp?) async -> ClosedRange<Timestamp>? {
        do {
            guard let newestSample = try await samples.sizes().newest else { return nil }
            let newest = lastSeen ?? newestSample
            let end = min(newest + Self.slice, startedAt)
            let clock = ContinuousClock()
            let began = clock.now
            // The last minute twice: what it takes tells how many minutes there is time for.
            _ = try await recording(from: end - Self.slice, to: end)
            let cost = max(clock.now - began, .milliseconds(1))
            let affordable = Self.slice * Int(Self.effortMax / cost)
            let wanted = min(Self.spanMax, configuration.thresholds.evidenceMax + Self.slice * 2)
            return (end - max(Self.slice, min(wanted, affordable)))...end
        } catch {
            logger.error(
                "the last samples cannot be read back; detection starts anew", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    private func replay(_ span: ClosedRange<Timestamp>, into core: inout DetectionCore) async -> [Finding] {
        var findings: [Finding] = []
        var from = span.lowerBound
        var count = 0
        do {
            while from <= span.upperBound {
                let to = min(from + Self.slice - .milliseconds(1), span.upperBound)
                let recording = try await recording(from: from, to: to)
                count += recording.count
                findings += core.replay(recording, to: to)
                from = to + .milliseconds(1)
            }
        } catch {
            logger.error("not all of the last samples could be read back", metadata: ["reason": "\(error)"])
        }
        logger.info("samples read back", metadata: ["count": "\(count)", "from": "\(span.lowerBound)"])
        return findings
    }

    private func recording(from: Timestamp, to: Timestamp) async throws -> Recording {
        try await StoredRecording(samples: samples).read(from: from, to: to)
    }
}

/// Reads a stretch of what signals are derived from out of the sample store.
struct StoredRecording {
    let samples: SampleStore

    /// Series, and edges, of one stretch at most.
    private static let seriesMax = 1_000_000
    private static let edgesMax = 100_000

    /// The metrics that signals read, as few expressions as a selector takes.
    static let expressions: [String] = SignalEngine.metrics.reduce(into: []) { parts, name in
        if let last = parts.last, last.utf8.count + name.utf8.count < 1000 {
            parts[parts.count - 1] = "\(last)|\(name)"
        } else {
            parts.append(name)
        }
    }

    /// All of it, in order of time by the coordinator's clock.
    ///
    /// From agents' times is taken off what was taken off when they came. Frames that cannot be read are left out.
    func read(from: Timestamp, to: Timestamp) async throws -> Recording {
        let clocks = try await samples.clockHistories()
        let found = Mutex<[Recording.Origin]>([])
        for names in Self.expressions {
            let selector = try SeriesSelector("{__name__=~\"\(names)\"}")
            var query = SampleQuery(selector: selector, from: from, to: to)
            query.agents = .except(Set(clocks.keys))
            try await read(query, nil, into: found)
            for (agent, clock) in clocks {
                for stretch in clock.stretches(from: from, to: to) {
                    var query = SampleQuery(selector: selector, from: stretch.lowerBound, to: stretch.upperBound)
                    query.agents = .only([agent])
                    try await read(query, (agent.node, clock, from...to), into: found)
                }
            }
        }
        var recording = Recording(found.withLock { $0 })
        try await readEdges(clocks, from: from, to: to, into: &recording)
        recording.sort()
        return recording
    }

    private func read(
        _ query: SampleQuery, _ corrected: (node: String, clock: ClockHistory, range: ClosedRange<Timestamp>)?,
        into found: borrowing Mutex<[Recording.Origin]>
    ) async throws {
        var query = query
        query.seriesMax = Self.seriesMax
        let origins = Mutex<[Recording.Origin]>([])
        _ = try await samples.query(query) { chunk in
            // Pods' series name their node, whose agent they are from; of others it does not matter.
            let agent = corrected?.node ?? chunk.series.labels[LabelName.node] ?? ""
            origins.withLock { origins in
                for (time, value) in zip(chunk.timestamps, chunk.values) {
                    let at = time - (corrected?.clock.offset(at: time) ?? .zero)
                    if let range = corrected?.range, !range.contains(at) { continue }
                    origins.append(
                        .init(cluster: chunk.cluster, agent: agent, sample: Sample(chunk.series, at, value)))
                }
            }
        }
        let read = origins.withLock { $0 }
        found.withLock { $0 += read }
    }

    private func readEdges(
        _ clocks: [AgentName: ClockHistory], from: Timestamp, to: Timestamp, into recording: inout Recording
    ) async throws {
        for stored in try await samples.edges(from: from, to: to, limit: Self.edgesMax)
        where clocks[AgentName(cluster: stored.cluster, node: stored.node)] == nil {
            recording.add(edges: [stored.edge], cluster: stored.cluster, agent: stored.node)
        }
        for (agent, clock) in clocks {
            for stretch in clock.stretches(from: from, to: to) {
                let edges = try await samples.edges(
                    from: stretch.lowerBound, to: stretch.upperBound, limit: Self.edgesMax)
                for stored in edges where stored.cluster == agent.cluster && stored.node == agent.node {
                    var edge = stored.edge
                    edge.at = edge.at - clock.offset(at: edge.at)
                    guard edge.at >= from, edge.at <= to else { continue }
                    recording.add(edges: [edge], cluster: stored.cluster, agent: stored.node)
                }
            }
        }
    }
}
