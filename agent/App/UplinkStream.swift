import FlowControl
import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2
import IngestWire
import Logging
import SampleLink
import SegmentSpool
import SwiftProtobuf
import Synchronization
import Telemetry
import TocsinProto

/// One stream from `Hello` to its end: the sender owns the link machine, the receiver only puts facts into the inbox.
final class UplinkStream: Sendable {
    private let uplink: Uplink
    private let hadWelcome = Mutex(false)
    /// Frames read from the spool at once.
    private let readRecordsMax = 32
    private let readBytesMax = 1 << 20
    /// Bytes of the backlog read at once, so that what is new never waits for long.
    private let backfillBytesMax = 128 << 10

    init(uplink: Uplink) {
        self.uplink = uplink
    }

    /// Runs the stream over a connected client.
    func run(over client: GRPCClient<HTTP2ClientTransport.Posix>) async -> Uplink.End {
        let ending = Mutex<Uplink.End?>(nil)
        do {
            try await Tocsin_V1_Ingest.Client(wrapping: client).connect(
                metadata: try uplink.endpoint.metadata(),
                requestProducer: { writer in
                    let end = try await self.send(to: writer)
                    ending.withLock { $0 = end }
                },
                onResponse: { response in
                    for try await message in response.messages { self.receive(message) }
                })
            return ending.withLock { $0 }
                ?? .failed(reason: "the coordinator ended the stream", hadWelcome: wasWelcomed)
        } catch {
            if let end = ending.withLock({ $0 }), case .again = end { return end }
            return .failed(
                reason: uplink.endpoint.reason(error), hadWelcome: wasWelcomed,
                refusedFrame: (error as? RPCError).flatMap(WireError.refusedFrame))
        }
    }

    private var wasWelcomed: Bool { hadWelcome.withLock { $0 } }

    private func receive(_ message: Tocsin_V1_CoordinatorMessage) {
        switch message.message {
        case .welcome(let welcome):
            hadWelcome.withLock { $0 = true }
            uplink.clock.welcomed(at: Timestamp(millis: welcome.sentAtMillis))
            uplink.inbox.welcomed(
                UplinkInbox.Welcome(
                    durable: welcome.durableSequence, window: welcome.ackWindow,
                    ahead: welcome.durableAhead.compactMap { range in
                        // Sequences are below 2^63.
                        range.first <= range.last && range.last <= Int64.max ? range.first...range.last : nil
                    },
                    capabilities: LinkCapability.known(in: welcome.capabilities)))
        case .ack(let ack):
            uplink.inbox.acknowledged(through: ack.durableSequence, fresh: ack.freshSequence)
        case .targets(let targets):
            do {
                uplink.assigned?.take(try TargetsAnswer(proto: targets, limits: .standard))
            } catch {
                // Leases that it had go on until they end; the next answer may be better.
                uplink.logger.error("an answer about cluster targets cannot be used", metadata: ["reason": "\(error)"])
            }
        case nil:
            // A message of a newer coordinator: ignored, as the contract says.
            break
        }
    }

    /// Sends until the machine or the agent's end says stop.
    private func send(to writer: RPCWriter<Tocsin_V1_AgentMessage>) async throws -> Uplink.End? {
        var (machine, hello) = try await uplink.greeting()
        defer { uplink.keep(machine) }
        uplink.clock.asked()
        try await writer.write(.with { $0.hello = hello })
        var drainEnd: ContinuousClock.Instant?
        var lanes = Lanes(backfillBytesPerSecond: uplink.backfillBytesPerSecond)
        var nextBackfill: ContinuousClock.Instant?
        var reporter = TargetReporter()
        while true {
            await uplink.inbox.changed(before: nextBackfill)
            nextBackfill = nil
            try Task.checkCancellation()
            let contents = uplink.inbox.take()
            var actions: [AgentLinkMachine.Action] = []
            if let sequence = contents.appended { machine.appended(through: max(sequence, machine.last)) }
            let losses = await uplink.spool.takeLosses()
            if !losses.isEmpty { uplink.lost(losses) }
            for loss in losses { actions += machine.lost(loss.sequences) }
            if let welcome = contents.welcome {
                uplink.settled(through: welcome.durable)
                actions += machine.connected(
                    durable: welcome.durable, window: welcome.window, ahead: welcome.ahead,
                    usesLanes: welcome.capabilities.contains(.lanes))
                lanes.begin(isChained: welcome.capabilities.contains(.chainedBlocks))
                uplink.logger.info("connected to the coordinator", metadata: ["backlog": "\(machine.backlog)"])
            }
            if let acknowledged = contents.acknowledged {
                actions += machine.acknowledged(through: acknowledged.durable, fresh: acknowledged.fresh)
            }
            if let end = try await perform(actions) { return end }
            if contents.areCredentialsReplaced, !contents.isStopping {
                uplink.logger.info("starting a new stream", metadata: ["reason": "the token was replaced"])
                return .again
            }
            guard machine.isStreaming else { continue }
            if contents.welcome != nil || contents.targetsChanged || contents.heartbeatDue {
                let isHeartbeatDue = contents.welcome != nil || contents.heartbeatDue
                try await report(&reporter, withHeartbeat: isHeartbeatDue, to: writer)
            }
            try await sendFresh(&machine, &lanes, to: writer)
            nextBackfill = try await sendBackfill(&machine, &lanes, to: writer)
            if contents.isStopping {
                let end = drainEnd ?? .now + uplink.drainTimeout
                drainEnd = end
                if machine.backlog == 0 || ContinuousClock.now >= end {
                    try await sayGoodbye(unsent: machine.undelivered, to: writer)
                    return nil
                }
            }
        }
    }

