import GRPCCore
import IngestWire
import Logging
import SampleCodec
import SampleLink
import SampleStore
import ServiceLifecycle
import SwiftProtobuf
import Synchronization
import Telemetry
import TocsinProto

/// The ingest service: one stream an agent, frames stored before they are acknowledged.
///
/// A stream that breaks the contract ends with the code of its `WireError`; nothing it did reaches another stream.
struct IngestService: Tocsin_V1_Ingest.ServiceProtocol {
    /// Limits of a stream.
    struct Configuration: Sendable {
        /// Frames that an agent may have unacknowledged.
        var ackWindow = 32
        /// What a message may hold.
        var wire = WireLimits.standard
        /// What a sample block may hold.
        var block = SampleBlockLimits.default
        /// Series of one chain that are judged.
        var seriesPerAgentMax = 20_000
        /// From the opening of a stream to its hello.
        var helloWithin: Duration = .seconds(10)
        /// Version said in `Welcome`.
        var version: String
    }

    let configuration: Configuration
    let authorization: PeerAuthorization
    let fleet: FleetRegistry
    let assignments: AssignmentBoard
    let writer: StoreWriter
    let quota: SeriesQuota
    let counters: CounterBoard
    let logger: Logger
    let now: @Sendable () -> Timestamp

    func connect(
        request: StreamingServerRequest<Tocsin_V1_AgentMessage>, context: ServerContext
    ) async throws -> StreamingServerResponse<Tocsin_V1_CoordinatorMessage> {
        let agent: FleetRegistry.AgentKey
        do {
            agent = try authorization.agent(context)
        } catch {
            counters.add { $0.requestsDenied += 1 }
            throw error.rpcError
        }
        return StreamingServerResponse { responses in
            do {
                try await withTaskExecutorPreference(ListenerLoop.shared) {
                    try await self.serve(request.messages, to: responses, agent: agent)
                }
            } catch let error as WireError {
                self.counters.add {
                    $0.framesRejected += 1
                    if error.code == .denied { $0.requestsDenied += 1 }
                }
                self.logger.warning(
                    "stream refused",
                    metadata: ["node": "\(agent.node)", "cluster": "\(agent.cluster)", "reason": "\(error)"])
                throw error.rpcError
            }
            return [:]
        }
    }

    /// Where answers to a stream go.
    struct Outlets: Sendable {
        var acknowledgements: StreamReceiver.Acknowledgements
        var answers: AsyncStream<TargetsAnswer>.Continuation
        /// Ended by the stream's hello.
        var greeting: AsyncStream<Void>.Continuation
    }

    private enum Part: Sendable {
        case reading
        case acknowledging
        case answering
        case greeted
        case shutdown
    }

    private func serve(
        _ messages: RPCAsyncSequence<Tocsin_V1_AgentMessage, any Error>,
        to responses: RPCWriter<Tocsin_V1_CoordinatorMessage>,
        agent: FleetRegistry.AgentKey
    ) async throws {
        let acknowledgements = AsyncThrowingStream<IngestSessionMachine.Acknowledgement, any Error>.makeStream(
            bufferingPolicy: .bufferingNewest(1))
        let answers = AsyncStream<TargetsAnswer>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let greeting = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        try await withThrowingTaskGroup(of: Part.self) { group in
            group.addTask {
                let outlets = Outlets(
                    acknowledgements: acknowledgements.continuation, answers: answers.continuation,
                    greeting: greeting.continuation)
                try await receive(messages, welcoming: responses, agent: agent, outlets)
                return .reading
            }
            group.addTask {
                for await answer in answers.stream { try await responses.write(.with { $0.targets = answer.proto }) }
                return .answering
            }
            group.addTask {
                for try await acknowledgement in acknowledgements.stream {
                    try await responses.write(
                        .with {
                            $0.ack.durableSequence = acknowledgement.durable
                            $0.ack.freshSequence = acknowledgement.fresh
                        })
                }
                return .acknowledging
            }
            group.addTask {
                try await self.greeted(greeting.stream)
                return .greeted
            }
            group.addTask {
                try? await gracefulShutdown()
                return .shutdown
            }
            while let part = try await group.next() {
                switch part {
                case .reading: acknowledgements.continuation.finish()
                case .acknowledging: return group.cancelAll()
                case .answering, .greeted: continue
                case .shutdown:
                    // An agent's stream has no end of its own: what is not acknowledged comes again after the restart.
                    throw RPCError(code: .unavailable, message: "the coordinator is stopping")
                }
            }
        }
    }

