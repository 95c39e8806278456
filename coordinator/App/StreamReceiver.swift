import Foundation
import IngestWire
import SampleCodec
import SampleLink
import Synchronization
import Telemetry
import TocsinProto

/// The receiving half of one agent's stream: judges each message, hands frames to the writer, never waits for the disk.
struct StreamReceiver {
    typealias Acknowledgements = AsyncThrowingStream<IngestSessionMachine.Acknowledgement, any Error>.Continuation

    /// The last word of an agent that ends.
    struct Farewell {
        /// What it could not deliver.
        var unsent: FrameLoss?
    }

    let service: IngestService
    let agent: FleetRegistry.AgentKey
    let stream: UInt64
    let session: StoreWriter.Session
    let ledger: StreamLedger
    let acknowledgements: Acknowledgements
    /// Answers to heartbeats; of several that wait the newest goes out.
    let answers: AsyncStream<TargetsAnswer>.Continuation
    private var farewell: Farewell?
    private var clock = ClockOffset()
    private var fresh: LaneDecoder
    private var backfill: LaneDecoder

    init(
        service: IngestService, agent: FleetRegistry.AgentKey, stream: UInt64, session: StoreWriter.Session,
        ledger: StreamLedger, helloSentAt: Timestamp, receivedAt: Timestamp, outlets: IngestService.Outlets
    ) {
        self.service = service
        self.agent = agent
        self.stream = stream
        self.session = session
        self.ledger = ledger
        acknowledgements = outlets.acknowledgements
        answers = outlets.answers
        fresh = LaneDecoder(
            limits: service.configuration.block, seriesMax: service.configuration.seriesPerAgentMax, stream: stream)
        backfill = fresh
        clock.observe(sentAt: helloSentAt, receivedAt: receivedAt)
    }

    /// What the agent said when it left, once.
    mutating func takeFarewell() -> Farewell? {
        defer { farewell = nil }
        return farewell
    }

    /// Takes one message.
    mutating func take(_ message: Tocsin_V1_AgentMessage) throws(WireError) {
        guard service.fleet.seen(agent, stream: stream, now: service.now()) else {
            throw WireError(.outOfOrder, "another stream speaks for this agent by now")
        }
        if let failure = ledger.failure { throw failure }
        switch message.message {
        case .hello:
            throw WireError(.outOfOrder, "a second hello")
        case .heartbeat(let heartbeat):
            clock.observe(sentAt: Timestamp(millis: heartbeat.sentAtMillis), receivedAt: service.now())
            service.fleet.heartbeat(heartbeat, of: agent)
            if heartbeat.leaving {
                farewell = Farewell(unsent: heartbeat.hasUnsent ? FrameLoss(heartbeat.unsent) : nil)
            }
            let limits = service.configuration.wire
            if let answer = try service.assignments.answer(heartbeat, of: agent, limits: limits) {
                answers.yield(answer)
            }
        case .targetReport(let report):
            let limits = service.configuration.wire
            let statuses = try report.decoded(limits: limits)
            service.fleet.targets(statuses, partial: report.partial, of: agent, targetsMax: limits.targetsMax)
            service.assignments.reported(statuses, by: agent)
        case .frame(let frame):
            try take(frame)
        case nil:
            // A message of a newer agent: ignored, as the contract says.
            break
        }
    }

