import AsyncAlgorithms
import IncidentStore
import Incidents
import Logging
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
        case delivery(Delivery)
        case tick
        case command(IncidentCommand, CheckedContinuation<Result<Incident, CommandFailure>, Never>)
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
        var latest: [Subject: [SignalName: SignalPoint]]
        var signalStatistics: SignalEngine.Statistics
    }

    private let inputs = AsyncChannel<Input>()
    private let published: Mutex<Snapshot>
    private let initial: DetectionCore
    private let store: IncidentStore
    private let counters: CounterBoard
    private let logger: Logger
    private let tickInterval: Duration
    private let now: @Sendable () -> Timestamp
    /// Events that are applied and wait for a store that refuses: detection goes on while a disk is full.
    private let unsavedMax = 10_000

    init(
        core: DetectionCore, store: IncidentStore, counters: CounterBoard, tickInterval: Duration, logger: Logger,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.initial = core
        self.store = store
        self.counters = counters
        self.tickInterval = tickInterval
        self.logger = logger
        self.now = now
        self.published = Mutex(
            Snapshot(book: core.book, latest: core.latest, signalStatistics: core.signalStatistics))
    }

    /// The state after the last change.
    var snapshot: Snapshot { published.withLock { $0 } }

    /// Hands over what a durable frame held; returns when the pipeline has taken it.
    func deliver(_ delivery: Delivery) async {
        await inputs.send(.delivery(delivery))
    }

    /// Carries out a command: its events are durable when this returns.
    func perform(_ command: IncidentCommand) async throws(CommandFailure) -> Incident {
        let result = await withCheckedContinuation { continuation in
            // Ends by itself: the channel either takes the command or is finished, and then resumes at once.
            Task { await inputs.send(.command(command, continuation)) }
        }
        return try result.get()
    }

    func run() async throws {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.consume() }
            group.addTask {
                await cancelWhenGracefulShutdown {
                    while !Task.isCancelled {
                        try? await Task.sleep(for: self.tickInterval)
                        await self.inputs.send(.tick)
                    }
                }
                self.inputs.finish()
            }
        }
    }

    private func consume() async {
        var core = initial
        var unsaved: [IncidentEvent] = []
        for await input in inputs {
            switch input {
            case .delivery(let delivery):
                take(delivery, into: &core)
                // Publishing copies the table of latest points, so it waits for the next tick unless an incident
                // changed.
                if await advance(&core, &unsaved) { publish(core) }
            case .tick:
                _ = await advance(&core, &unsaved)
                publish(core)
            case .command(let command, let continuation):
                let result = await carryOut(command, &core, unsaved: unsaved)
                publish(core)
                continuation.resume(returning: result)
            }
        }
        await save(&unsaved)
    }

    private func take(_ delivery: Delivery, into core: inout DetectionCore) {
        let agent = delivery.agent
        switch delivery.content {
        case .samples(let samples):
            core.ingest(
                samples: samples, cluster: agent.cluster, agent: agent.node, clockOffset: delivery.clockOffset)
        case .edges(let edges):
            core.ingest(edges: edges, cluster: agent.cluster, agent: agent.node, clockOffset: delivery.clockOffset)
        }
    }

    private func advance(_ core: inout DetectionCore, _ unsaved: inout [IncidentEvent]) async -> Bool {
        let events = core.advance(to: now())
        for event in events { log(event, in: core) }
        unsaved += events
        await save(&unsaved)
        if unsaved.count > unsavedMax {
            let dropped = unsaved.count - unsavedMax
            unsaved.removeFirst(dropped)
            logger.error(
                "incident events dropped: the incident store has refused them for too long",
                metadata: ["count": "\(dropped)"])
        }
        return !events.isEmpty
    }

    private func save(_ unsaved: inout [IncidentEvent]) async {
        guard !unsaved.isEmpty else { return }
        let count = unsaved.count
        do {
            try await store.append(unsaved)
            unsaved.removeAll(keepingCapacity: true)
            counters.add { $0.incidentEvents += UInt64(count) }
        } catch {
            counters.add { $0.incidentEventFailures += 1 }
            logger.error(
                "incident events not stored, kept in memory", metadata: ["count": "\(count)", "reason": "\(error)"])
        }
    }

    private func carryOut(
        _ command: IncidentCommand, _ core: inout DetectionCore, unsaved: [IncidentEvent]
    ) async -> Result<Incident, CommandFailure> {
        guard unsaved.isEmpty else { return .failure(.notStored("the incident store refuses writes")) }
        do {
            let events = try core.decide(command, now: now())
            try await store.append(events)
            core.apply(events)
            counters.add { $0.incidentEvents += UInt64(events.count) }
            for event in events { log(event, in: core) }
        } catch let error as IncidentError {
            return .failure(.refused(error))
        } catch {
            counters.add { $0.incidentEventFailures += 1 }
            return .failure(.notStored("\(error)"))
        }
        guard let incident = core.book.incidents[command.incident] else {
            return .failure(.refused(IncidentError(.notFound, "there is no incident \(command.incident)")))
        }
        return .success(incident)
    }

    private func publish(_ core: DetectionCore) {
        published.withLock {
            $0 = Snapshot(book: core.book, latest: core.latest, signalStatistics: core.signalStatistics)
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
