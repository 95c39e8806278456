import GRPCCore
import IngestWire
import Logging
import SampleCodec
import SampleLink
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
                    "stream refused", metadata: ["node": "\(agent.node)", "cluster": "\(agent.cluster)", "reason": "\(error)"])
                throw error.rpcError
            }
            return [:]
        }
    }

    private func serve(
        _ messages: RPCAsyncSequence<Tocsin_V1_AgentMessage, any Error>, to responses: RPCWriter<Tocsin_V1_CoordinatorMessage>,
        agent: FleetRegistry.AgentKey
    ) async throws {
        var iterator = messages.makeAsyncIterator()
        guard let first = try await iterator.next() else { return }
        let hello = try checked(first, agent: agent)
        let receivedAt = now()
        let session = StoreWriter.Session(agent: agent, id: hello.session)
        let durable = try await open(session, hello: hello)
        guard let stream = fleet.connected(agent, hello: hello, now: receivedAt) else {
            throw WireError(.tooLarge, "no further agent is taken")
        }
        logger.info(
            "agent connected",
            metadata: ["node": "\(agent.node)", "cluster": "\(agent.cluster)", "version": "\(hello.version)", "durable": "\(durable)"])
        try await responses.write(welcome(durable: durable))

        var receiver = StreamReceiver(
            service: self, agent: agent, stream: stream, session: session,
            machine: IngestSessionMachine(durableSequence: durable, firstSequence: hello.firstSequence),
            clockOffset: clockOffset(of: hello, receivedAt: receivedAt))
        let acknowledgements = AsyncThrowingStream<UInt64, any Error>.makeStream(bufferingPolicy: .bufferingNewest(1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for try await sequence in acknowledgements.stream {
                    try await responses.write(.with { $0.ack.durableSequence = sequence })
                }
            }
            do {
                while let message = try await iterator.next() {
                    try receiver.take(message, acknowledgements: acknowledgements.continuation)
                }
                try await receiver.drain()
                acknowledgements.continuation.finish()
                try await group.waitForAll()
            } catch {
                acknowledgements.continuation.finish(throwing: error)
                throw error
            }
        }
    }

    private func checked(_ message: Tocsin_V1_AgentMessage, agent: FleetRegistry.AgentKey) throws(WireError) -> AgentHello {
        guard case .hello(let proto) = message.message else {
            throw WireError(.outOfOrder, "the first message must be a hello")
        }
        let hello = try AgentHello(proto: proto, limits: configuration.wire)
        guard hello.cluster == agent.cluster, hello.node == agent.node else {
            throw WireError(
                .denied,
                "the certificate is of node \(agent.node) in \(agent.cluster), the hello of \(hello.node) in \(hello.cluster)")
        }
        return hello
    }

    private func open(_ session: StoreWriter.Session, hello: AgentHello) async throws(WireError) -> UInt64 {
        do {
            return try await writer.open(session, hello: hello, at: now())
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