    private mutating func take(_ frame: Tocsin_V1_Frame) throws(WireError) {
        let isBackfill = frame.lane == .backfill
        switch ledger.receive(frame.sequence, isBackfill: isBackfill) {
        case .duplicate:
            service.counters.add { $0.framesDuplicate += 1 }
            if isBackfill { backfill.passOver() } else { fresh.passOver() }
            acknowledgements.yield(ledger.acknowledgement)
            return
        case .gap(let expected):
            throw WireError(.gap, "frame \(frame.sequence) where \(expected) is due")
        case .beyondWindow(let limit):
            throw WireError(.tooLarge, "frame \(frame.sequence) is beyond the window, which ends at \(limit)")
        case .store:
            break
        }
        let limits = service.configuration.wire
        let refusedBefore = fresh.samplesRefused + backfill.samplesRefused
        let leftOutBefore = fresh.samplesLeftOut + backfill.samplesLeftOut
        let (service, agent) = (service, agent)
        let refusing: LaneDecoder.Refusal = { service.quota.refused($0, of: agent, now: service.now()) }
        let content: DecodedFrame
        do {
            content =
                try isBackfill
                ? DecodedFrame(frame, lane: &backfill, limits: limits, refusing: refusing)
                : DecodedFrame(frame, lane: &fresh, limits: limits, refusing: refusing)
        } catch {
            throw error.refusing(frame.sequence)
        }
        let refused = fresh.samplesRefused + backfill.samplesRefused - refusedBefore
        let leftOut = fresh.samplesLeftOut + backfill.samplesLeftOut - leftOutBefore
        if refused > 0 || leftOut > 0 {
            service.counters.add {
                $0.samplesRefused += refused
                $0.samplesLeftOut += leftOut
            }
        }
        let (admitted, hasStrangers) = service.assignments.admitted(content, from: agent, clockOffset: clock.value)
        let stored = stored(frame, hasStrangers: hasStrangers)
        let (chainStart, definitions) =
            isBackfill ? (backfill.chainStart, backfill.definitions) : (fresh.chainStart, fresh.definitions)
        let ledger = ledger
        let acknowledgements = acknowledgements
        service.writer.submit(
            StoreWriter.Entry(
                session: session, stream: stream, frame: stored, content: admitted, timeRange: content.timeRange,
                chainStart: chainStart, definitions: definitions, isBackfill: isBackfill,
                clockOffset: clock.value, receivedAt: service.now(),
                completion: { result in
                    switch ledger.ended(frame.sequence, result) {
                    case .success(let acknowledgement?): acknowledgements.yield(acknowledgement)
                    case .success(nil): break
                    case .failure(let error): acknowledgements.finish(throwing: error.rpcError)
                    }
                }))
    }
}

extension StreamReceiver {
    /// The frame as it is stored: without samples of targets that another agent owned.
    private mutating func stored(_ frame: Tocsin_V1_Frame, hasStrangers: Bool) -> Tocsin_V1_Frame {
        guard case .sampleBlock = frame.payload else { return frame }
        let (board, agent, offset) = (service.assignments, agent, clock.value)
        let filter: (([Sample]) -> [Sample])? =
            hasStrangers ? { board.owned($0, by: agent, clockOffset: offset) } : nil
        let rewritten =
            frame.lane == .backfill ? backfill.rewritten(keeping: filter) : fresh.rewritten(keeping: filter)
        guard let rewritten else { return frame }
        if rewritten.lost > 0 { service.counters.add { $0.samplesLost += UInt64(rewritten.lost) } }
        var frame = frame
        frame.payload = .sampleBlock(Data(rewritten.block))
        return frame
    }
}

/// What is accepted and what is durable of one stream; shared by the task that reads and the writer that stores.
final class StreamLedger: Sendable {
    private struct State {
        var machine: IngestSessionMachine
        var failure: WireError?
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>

    init(_ machine: IngestSessionMachine) {
        state = Mutex(State(machine: machine))
    }

    /// Why a frame did not become durable: the stream must end, since later frames build on it.
    var failure: WireError? { state.withLock { $0.failure } }

    func receive(_ sequence: UInt64, isBackfill: Bool) -> IngestSessionMachine.Decision {
        state.withLock { $0.machine.receive(sequence, isBackfill: isBackfill) }
    }

    /// What an acknowledgement says now.
    var acknowledgement: IngestSessionMachine.Acknowledgement { state.withLock { $0.machine.acknowledgement } }

    /// Notes what became of a frame; gives what to acknowledge, nil when nothing is new.
    func ended(
        _ sequence: UInt64, _ result: Result<UInt64, WireError>
    ) -> Result<IngestSessionMachine.Acknowledgement?, WireError> {
        let (outcome, waiter) = state.withLock {
            state -> (Result<IngestSessionMachine.Acknowledgement?, WireError>, CheckedContinuation<Void, Never>?) in
            let outcome: Result<IngestSessionMachine.Acknowledgement?, WireError>
            switch result {
            case .success: outcome = .success(state.machine.durable(through: sequence))
            case .failure(let error):
                state.failure = state.failure ?? error
                outcome = .failure(error)
            }
            guard state.machine.pending == 0 || state.failure != nil else { return (outcome, nil) }
            defer { state.waiter = nil }
            return (outcome, state.waiter)
        }
        waiter?.resume()
        return outcome
    }

    /// Returns when every accepted frame is durable, or when one has failed.
    func drained() async {
        await withCheckedContinuation { continuation in
            let atOnce = state.withLock { state -> Bool in
                guard state.machine.pending > 0, state.failure == nil else { return true }
                state.waiter = continuation
                return false
            }
            if atOnce { continuation.resume() }
        }
    }
}
