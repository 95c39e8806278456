import AsyncAlgorithms
import BlockingWork
import CoordinatorSettings
import Detection
import IncidentStore
import Incidents
import Logging
import Runbook
import ServiceLifecycle
import Signals
import Synchronization
import Telemetry

/// The one task that owns detection: it takes frames, ticks and commands in order, stores what follows, and publishes
/// the book.
///
/// A single consumer, so there is no lock to hold over I/O and no re-entrancy. Senders wait while it works:
/// back-pressure reaches the agents through the store writer.
final class Pipeline: Service {
    /// What a frame held.
    struct Delivery: Sendable {
        var agent: FleetRegistry.AgentKey
        var clockOffset: Duration
        var content: DecodedFrame
    }

    private enum Input: Sendable {
        case deliveries([Delivery])
        case tick
        case arrival(OutboxEntry)
        case thresholds(ThresholdsChange)
        case inspection(@Sendable (DetectionCore) -> Void)
        case command(Command, AuditCall, Reply<Result<Outcome, CommandFailure>>)
    }

    /// What a person asks for.
    enum Command: Sendable {
        /// A change of an incident, meant for one version of it; nil for any.
        case incident(IncidentCommand, version: UInt64?)
        /// A silence more, or one less.
        case silence(SilenceCommand)
    }

    /// What a command led to.
    struct Outcome: Sendable {
        var events: [IncidentEvent]
        var book: IncidentBook
    }

    /// Why a command had no effect.
    enum CommandFailure: Error, Sendable {
        case refused(IncidentError)
        case notStored(String)
        case stopping
    }

    /// What others read: replaced as a whole after each change.
    struct Snapshot: Sendable {
        var book: IncidentBook
        var escalation: EscalationMachine
        /// Number of signals.
        var signals: Int
        var signalStatistics: SignalEngine.Statistics
        var detectorStatistics: DetectorBank.Statistics
        var thresholds: ThresholdSettings

        init(_ core: DetectionCore) {
            book = core.book
            escalation = core.escalation
            signals = core.history.count
            signalStatistics = core.signalStatistics
            detectorStatistics = core.detectorStatistics
            thresholds = core.thresholds
        }
    }

    /// Applied and not stored yet, since the store refuses.
    private struct Unsaved {
        var events: [IncidentEvent] = []
        var notices: [OutboxEntry] = []
    }

    private let taskQueue = TaskQueue(label: "tocsin.pipeline")
    private let inputs = AsyncChannel<Input>()
    private let published: Mutex<Snapshot>
    /// What to begin with; given up when it has begun, since a second core beside the first would double its memory.
    private let initial: Mutex<Restoration.Restored?>
    private let ticks = Mutex<UInt64>(0)
    private let store: IncidentStore
    private let routing: NoticeRouting
    private let notifications: NotificationService
    private let cells: CellRecorder?
    private let counters: CounterBoard
    private let logger: Logger
    /// Whose clock tells the ticks.
    private let loop = ListenerLoop.shared
    private let tickInterval: Duration
    /// Asked for before agents are judged.
    private let signsOfLife: @Sendable () -> [AgentSign]
    private let forget: @Sendable ([AgentWatch.Status]) -> Void
    private let now: @Sendable () -> Timestamp
    /// Events that are applied and wait for a store that refuses: detection goes on while a disk is full.
    private let unsavedMax = 10_000

    init(
        _ restored: Restoration.Restored, store: IncidentStore, routing: NoticeRouting,
        notifications: NotificationService, cells: CellRecorder?,
        counters: CounterBoard, tickInterval: Duration, logger: Logger,
        signsOfLife: @escaping @Sendable () -> [AgentSign],
        forget: @escaping @Sendable ([AgentWatch.Status]) -> Void, now: @escaping @Sendable () -> Timestamp
    ) {
        self.initial = Mutex(restored)
        self.store = store
        self.routing = routing
        self.notifications = notifications
        self.cells = cells
        self.counters = counters
        self.tickInterval = tickInterval
        self.logger = logger
        self.signsOfLife = signsOfLife
        self.forget = forget
        self.now = now
        self.published = Mutex(Snapshot(restored.core))
    }

    private func plan(of core: DetectionCore) -> NoticePlan {
        NoticePlan(routing: routing, policy: core.escalation.policy)
    }