    private func receive(
        _ messages: RPCAsyncSequence<Tocsin_V1_AgentMessage, any Error>,
        welcoming responses: RPCWriter<Tocsin_V1_CoordinatorMessage>, agent: FleetRegistry.AgentKey,
        _ outlets: Outlets
    ) async throws {
        var iterator = messages.makeAsyncIterator()
        defer { outlets.greeting.finish() }
        guard let first = try await iterator.next() else { return }
        outlets.greeting.finish()
        let hello = try checked(first, agent: agent)
        let receivedAt = now()
        let session = StoreWriter.Session(agent: agent, id: hello.session)
        guard let connection = fleet.connected(agent, hello: hello, now: receivedAt) else {
            throw WireError(.tooLarge, fleet.refusal)
        }
        if connection.isContended {
            counters.add { $0.agentsContended += 1 }
            logger.warning(
                "two agents use one name and end each other's streams: give each node a certificate of its own",
                metadata: ["node": "\(agent.node)", "cluster": "\(agent.cluster)"])
        }
        let (machine, durable) = try await open(session, hello: hello)
        logger.info(
            "agent connected",
            metadata: [
                "node": "\(agent.node)", "cluster": "\(agent.cluster)", "version": "\(hello.version)",
                "durable": "\(machine.durable)",
            ])
        try await responses.write(welcome(hello, durable))
        var receiver = StreamReceiver(
            service: self, agent: agent, stream: connection.stream, session: session, ledger: StreamLedger(machine),
            helloSentAt: hello.sentAt, receivedAt: receivedAt, outlets: outlets)
        while let message = try await iterator.next() {
            try receiver.take(message)
            if let farewell = receiver.takeFarewell() { await writer.end(session, unsent: farewell.unsent) }
        }
        await receiver.ledger.drained()
    }

    /// Returns when the stream's hello has come; throws `outOfOrder` when it does not within its time.
    private func greeted(_ greeting: AsyncStream<Void>) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in greeting {} }
            group.addTask {
                try await Task.sleep(for: configuration.helloWithin)
                counters.add { $0.hellosOverdue += 1 }
                throw WireError(.outOfOrder, "no hello within \(configuration.helloWithin)")
            }
            try await group.next()
            group.cancelAll()
        }
    }

    private func checked(_ message: Tocsin_V1_AgentMessage, agent: FleetRegistry.AgentKey) throws(WireError)
        -> AgentHello
    {
        guard case .hello(let proto) = message.message else {
            throw WireError(.outOfOrder, "the first message must be a hello")
        }
        let hello = try AgentHello(proto: proto, limits: configuration.wire)
        guard hello.cluster == agent.cluster, hello.node == agent.node else {
            throw WireError(
                .denied,
                "the caller is the agent of node \(agent.node) in \(agent.cluster), its hello is of \(hello.node) in \(hello.cluster)"
            )
        }
        return hello
    }

    /// Opens the session once all that an older stream of it handed over is stored; what the spool lost is recorded.
    private func open(
        _ session: StoreWriter.Session, hello: AgentHello
    ) async throws(WireError) -> (IngestSessionMachine, SampleStore.DurableSequences) {
        guard hello.firstSequence >= 1, hello.firstSequence - 1 <= hello.lastSequence else {
            throw WireError(
                .invalidField,
                "the hello's sequences \(hello.firstSequence) to \(hello.lastSequence) contradict each other")
        }
        await writer.barrier()
        do {
            let durable = try await writer.open(session, hello: hello, at: now())
            let machine = try IngestSessionMachine(
                durable: durable.through, held: durable.ahead, first: min(hello.firstSequence, durable.through + 1),
                last: max(hello.lastSequence, durable.through), window: UInt32(configuration.ackWindow),
                usesLanes: hello.capabilities.contains(.lanes))
            return (machine, durable)
        } catch {
            throw WireError(.storage, "the sample store cannot be read: \(error)")
        }
    }

    private func welcome(_ hello: AgentHello, _ durable: SampleStore.DurableSequences) -> Tocsin_V1_CoordinatorMessage {
        .with {
            $0.welcome = .with {
                $0.durableSequence = durable.through
                $0.durableAhead = durable.ahead.ranges.map { range in
                    Tocsin_V1_SequenceRange.with {
                        $0.first = range.lowerBound
                        $0.last = range.upperBound
                    }
                }
                $0.ackWindow = UInt32(configuration.ackWindow)
                $0.sentAtMillis = now().millis
                $0.version = configuration.version
                $0.capabilities = LinkCapability.names(of: hello.capabilities)
            }
        }
    }
}
