import FlowControl
import GRPCCore
import GRPCNIOTransportHTTP2
import IngestWire
import Logging
import SampleLink
import SegmentSpool
import ServiceLifecycle
import SwiftProtobuf
import Synchronization
import Telemetry
import TocsinProto

/// The agent's connection to its coordinator: sends what the spool holds, acknowledges what is durable, comes back
/// after failures.
///
/// Certificates, tokens and trust roots are read anew for every connection, so that a rotation needs no restart; for a
/// token that is replaced a new connection is made, since the old one ends with the old token.
final class Uplink: Service {
    /// What the agent says of itself.
    struct Identity: Sendable {
        var cluster: String
        var node: String
        var boot: [UInt8]
    }

    /// Where the coordinator is and how it is trusted.
    struct Endpoint: Sendable {
        var host: String
        var port: Int
        /// Name that its certificate must have; nil: the host.
        var serverName: String?
        /// What the agent shows.
        var credentials: Credentials
        /// Roots that the coordinator's certificate must lead to.
        var trustRootsFile: String
    }

    /// What the agent shows the coordinator.
    enum Credentials: Sendable {
        case certificate(file: String, keyFile: String)
        case token(TokenFile)
    }

    /// The state of the agent at a moment, for heartbeats and target reports.
    struct Vitals: Sendable {
        var statuses: [TargetStatus]
        var heartbeat: Tocsin_V1_Heartbeat
    }

    private let identity: Identity
    let endpoint: Endpoint
    let spool: SpoolKeeper
    let inbox: UplinkInbox
    /// Nil for a link whose agent probes no cluster targets.
    let assigned: AssignedTargets?
    let logger: Logger
    private let now: @Sendable () -> Timestamp
    /// Learns from each stream how far the two clocks are apart.
    let clock: UplinkClock
    /// Bytes of blocks a second at which a backlog is sent beside what is new.
    let backfillBytesPerSecond: Int
    let vitals: @Sendable () async -> Vitals
    /// Longest pause between two attempts to connect.
    private let pauseMax: Duration
    private struct LinkMemory: Sendable {
        var machine: AgentLinkMachine?
        /// The session was replaced while the stream ran: what it knew is of the old one.
        var isReplaced = false
        /// The frame that the coordinator refused last.
        var refusedFrame: UInt64?
        /// What was lost and no welcome has confirmed.
        var losses: [FrameLoss] = []
        /// The session that this one took over, when this process saw it; empty for none.
        var continues: [UInt8] = []

        mutating func lost(_ new: [FrameLoss]) {
            losses += new
            // The oldest are told as one, so that there is room for all.
            while losses.count > FrameLoss.countMax {
                let first = losses.removeFirst()
                losses[0].merge(first)
            }
        }
    }

    private let link = Mutex(LinkMemory())
    /// Time for what is left when the agent is told to stop.
    let drainTimeout: Duration = .seconds(8)

    init(
        identity: Identity, endpoint: Endpoint, spool: SpoolKeeper, inbox: UplinkInbox, assigned: AssignedTargets?,
        logger: Logger, backfillBytesPerSecond: Int, now: @escaping @Sendable () -> Timestamp,
        clock: UplinkClock, interval: Duration, vitals: @escaping @Sendable () async -> Vitals
    ) {
        self.identity = identity
        self.endpoint = endpoint
        self.spool = spool
        self.inbox = inbox
        self.assigned = assigned
        self.logger = logger
        self.now = now
        self.clock = clock
        self.backfillBytesPerSecond = backfillBytesPerSecond
        self.vitals = vitals
        // What is measured when the coordinator comes back is to reach it within one interval.
        pauseMax = min(.seconds(15), max(.seconds(1), interval / 2))
    }

    func run() async throws {
        await withDiscardingTaskGroup { group in
            group.addTask {
                while !Task.isCancelled {
                    do {
                        try await Task.sleep(for: self.assigned?.heartbeatInterval ?? .seconds(5))
                    } catch {
                        return
                    }
                    self.inbox.heartbeat()
                    if case .token(let file) = self.endpoint.credentials, file.isReplaced {
                        self.inbox.credentialsReplaced()
                    }
                }
            }
            await withGracefulShutdownHandler {
                await connectForever()
            } onGracefulShutdown: {
                self.inbox.stop()
            }
            group.cancelAll()
        }
    }

    private func connectForever() async {
        var backoff = Backoff(base: .milliseconds(200), cap: pauseMax)
        var generator = SystemRandomNumberGenerator()
        var lastReason = ""
        while !Task.isCancelled {
            let end = await connect(UplinkStream(uplink: self))
            inbox.streamEnded()
            if inbox.isStopping { return await sayWhatIsUnsent() }
            switch end {
            case .again:
                backoff.reset()
                continue
            case .failed(let reason, let hadWelcome, let refusedFrame):
                if let refusedFrame { await refused(refusedFrame, reason: reason) }
                if hadWelcome { backoff.reset() }
                // The same reason again and again is said once.
                if reason != lastReason {
                    logger.warning("no connection to the coordinator", metadata: ["reason": "\(reason)"])
                }
                lastReason = hadWelcome ? "" : reason
            }
            let pause = backoff.next(using: &generator)
            await pauseUnlessStopping(pause)
        }
    }

