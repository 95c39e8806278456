import CellCodec
package import CoordinatorSettings
package import Detection
package import Incidents
package import Runbook
package import Signals
package import Telemetry

/// Samples and edges in, incident events out: the pure heart of the coordinator.
///
/// Signals, detectors and the incident book are composed here and nowhere else, so that a replay of stored frames and a
/// live run go through the same calls. No clock, no I/O: time comes in with each call, events are handed out to be
/// stored before they are applied.
package struct DetectionCore: Sendable {
    var engine: SignalEngine
    var bank: DetectorBank
    var dependencies: DependencyGraph
    /// What is watched beside signals.
    package internal(set) var watches: Watches
    /// The incidents: the fold of the events applied so far.
    package internal(set) var book: IncidentBook
    /// Who is called when: folded from the same events.
    package internal(set) var escalation: EscalationMachine
    /// The thresholds in force.
    package internal(set) var thresholds: ThresholdSettings
    /// Signal points closed so far.
    package internal(set) var points: UInt64 = 0
    /// Findings so far, ongoing ones included.
    package private(set) var findings: UInt64 = 0
    /// Findings refused because too many incidents are open.
    package private(set) var refused: UInt64 = 0
    /// Findings of before a restart that no check is named for any more; their incidents wait to be resolved by hand.
    var orphans: [DetectorBank.OpenFinding] = []
    /// The first seconds after a restart; nil when they are over.
    var catchUp: CatchUp?
    /// The last cells of each signal of each subject.
    var history: SignalHistory
    /// Whether what the detectors are given is kept until `takeCells`.
    var keepsCells = false
    /// What the detectors were given since.
    private var cells = CellTape()

    /// How much of a fleet is kept in mind beside signals and detectors.
    package struct Limits: Sendable, Hashable {
        /// Subjects whose last cells are shown.
        package var historySubjectsMax = 20_000
        /// Who stands on what.
        package var dependencies = DependencyGraph.Configuration()

        /// Makes the limits of a small fleet.
        package init() {}
    }

    /// Makes a core that continues from a book: its open findings are open in the detectors too, and its escalation has
    /// folded the same events.
    package init(
        engine: SignalEngine, bank: DetectorBank, watches: Watches, book: IncidentBook, escalation: EscalationMachine,
        thresholds: ThresholdSettings, limits: Limits = Limits()
    ) {
        history = SignalHistory(subjectsMax: limits.historySubjectsMax)
        dependencies = DependencyGraph(configuration: limits.dependencies)
        self.thresholds = thresholds
        self.engine = engine
        self.bank = bank
        self.watches = watches
        self.book = book
        self.escalation = escalation
    }

    /// What the signal engine counts.
    package var signalStatistics: SignalEngine.Statistics { engine.statistics }

    /// What the detectors count.
    package var detectorStatistics: DetectorBank.Statistics { bank.statistics }

    /// Takes samples of one agent as they were decoded: the same as by name, without a look at a name a sample.
    package mutating func ingest(_ batch: SampleBatch, cluster: String, agent: String, clockOffset: Duration = .zero) {
        guard catchUp == nil, batch.numbering != nil else {
            return ingest(samples: batch.samples, cluster: cluster, agent: agent, clockOffset: clockOffset)
        }
        engine.ingest(batch, cluster: cluster, agent: agent, clockOffset: clockOffset)
        dependencies.take(batch, cluster: cluster, agent: agent)
    }

    /// Takes samples of one agent; nothing is judged before `advance`.
    package mutating func ingest(samples: [Sample], cluster: String, agent: String, clockOffset: Duration = .zero) {
        guard catchUp == nil else {
            catchUp?.add(samples: samples, cluster: cluster, agent: agent, clockOffset: clockOffset)
            return
        }
        engine.ingest(samples, cluster: cluster, agent: agent, clockOffset: clockOffset)
        dependencies.take(samples, cluster: cluster)
    }

    /// Takes edges of one agent; nothing is judged before `advance`.
    package mutating func ingest(
        edges: [Edge], cluster: String, agent: String, clockOffset: Duration = .zero, now: Timestamp
    ) {
        if catchUp == nil {
            engine.ingest(edges, cluster: cluster, agent: agent, clockOffset: clockOffset)
            dependencies.take(edges, cluster: cluster, clockOffset: clockOffset)
        } else {
            catchUp?.add(edges: edges, cluster: cluster, agent: agent, clockOffset: clockOffset)
        }
        watches.take(edges, cluster: cluster, clockOffset: clockOffset, now: now)
    }

    /// Takes the agents' last signs of life; wanted before an `advance` for which the watches are due.
    package mutating func seen(_ signs: [AgentSign]) {
        watches.seen(signs)
    }

    /// The agents that were forgotten since the last call; signals and dependencies forget them with it.
    package mutating func takeForgotten() -> [AgentWatch.Status] {
        let gone = watches.takeForgotten()
        guard !gone.isEmpty else { return [] }
        engine.forget(agents: gone.map { ($0.cluster, $0.node) })
        for agent in gone { dependencies.forget(cluster: agent.cluster, agent: agent.node) }
        return gone
    }

    /// Closes the cells that can be closed and applies what follows from them.
    ///
    /// - Returns: the events that were applied, in order, to be stored by the caller.
    package mutating func advance(to now: Timestamp) -> [IncidentEvent] {
        var caughtUp: [IncidentEvent] = []
        if let waiting = catchUp {
            guard waiting.isOver(at: now) else { return take(watches.advance(to: now), now: now) }
            catchUp = nil
            let recording = waiting.sorted
            caughtUp = take(replay(recording, to: recording.items.last?.at ?? now), now: now)
        }
        let closed = engine.advance(to: now)
        points += UInt64(closed.count)
        history.take(closed)
        history.forget(now: now)
        dependencies.advance(to: now)
        let news = detect(closed, at: now) + watches.advance(to: now)
        return caughtUp + take(news, now: now)
    }

    /// Gives closed cells to the detectors, and the time.
    mutating func detect(_ closed: [SignalPoint], at time: Timestamp) -> [Finding] {
        let sweptAt = bank.sweptAt
        let findings = bank.process(closed) + bank.advance(to: time)
        if keepsCells {
            cells.append(closed)
            if bank.sweptAt != sweptAt { cells.appendSweep(at: time) }
        }
        return findings
    }

    /// What the detectors were given since the last call.
    mutating func takeCells() -> CellTape {
        defer { cells = CellTape() }
        return cells
    }

    /// Applies what follows from findings, and what is due by now.
    mutating func take(_ news: [Finding], now: Timestamp) -> [IncidentEvent] {
        var events: [IncidentEvent] = []
        for finding in news {
            findings += 1
            let dependents = dependencies.dependents(of: finding.subject).count
            let decision = book.decide(finding, dependents: dependents, now: now)
            if decision.refused { refused += 1 }
            events += apply(decision.drafts, now: now)
        }
        events += apply(book.settle(now: now), now: now)
        return events + page(at: now)
    }

    /// What is recorded beside findings and commands: that a page arrived.
    ///
    /// - Returns: the events that were applied, to be stored by the caller; none when the incident is unknown.
    package mutating func record(
        _ kind: IncidentEvent.Kind, of incident: IncidentID, at now: Timestamp
    ) -> [IncidentEvent] {
        guard book.incidents[incident] != nil else { return [] }
        return apply([IncidentEvent.Draft(incident: incident, at: now, kind: kind)], now: now)
    }

    /// What a command would lead to; nothing is applied, so that the caller can store the events first.
    func decide(_ command: Pipeline.Command, now: Timestamp) throws(IncidentError) -> [IncidentEvent] {
        let drafts =
            switch command {
            case .incident(let command, let version): try book.decide(command, expecting: version, now: now)
            case .silence(let command): try book.decide(command, now: now)
            }
        return book.complete(drafts, over: dependencies, now: now)
    }

    /// Applies events that `decide` gave and that are stored by now.
    package mutating func apply(_ events: [IncidentEvent]) {
        for event in events {
            book.apply(event)
            escalation.apply(event)
        }
    }

    /// Records the pages that are due; a silence holds them back, and so does a root, which has called itself.
    private mutating func page(at now: Timestamp) -> [IncidentEvent] {
        let due = escalation.due(at: now) { book.holdsPages(of: $0, at: now) }
        return apply(due.map { IncidentEvent.Draft(incident: $0.0, at: now, kind: .paged(page: $0.1)) }, now: now)
    }

    private mutating func apply(_ drafts: [IncidentEvent.Draft], now: Timestamp) -> [IncidentEvent] {
        let events = book.complete(drafts, over: dependencies, now: now)
        apply(events)
        return events
    }
}