    /// The state after the last change.
    var snapshot: Snapshot { published.withLock { $0 } }

    /// Rounds of detection that were begun: one that hangs counts no further.
    var rounds: UInt64 { ticks.withLock { $0 } }

    /// Hands over what frames held that became durable together, in their order; returns when it is taken.
    func deliver(_ deliveries: [Delivery]) async {
        guard !deliveries.isEmpty else { return }
        await inputs.send(.deliveries(deliveries))
    }

    /// Records that a page has reached a channel; nothing happens once the pipeline has stopped.
    func noteArrival(_ entry: OutboxEntry) async {
        await inputs.send(.arrival(entry))
    }

    /// Carries out a command: its events and the record of who asked are durable when this returns.
    func perform(_ command: Command, for call: AuditCall) async throws(CommandFailure) -> Outcome {
        let result: Result<Outcome, CommandFailure>? = await withCheckedContinuation { continuation in
            let reply = Reply(continuation)
            // Ends by itself: the channel takes the command, or drops it when it is finished.
            Task { await inputs.send(.command(command, call, reply)) }
        }
        guard let result else { throw .stopping }
        return try result.get()
    }

    /// Puts other thresholds in force, or notes that a file was refused; returns when the pipeline has taken it.
    func replaceThresholds(_ change: ThresholdsChange) async {
        await inputs.send(.thresholds(change))
    }

    /// What a function makes of the core's state, between two inputs; nil when the pipeline is stopping.
    func inspect<Value: Sendable>(_ ask: @escaping @Sendable (DetectionCore) -> Value) async -> Value? {
        await withCheckedContinuation { continuation in
            let reply = Reply(continuation)
            // Ends by itself: the channel takes the question, or drops it when it is finished.
            Task { await inputs.send(.inspection { reply.give(ask($0)) }) }
        }
    }

    func run() async throws {
        await withDiscardingTaskGroup { group in
            group.addTask(executorPreference: self.taskQueue) { await self.consume() }
            group.addTask(executorPreference: self.loop) {
                await cancelWhenGracefulShutdown {
                    while !Task.isCancelled {
                        try? await self.loop.sleep(for: self.tickInterval)
                        await self.inputs.send(.tick)
                    }
                }
                self.inputs.finish()
            }
        }
    }

    private func consume() async {
        guard
            let restored = initial.withLock({ initial in
                defer { initial = nil }
                return initial
            })
        else { return }
        var core = restored.core
        var unsaved = Unsaved()
        core.keepsCells = cells != nil
        cells?.take(&core, at: now())
        await keep(restored.events, core, &unsaved)
        for await input in inputs {
            switch input {
            case .deliveries(let deliveries):
                for delivery in deliveries { take(delivery, into: &core) }
                // What closes a cell is what has come, not when it is looked at: once for all of them will do.
                // Publishing can wait for the next tick unless an incident changed.
                if await advance(&core, &unsaved) { publish(core) }
            case .tick:
                ticks.withLock { $0 += 1 }
                _ = await advance(&core, &unsaved)
                publish(core)
            case .arrival(let entry):
                let kind = IncidentEvent.Kind.delivered(key: entry.notice.key, channel: entry.channel)
                await keep(core.record(kind, of: entry.notice.incident, at: now()), core, &unsaved)
                publish(core)
            case .inspection(let ask):
                ask(core)
            case .thresholds(let change):
                await keep(core.replaceThresholds(change, now: now()), core, &unsaved)
                if case .accepted = change { cells?.noteThresholds() }
                publish(core)
            case .command(let command, let call, let reply):
                let result = await carryOut(command, for: call, &core, unsaved: unsaved.events)
                publish(core)
                reply.give(result)
            }
            cells?.take(&core, at: now())
        }
        await save(&unsaved)
    }

    private func take(_ delivery: Delivery, into core: inout DetectionCore) {
        let agent = delivery.agent
        switch delivery.content {
        case .samples(let samples):
            core.ingest(
                samples, cluster: agent.cluster, agent: agent.node, clockOffset: delivery.clockOffset)
        case .edges(let edges):
            core.ingest(
                edges: edges, cluster: agent.cluster, agent: agent.node, clockOffset: delivery.clockOffset, now: now())
        }
    }

