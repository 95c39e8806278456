import GRPCCore
import IngestWire
import Logging
import SampleCodec
import SampleLink
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
        /// Version said in `Welcome`.
        var version: String
    }

    let configuration: Configuration
    let authorization: PeerAuthorization
    let fleet: FleetRegistry
    let assignments: AssignmentBoard
    let writer: StoreWriter
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
                try await self.serve(request.messages, to: responses, agent: agent)
            } catch let error as WireError {
                self.counters.add { $0.framesRejected += 1 }
                self.logger.warning(
                    "stream refused",
                    metadata: ["node": "\(agent.node)", "cluster": "\(agent.cluster)", "reason": "\(error)"])
                throw error.rpcError
            }
            return [:]
        }
    }

    /// Where what an agent says leads to an answer.
    private struct Outlets: Sendable {
        var acknowledgements: StreamReceiver.Acknowledgements
        var answers: AsyncStream<TargetsAnswer>.Continuation
    }

    private enum Part: Sendable {
        case reading
        case acknowledging
        case answering
        case shutdown
    }

    private func serve(
        _ messages: RPCAsyncSequence<Tocsin_V1_AgentMessage, any Error>,
        to responses: RPCWriter<Tocsin_V1_CoordinatorMessage>,
        agent: FleetRegistry.AgentKey
    ) async throws {
        let acknowledgements = AsyncThrowingStream<UInt64, any Error>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let answers = AsyncStream<TargetsAnswer>.makeStream(bufferingPolicy: .bufferingNewest(1))
        try await withThrowingTaskGroup(of: Part.self) { group in
            group.addTask {
                let outlets = Outlets(acknowledgements: acknowledgements.continuation, answers: answers.continuation)
                try await receive(messages, welcoming: responses, agent: agent, outlets)
                return .reading
            }
            group.addTask {
                for await answer in answers.stream { try await responses.write(.with { $0.targets = answer.proto }) }
                return .answering
            }
            group.addTask {
                for try await sequence in acknowledgements.stream {
                    try await responses.write(.with { $0.ack.durableSequence = sequence })
                }
                return .acknowledging
            }
            group.addTask {
                try? await gracefulShutdown()
                return .shutdown
            }
            while let part = try await group.next() {
                switch part {
                case .reading: acknowledgements.continuation.finish()
                case .acknowledging: return group.cancelAll()
                case .answering: continue
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
        guard let first = try await iterator.next() else { return }
        let hello = try checked(first, agent: agent)
        let receivedAt = now()
        let session = StoreWriter.Session(agent: agent, id: hello.session)
        guard let stream = fleet.connected(agent, hello: hello, now: receivedAt) else {
            throw WireError(.tooLarge, "no further agent is taken")
        }
        let machine = try await open(session, hello: hello)
        logger.info(
            "agent connected",
            metadata: [
                "node": "\(agent.node)", "cluster": "\(agent.cluster)", "version": "\(hello.version)",
                "durable": "\(machine.durable)",
            ])
        try await responses.write(welcome(durable: machine.durable))
        let receiver = StreamReceiver(
            service: self, agent: agent, stream: stream, session: session, ledger: StreamLedger(machine),
            clockOffset: clockOffset(of: hello, receivedAt: receivedAt), acknowledgements: outlets.acknowledgements,
            answers: outlets.answers)
        while let message = try await iterator.next() { try receiver.take(message) }
        await receiver.ledger.drained()
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
                "the certificate is of node \(agent.node) in \(agent.cluster), the hello of \(hello.node) in \(hello.cluster)"
            )
        }
        return hello
    }

    /// Opens the session once all that an older stream of it handed over is stored; what the spool lost is recorded.
    private func open(
        _ session: StoreWriter.Session, hello: AgentHello
    ) async throws(WireError) -> IngestSessionMachine {
        guard hello.firstSequence >= 1, hello.firstSequence - 1 <= hello.lastSequence else {
            throw WireError(
                .invalidField,
                "the hello's sequences \(hello.firstSequence) to \(hello.lastSequence) contradict each other")
        }
        await writer.barrier()
        do {
            let durable = try await writer.open(session, hello: hello, at: now())
            return try IngestSessionMachine(
                durable: durable, first: min(hello.firstSequence, durable + 1), last: max(hello.lastSequence, durable),
                window: UInt32(configuration.ackWindow))
        } catch {
            throw WireError(.storage, "the sample store cannot be read: \(error)")
        }
    }

    /// Below a second the way of the message explains the difference, and correcting would only add its jitter.
    private func clockOffset(of hello: AgentHello, receivedAt: Timestamp) -> Duration {
        let offset = hello.sentAt - receivedAt
        return offset.magnitude < .seconds(1) ? .zero : offset
    }

    private func welcome(durable: UInt64) -> Tocsin_V1_CoordinatorMessage {
        .with {
            $0.welcome = .with {
                $0.durableSequence = durable
                $0.ackWindow = UInt32(configuration.ackWindow)
                $0.sentAtMillis = now().millis
                $0.version = configuration.version
            }
        }
    }
}
