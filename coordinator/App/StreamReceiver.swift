import IngestWire
import SampleLink
import Synchronization
import Telemetry
import TocsinProto

/// The receiving half of one agent's stream: judges each message, hands frames to the writer, never waits for the disk.
///
/// Confined to the task that reads the stream.
struct StreamReceiver {
    let service: IngestService
    let agent: FleetRegistry.AgentKey
    let stream: UInt64
    let session: StoreWriter.Session
    var machine: IngestSessionMachine
    /// The agent's clock less ours at `Hello`, zero when it is below what the way of a message explains.
    let clockOffset: Duration
    private let unacknowledged = InFlight()

    init(
        service: IngestService, agent: FleetRegistry.AgentKey, stream: UInt64, session: StoreWriter.Session,
        machine: IngestSessionMachine, clockOffset: Duration
    ) {
        self.service = service
        self.agent = agent
        self.stream = stream
        self.session = session
        self.machine = machine
        self.clockOffset = clockOffset
    }

    /// Takes one message.
    mutating func take(
        _ message: Tocsin_V1_AgentMessage, acknowledgements: AsyncThrowingStream<UInt64, any Error>.Continuation
    ) throws(WireError) {
        guard service.fleet.seen(agent, stream: stream, now: service.now()) else {
            throw WireError(.outOfOrder, "another stream speaks for this agent by now")
        }
        if let failure = unacknowledged.failure { throw failure }
        switch message.message {
        case .hello:
            throw WireError(.outOfOrder, "a second hello")
        case .heartbeat(let heartbeat):
            service.fleet.heartbeat(heartbeat, of: agent)
        case .targetReport(let report):
            let limits = service.configuration.wire
            service.fleet.targets(
                try report.decoded(limits: limits), partial: report.partial, of: agent, targetsMax: limits.targetsMax)
        case .frame(let frame):
            try take(frame, acknowledgements: acknowledgements)
        case nil:
            // A message of a newer agent: ignored, as the contract says.
            break
        }
    }

    /// Waits until every frame taken is durable or failed.
    func drain() async throws {
        await unacknowledged.drained()
    }

    private mutating func take(
        _ frame: Tocsin_V1_Frame, acknowledgements: AsyncThrowingStream<UInt64, any Error>.Continuation
    ) throws(WireError) {
        switch machine.receive(frame.sequence) {
        case .duplicate:
            service.counters.add { $0.framesDuplicate += 1 }
            acknowledgements.yield(machine.durableSequence)
            return
        case .gap(let expected):
            throw WireError(.gap, "frame \(frame.sequence) where \(expected) is due")
        case .store:
            break
        }
        guard unacknowledged.add(atMost: service.configuration.ackWindow) else {
            throw WireError(.tooLarge, "more than \(service.configuration.ackWindow) frames unacknowledged")
        }
        let content = try DecodedFrame(frame, limits: service.configuration.wire, blockLimits: service.configuration.block)
        let inFlight = unacknowledged
        service.writer.submit(
            StoreWriter.Entry(
                session: session, frame: frame, content: content, clockOffset: clockOffset, receivedAt: service.now(),
                completion: { result in
                    inFlight.remove(result)
                    switch result {
                    case .success(let durable): acknowledgements.yield(durable)
                    case .failure(let error): acknowledgements.finish(throwing: error)
                    }
                }))
    }
}

/// Frames of one stream that are taken and not yet durable.
private final class InFlight: Sendable {
    private struct State {
        var count = 0
        var failure: WireError?
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func add(atMost limit: Int) -> Bool {
        state.withLock { state in
            guard state.count < limit else { return false }
            state.count += 1
            return true
        }
    }

    /// Why a frame did not become durable: the stream must end, since later frames build on it.
    var failure: WireError? { state.withLock { $0.failure } }

    func remove(_ result: Result<UInt64, WireError>) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.count -= 1
            if case .failure(let error) = result { state.failure = error }
            guard state.count == 0 else { return nil }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    func drained() async {
        await withCheckedContinuation { continuation in
            let atOnce = state.withLock { state -> Bool in
                guard state.count > 0 else { return true }
                state.waiter = continuation
                return false
            }
            if atOnce { continuation.resume() }
        }
    }
}