    private func advance(_ core: inout DetectionCore, _ unsaved: inout Unsaved) async -> Bool {
        let moment = now()
        if core.watches.isDue(at: moment) { core.seen(signsOfLife()) }
        let events = core.advance(to: moment)
        let gone = core.takeForgotten()
        if !gone.isEmpty { forget(gone) }
        await keep(events, core, &unsaved)
        return !events.isEmpty
    }

    /// Stores events that are applied, with the notices that follow from them in the same transaction, and sends those.
    ///
    /// A store that refuses keeps nobody from being called: the notices leave from memory.
    private func keep(_ events: [IncidentEvent], _ core: DetectionCore, _ unsaved: inout Unsaved) async {
        for event in events { log(event, in: core) }
        let notices = plan(of: core).entries(for: events, in: core.book)
        unsaved.events += events
        unsaved.notices += notices
        await save(&unsaved)
        notifications.submit(notices)
        if unsaved.events.count > unsavedMax {
            let dropped = unsaved.events.count - unsavedMax
            unsaved.events.removeFirst(dropped)
            unsaved.notices.removeFirst(max(0, unsaved.notices.count - unsavedMax))
            logger.error(
                "incident events dropped: the incident store has refused them for too long",
                metadata: ["count": "\(dropped)"])
        }
    }

    private func save(_ unsaved: inout Unsaved) async {
        guard !unsaved.events.isEmpty else { return }
        let count = unsaved.events.count
        do {
            try await store.append(unsaved.events, outbox: unsaved.notices)
            unsaved = Unsaved()
            counters.add { $0.incidentEvents += UInt64(count) }
        } catch {
            counters.add { $0.incidentEventFailures += 1 }
            logger.error(
                "incident events not stored, kept in memory", metadata: ["count": "\(count)", "reason": "\(error)"])
        }
    }

    private func carryOut(
        _ command: Command, for call: AuditCall, _ core: inout DetectionCore, unsaved: [IncidentEvent]
    ) async -> Result<Outcome, CommandFailure> {
        guard unsaved.isEmpty else { return .failure(.notStored("the incident store refuses writes")) }
        do {
            let moment = now()
            let events = try core.decide(command, now: moment)
            // The book folds them before it is known what they are to say, and is given up if they are not stored.
            var next = core
            next.apply(events)
            let notices = plan(of: next).entries(for: events, in: next.book)
            let record = call.record(
                .done, at: moment, subject: command.subjectName(after: events),
                before: command.subjectSummary(in: core.book),
                after: command.subjectSummary(in: next.book, after: events))
            try await store.append(events, outbox: notices, audit: record)
            core = next
            notifications.submit(notices)
            counters.add { $0.incidentEvents += UInt64(events.count) }
            for event in events { log(event, in: core) }
            return .success(Outcome(events: events, book: core.book))
        } catch let error as IncidentError {
            return .failure(.refused(error))
        } catch {
            counters.add { $0.incidentEventFailures += 1 }
            return .failure(.notStored("\(error)"))
        }
    }

    private func publish(_ core: DetectionCore) {
        published.withLock {
            $0 = Snapshot(core)
        }
        counters.add {
            $0.signalPoints = core.points
            $0.findings = core.findings
            $0.findingsRefused = core.refused
        }
    }

    private func log(_ event: IncidentEvent, in core: DetectionCore) {
        guard let incident = core.book.incidents[event.incident] else { return }
        logger.notice(
            "incident \(event.kind.name)",
            metadata: [
                "incident": "\(event.incident)", "severity": "\(incident.severity)", "subject": "\(incident.subject)",
                "title": "\(incident.title)",
            ])
    }
}

/// A continuation that is resumed once: with an answer, or with nil when nobody is left to give one.
private final class Reply<Value: Sendable>: Sendable {
    private let waiting: Mutex<CheckedContinuation<Value?, Never>?>

    init(_ continuation: CheckedContinuation<Value?, Never>) {
        waiting = Mutex(continuation)
    }

    func give(_ value: Value) {
        take()?.resume(returning: value)
    }

    private func take() -> CheckedContinuation<Value?, Never>? {
        waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }
    }

    deinit {
        take()?.resume(returning: nil)
    }
}