    /// Logs what the next start will send, if it finds this spool.
    private func sayWhatIsUnsent() async {
        let view = await spool.view()
        let unsent =
            link.withLock { $0.machine?.undelivered }
            ?? (view.acknowledged < view.last ? [view.acknowledged + 1...view.last] : [])
        guard let held = await spool.measure(unsent) else {
            return logger.info("stopping, all is delivered")
        }
        var metadata: Logger.Metadata = [
            "frames": "\(unsent.reduce(0) { $0 + $1.count })", "samples": "\(held.samples)",
        ]
        if let times = held.times {
            metadata["from"] = "\(times.lowerBound.rfc3339)"
            metadata["to"] = "\(times.upperBound.rfc3339)"
        }
        logger.warning("stopping before all is delivered; the next start sends the rest", metadata: metadata)
    }

    private func pauseUnlessStopping(_ pause: Duration) async {
        let end = ContinuousClock.now + pause
        while !Task.isCancelled, !inbox.isStopping, ContinuousClock.now < end {
            try? await Task.sleep(for: min(.milliseconds(100), end - .now))
        }
    }

    /// The machine of a new stream with the hello that it opens with.
    func greeting() async throws -> (AgentLinkMachine, Tocsin_V1_Hello) {
        let view = await spool.view()
        var machine =
            link.withLock { memory in
                memory.isReplaced = false
                return memory.machine
            }
            ?? AgentLinkMachine(last: view.last, acknowledged: view.acknowledged, sentThrough: view.sentThrough)
        machine.appended(through: view.last)
        let sequences = machine.hello(heldFrom: view.heldFrom)
        var hello = AgentHello(
            cluster: identity.cluster, node: identity.node, version: TocsinVersion.current, session: view.session,
            boot: identity.boot, firstSequence: sequences.first, lastSequence: sequences.last,
            lostSamples: view.lostSamples, sentAt: now(),
            capabilities: LinkCapability.supported)
        let memory = link.withLock { $0 }
        hello.losses = Array((memory.losses + view.losses.map { FrameLoss($0) }).suffix(FrameLoss.countMax))
        hello.heldFrom = view.heldFromMillis.map { Timestamp(millis: $0) }
        hello.continues = memory.continues
        return (machine, hello.proto)
    }

    /// Notes what the spool lost, for the hellos to come.
    func lost(_ losses: [SpoolLoss]) {
        link.withLock { $0.lost(losses.map { FrameLoss($0) }) }
    }

    /// Forgets the losses that the coordinator knows of, now that it counts all up to a sequence as settled.
    func settled(through sequence: UInt64) {
        link.withLock { memory in memory.losses.removeAll { $0.sequences.upperBound <= sequence } }
    }

    /// Keeps what an ended stream knew for the next one.
    func keep(_ machine: AgentLinkMachine) {
        var machine = machine
        machine.disconnected()
        link.withLock { if !$0.isReplaced { $0.machine = machine } }
    }

    /// Forgets the link of a session that was replaced.
    func forgetLink(of session: [UInt8]) {
        link.withLock { $0 = LinkMemory(machine: nil, isReplaced: true, continues: session) }
    }

    enum End: Sendable {
        /// The stream ended so that a new one can say something: connect at once.
        case again
        /// The stream failed; whether it had been welcomed before.
        case failed(reason: String, hadWelcome: Bool, refusedFrame: UInt64? = nil)
    }

    /// Notes a frame that the coordinator refused; the second time it is given up.
    ///
    /// The first time the frames before it may have been at fault, such as by the series that their chain holds; the
    /// second time it is the first of a new chain, and would be refused for ever.
    private func refused(_ frame: UInt64, reason: String) async {
        let isSecond = link.withLock { memory in
            defer { memory.refusedFrame = frame }
            return memory.refusedFrame == frame
        }
        guard isSecond else { return }
        logger.error(
            "the coordinator refuses a frame; it is given up, so that others can go",
            metadata: ["frame": "\(frame)", "reason": "\(reason)"])
        do {
            try await spool.giveUp(frame)
        } catch {
            logger.error("the spool cannot note it", metadata: ["reason": "\(error)"])
        }
    }

    private func connect(_ stream: UplinkStream) async -> End {
        do {
            let transport = try HTTP2ClientTransport.Posix(
                target: endpoint.target, transportSecurity: endpoint.security,
                config: .defaults {
                    $0.http2.authority = endpoint.serverName
                    $0.connection.keepalive = .init(time: .seconds(20), timeout: .seconds(10), allowWithoutCalls: false)
                })
            return try await withGRPCClient(transport: transport) { client in
                await stream.run(over: client)
            }
        } catch {
            return .failed(reason: endpoint.reason(error), hadWelcome: false)
        }
    }
}