    private func perform(_ actions: [AgentLinkMachine.Action]) async throws -> Uplink.End? {
        for action in actions {
            switch action {
            case .acknowledgeSpool(let sequence):
                try await uplink.spool.acknowledge(through: sequence)
            case .declareLoss(let range, let cause):
                uplink.logger.error(
                    "frames are lost",
                    metadata: ["from": "\(range.lowerBound)", "to": "\(range.upperBound)", "cause": "\(cause)"])
            case .reconnect(let reason):
                uplink.logger.info("starting a new stream", metadata: ["reason": "\(reason)"])
                return .again
            case .beginNewSession(let keepAfter, let durable):
                uplink.logger.error(
                    "the coordinator knows more of this spool than it holds: an old copy; beginning a new session",
                    metadata: ["durable": "\(durable)"])
                let session = await uplink.spool.view().session
                try await uplink.spool.beginNewSession(keepAfter: keepAfter)
                uplink.forgetLink(of: session)
                return .again
            }
        }
        return nil
    }

    /// The blocks of both lanes, and when the backlog may go on.
    private struct Lanes {
        var fresh = BlockLane()
        var backfill = BlockLane()
        var pacer: Pacer<ContinuousClock.Instant>

        init(backfillBytesPerSecond: Int) {
            pacer = Pacer(perSecond: backfillBytesPerSecond)
        }

        mutating func begin(isChained: Bool) {
            fresh = BlockLane(isChained: isChained)
            backfill = BlockLane(isChained: isChained)
        }
    }

    private func sendFresh(
        _ machine: inout AgentLinkMachine, _ lanes: inout Lanes, to writer: RPCWriter<Tocsin_V1_AgentMessage>
    ) async throws {
        while let range = machine.sendable() {
            let records = try await uplink.spool.read(range, recordsMax: readRecordsMax, bytesMax: readBytesMax)
            guard !records.isEmpty else { return }
            for record in records {
                let frame = try frame(record, on: .fresh, &lanes.fresh)
                try await writer.write(.with { $0.frame = frame })
                machine.sent(through: record.sequence)
            }
        }
    }

    /// Sends a little of the backlog when its rate allows; what is new goes between.
    ///
    /// - Returns: when to go on; nil when there is no more to send now.
    private func sendBackfill(
        _ machine: inout AgentLinkMachine, _ lanes: inout Lanes, to writer: RPCWriter<Tocsin_V1_AgentMessage>
    ) async throws -> ContinuousClock.Instant? {
        guard let range = machine.backfillSendable() else { return nil }
        guard lanes.pacer.isReady(at: .now) else { return lanes.pacer.readyAt }
        let records = try await uplink.spool.read(range, recordsMax: readRecordsMax, bytesMax: backfillBytesMax)
        for record in records {
            let frame = try frame(record, on: .backfill, &lanes.backfill)
            try await writer.write(.with { $0.frame = frame })
            machine.backfilled(through: record.sequence)
            lanes.pacer.spend(frame.payloadBytes, at: .now)
        }
        return lanes.pacer.readyAt
    }

    private func frame(
        _ record: SpoolRecord, on lane: Tocsin_V1_Lane, _ blocks: inout BlockLane
    ) throws -> Tocsin_V1_Frame {
        try .with {
            $0.sequence = record.sequence
            $0.lane = lane
            switch record.entry.kind {
            case .sampleBlock: $0.sampleBlock = Data(blocks.block(spooled: record.entry.payload))
            case .edgeBatch: $0.edgeBatch = try Tocsin_V1_EdgeBatch(serializedBytes: record.entry.payload)
            }
        }
    }

    /// The probes have ended by now: what they held can be given to others at once.
    ///
    /// What is unsent stays in the spool for the next start; with the pod's own folder it goes, and the coordinator
    /// then knows what was in it.
    private func sayGoodbye(
        unsent: [ClosedRange<UInt64>], to writer: RPCWriter<Tocsin_V1_AgentMessage>
    ) async throws {
        var heartbeat = await uplink.vitals().heartbeat
        heartbeat.holding = []
        heartbeat.leaving = true
        if let waiting = await uplink.spool.measure(unsent) { heartbeat.unsent = waiting.proto }
        try await writer.write(.with { $0.heartbeat = heartbeat })
    }

    private func report(
        _ reporter: inout TargetReporter, withHeartbeat: Bool, to writer: RPCWriter<Tocsin_V1_AgentMessage>
    ) async throws {
        let vitals = await uplink.vitals()
        if let report = reporter.report(
            vitals.statuses, held: Set(vitals.heartbeat.holding.map(\.target)), at: .now)
        {
            try await writer.write(.with { $0.targetReport = report })
        }
        guard withHeartbeat else { return }
        var heartbeat = vitals.heartbeat
        heartbeat.targetAgeDeciseconds = reporter.ages(
            vitals.statuses, at: Timestamp(millis: heartbeat.sentAtMillis))
        try await writer.write(.with { $0.heartbeat = heartbeat })
    }
}

extension Tocsin_V1_Frame {
    /// Bytes of the payload, as the backlog's rate counts them.
    fileprivate var payloadBytes: Int {
        switch payload {
        case .sampleBlock(let block): block.count
        case .edgeBatch(let batch): (try? batch.serializedBytes() as [UInt8])?.count ?? 0
        case nil: 0
        }
    }
}
