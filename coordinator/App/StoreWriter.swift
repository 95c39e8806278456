import Foundation
import IngestWire
import Logging
import NIOCore
import SQLiteFile
import SampleLink
import SampleStore
import ServiceLifecycle
import Synchronization
import Telemetry
import TocsinProto

/// The one writer of the sample store: all frames that wait go into one transaction, so that many agents share one
/// fsync.
///
/// A transaction begins a moment after the first frame that waits for it, and a while after the one before, so that
/// frames of a burst, as agents with one interval send them, share it, and many agents' spread frames do too. Edges
/// wait for neither, nor does a backlog.
///
/// What is durable goes to the pipeline first and is acknowledged then. What cannot be stored, since the disk is full
/// for example, goes to the pipeline all the same and is not acknowledged. The queue's bound is the sum of the streams'
/// ack windows, which the streams enforce.
final class StoreWriter: Service {
    /// Who numbered a frame.
    struct Session: Hashable, Sendable {
        var agent: FleetRegistry.AgentKey
        var id: [UInt8]

        var key: SessionKey { SessionKey(cluster: agent.cluster, node: agent.node, session: id) }
    }

    /// A frame on its way to the disk.
    struct Entry: Sendable {
        var session: Session
        /// Number of the agent's stream that it came on, higher for a later one; nil for a frame of our own, which
        /// builds on no other.
        var stream: UInt64?
        var frame: Tocsin_V1_Frame
        /// What counts of the payload.
        var content: DecodedFrame
        /// Times of all that the payload holds; nil when it is empty.
        var timeRange: ClosedRange<Timestamp>?
        /// Sequence of the frame that starts the chain which a sample block belongs to; nil when it stands alone.
        var chainStart: UInt64?
        /// The series that a sample block defines; nil when that is not known.
        var definitions: SeriesList?
        /// Data of an outage, after newer data that detection has seen.
        var isBackfill: Bool
        var clockOffset: Duration
        var receivedAt: Timestamp
        /// Called once: with the session's durable sequence, or with why the frame is not durable.
        var completion: @Sendable (Result<UInt64, WireError>) -> Void
    }

    private struct Queue {
        var entries: [Entry] = []
        var isClosed = false
        var submitted: UInt64 = 0
        var finished: UInt64 = 0
        /// Those who wait until so many entries are finished.
        var barriers: [(count: UInt64, continuation: CheckedContinuation<Void, Never>)] = []
        /// Frames of a backlog among the entries.
        var backfill = 0
        /// When the last transaction began.
        var begunAt: ContinuousClock.Instant?
        /// When the writer is woken next, if nothing wakes it before.
        var alarm: (at: ContinuousClock.Instant, scheduled: Scheduled<Void>)?
    }

    /// Frames in one transaction, so that a backlog doesn't hold the writer for seconds.
    private let batchFramesMax = 512
    /// From the first frame that waits to its transaction: what a fleet takes to send that begins at once.
    private static let gatherFor: Duration = .milliseconds(20)
    /// From one transaction to the next: little beside the interval of a probe.
    ///
    /// What a transaction costs hardly depends on how many frames are in it.
    private static let apart: Duration = .milliseconds(100)
    /// Frames that are enough for a transaction.
    private static let gatheredMax = 128
    /// The same of a backlog: half of an agent's window, which it could not fill while these wait.
    private static let backfillGatheredMax = 16
    /// From what we observed ourselves, and from an outage, to the next look.
    private static let lookAfter: Duration = .milliseconds(500)
    /// What it runs on: that of the streams, which hand it frames and wait for its answers.
    private let loop = ListenerLoop.shared
    private let store: SampleStore
    private let pipeline: Pipeline
    private let counters: CounterBoard
    private let health: StoreHealth
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let outage = Mutex(StorageOutage())
    private let queue = Mutex(Queue())
    private let wake = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    init(
        store: SampleStore, pipeline: Pipeline, counters: CounterBoard, health: StoreHealth, logger: Logger,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.store = store
        self.pipeline = pipeline
        self.counters = counters
        self.health = health
        self.logger = logger
        self.now = now
    }

    /// Opens a session: what the spool no longer holds is recorded as lost; while nothing can be written, at a later
    /// opening.
    ///
    /// Returns what is durable of the session.
    func open(
        _ session: Session, hello: AgentHello, at now: Timestamp
    ) async throws(StoreError) -> SampleStore.DurableSequences {
        finish(outage.withLock { $0.release(session) })
        let opening = SessionOpening(
            firstSequence: hello.firstSequence, heldFrom: hello.heldFrom, losses: hello.losses,
            continues: hello.continues)
        do {
            return try await open(session, opening, at: now)
        } catch {
            guard Self.isOutage(error) else { throw error }
            note(error)
            guard error.code == .corrupt else { return try await store.durableSequences(of: session.key) }
        }
        // Nobody gets in while the file cannot say what is durable: no later append would find the damage.
        await replaceDamagedFile()
        return try await open(session, opening, at: now)
    }

    private func open(
        _ session: Session, _ opening: SessionOpening, at now: Timestamp
    ) async throws(StoreError) -> SampleStore.DurableSequences {
        let opened = try await store.openSession(session.key, opening, at: now)
        for loss in opened.losses { tell(loss, of: session.agent) }
        return opened.durable
    }

    /// Notes what an agent that ends could not deliver; nil when it delivered all.
    func end(_ session: Session, unsent: FrameLoss?) async {
        do {
            try await store.endSession(session.key, unsent: unsent)
        } catch {
            // A spool that does not come back then counts as one that ended without a word.
            if Self.isOutage(error) { note(error) }
        }
    }

    private func tell(_ loss: NotedLoss, of agent: FleetRegistry.AgentKey) {
        counters.add { $0.samplesLost &+= loss.samples }
        logger.error(
            "samples of an agent are lost",
            metadata: [
                "node": "\(agent.node)", "cluster": "\(agent.cluster)", "samples": "\(loss.samples)",
                "from": "\(loss.times?.lowerBound.rfc3339 ?? "")", "to": "\(loss.times?.upperBound.rfc3339 ?? "")",
                "reason": "\(loss.reason)",
            ])
    }

    /// Puts a frame into the queue; its completion is called when its fate is known.
    func submit(_ entry: Entry) {
        let due = queue.withLock { queue -> Duration? in
            guard !queue.isClosed else { return nil }
            queue.entries.append(entry)
            queue.submitted += 1
            if entry.isBackfill { queue.backfill += 1 }
            if entry.content.edgeCount > 0 || queue.entries.count >= Self.gatheredMax
                || queue.backfill >= Self.backfillGatheredMax
            {
                return .zero
            }
            // What we observed ourselves goes with what agents send next, or by itself: no transaction of its own for
            // a handful of samples.
            guard entry.stream != nil else { return Self.lookAfter }
            return max(Self.gatherFor, queue.begunAt.map { $0 + Self.apart - .now } ?? .zero)
        }
        if let due {
            wake(within: due)
        } else {
            entry.completion(.failure(WireError(.storage, "the coordinator is stopping")))
        }
    }

    /// Has the writer look at what waits: now, or when the time is over.
    private func wake(within time: Duration) {
        guard time > .zero else {
            wake.continuation.yield()
            return
        }
        let at = ContinuousClock.now + time
        queue.withLock { queue in
            if let alarm = queue.alarm {
                guard at < alarm.at else { return }
                alarm.scheduled.cancel()
            }
            queue.alarm = (at, loop.schedule(in: time) { self.wake.continuation.yield() })
        }
    }

    /// Frames whose fate is known, and whether others wait for theirs.
    var progress: (finished: UInt64, hasWaiting: Bool) {
        queue.withLock { ($0.finished, $0.submitted > $0.finished) }
    }

    /// Returns when all that was submitted before is stored or refused.
    func barrier() async {
        await withCheckedContinuation { continuation in
            let isPassed = queue.withLock { queue -> Bool in
                guard queue.finished < queue.submitted else { return true }
                queue.barriers.append((queue.submitted, continuation))
                return false
            }
            if isPassed { continuation.resume() } else { wake.continuation.yield() }
        }
    }

    func run() async throws {
        await withTaskExecutorPreference(loop) { await writeUntilClosed() }
    }

    private func writeUntilClosed() async {
        await withGracefulShutdownHandler {
            for await _ in wake.stream { await writeAll() }
        } onGracefulShutdown: {
            self.queue.withLock { $0.isClosed = true }
            self.wake.continuation.finish()
        }
        await writeAll()
    }

    private func writeAll() async {
        finish(outage.withLock { $0.release(at: .now) })
        while true {
            let batch = queue.withLock { queue -> [Entry] in
                queue.alarm?.scheduled.cancel()
                queue.alarm = nil
                let batch = Array(queue.entries.prefix(batchFramesMax))
                queue.entries.removeFirst(batch.count)
                queue.backfill = queue.entries.count { $0.isBackfill }
                if !batch.isEmpty { queue.begunAt = .now }
                return batch
            }
            if batch.isEmpty { break }
            await write(batch)
            let passed = queue.withLock { queue in
                queue.finished += UInt64(batch.count)
                let passed = queue.barriers.filter { $0.count <= queue.finished }
                queue.barriers.removeAll { $0.count <= queue.finished }
                return passed
            }
            for barrier in passed { barrier.continuation.resume() }
            if batch.count < batchFramesMax { break }
        }
        if outage.withLock({ $0.hasParked }) { wake(within: Self.lookAfter) }
    }

    private func write(_ batch: [Entry]) async {
        let (storable, hopeless) = outage.withLock { outage in
            (batch.filter { !outage.isHopeless($0) }, batch.filter { outage.isHopeless($0) })
        }
        await deliver(hopeless, isStored: false)
        guard !storable.isEmpty else { return }
        let result: SampleStore.AppendResult
        do {
            var frames: [IncomingFrame] = []
            frames.reserveCapacity(storable.count)
            for entry in storable { frames.append(try IncomingFrame(entry)) }
            result = try await store.append(frames)
        } catch let error as StoreError where Self.isOutage(error) {
            note(error)
            if error.code == .corrupt { await replaceDamagedFile() }
            return await deliver(storable, isStored: false)
        } catch {
            counters.add { $0.storeFailures += 1 }
            logger.error("frames not stored", metadata: ["frames": "\(storable.count)", "reason": "\(error)"])
            for entry in storable { entry.completion(.failure(WireError(.storage, "not stored: \(error)"))) }
            return
        }
        noteSuccess()
        count(storable, result)
        await deliver(storable, isStored: true)
        for entry in storable {
            let durable = result.durable[entry.session.key] ?? entry.frame.sequence
            outage.withLock { $0.durable(entry.session, through: durable) }
            entry.completion(.success(durable))
        }
    }

    /// Hands frames to the pipeline; those that are not stored wait for the end of their stream.
    private func deliver(_ entries: [Entry], isStored: Bool) async {
        let judged = outage.withLock { outage in
            entries.filter { entry in
                // A cell does not open again: samples of an outage are history. Edges count, whenever they come.
                let isHistory = entry.isBackfill && entry.content.edgeCount == 0
                return !isHistory && outage.judge(entry, isStored: isStored)
            }
        }
        await pipeline.deliver(
            judged.map {
                Pipeline.Delivery(agent: $0.session.agent, clockOffset: $0.clockOffset, content: $0.content)
            })
        guard !isStored else { return }
        if !judged.isEmpty { counters.add { $0.framesJudgedUnstored += UInt64(judged.count) } }
        outage.withLock { outage in
            for entry in entries { outage.park(entry, at: .now) }
        }
    }

    private func finish(_ parked: [Entry]) {
        guard !parked.isEmpty else { return }
        let reason = health.fault?.reason ?? "it could not be stored; connect again"
        for entry in parked { entry.completion(.failure(WireError(.storage, reason))) }
    }

    /// Whether trying again later can help: the disk, not the frame, is at fault.
    private static func isOutage(_ error: StoreError) -> Bool {
        switch error.code {
        case .full, .io, .busy, .corrupt, .other: true
        case .conflict, .newerSchema, .invalid, .tooLarge: false
        }
    }

    private func note(_ error: StoreError) {
        counters.add { $0.storeFailures += 1 }
        guard health.failed("\(error)", at: now()) else { return }
        logger.error(
            "samples cannot be stored: they are judged, stay with their agents, and are stored when that works again",
            metadata: ["reason": "\(error)"])
    }

    private func replaceDamagedFile() async {
        do {
            let path = try await store.replaceDamagedFile(now: now())
            counters.add { $0.databasesSetAside[.samples, default: 0] += 1 }
            logger.error(
                "the sample store was damaged and set aside; a new one is begun", metadata: ["path": "\(path)"])
        } catch {
            logger.error("the damaged sample store could not be set aside", metadata: ["reason": "\(error)"])
        }
    }

    private func noteSuccess() {
        guard let fault = health.worked() else { return }
        logger.notice(
            "samples are stored again", metadata: ["since": "\(fault.since.seconds)", "reason": "\(fault.reason)"])
    }

    private func count(_ batch: [Entry], _ result: SampleStore.AppendResult) {
        counters.add { counters in
            counters.commits += 1
            // Frames of our own are no sign that agents get through, which is what the heartbeat tells by these.
            let own = batch.count { $0.session.agent.node == SessionKey.ownNode }
            counters.framesStored += UInt64(max(0, result.stored - own))
            counters.framesDuplicate += UInt64(result.duplicates)
            for entry in batch {
                if entry.session.agent.node != SessionKey.ownNode {
                    counters.samplesStored += UInt64(entry.content.sampleCount)
                }
                counters.edgesStored += UInt64(entry.content.edgeCount)
                if entry.isBackfill { counters.samplesBackfilled += UInt64(entry.content.sampleCount) }
            }
        }
    }
}

extension IncomingFrame {
    fileprivate init(_ entry: StoreWriter.Entry) throws {
        let range = entry.timeRange ?? entry.receivedAt...entry.receivedAt
        switch (entry.frame.payload, entry.content) {
        case (.sampleBlock(let block), _):
            try self.init(
                key: entry.session.key, sequence: entry.frame.sequence, kind: .sampleBlock, from: range.lowerBound,
                to: range.upperBound, receivedAt: entry.receivedAt, payload: [UInt8](block),
                chainStart: entry.chainStart)
            definitions = entry.definitions
        case (_, .edges(let edges)):
            try self.init(
                key: entry.session.key, sequence: entry.frame.sequence, kind: .edgeBatch, from: range.lowerBound,
                to: range.upperBound, receivedAt: entry.receivedAt, payload: [], edges: edges)
        default:
            throw WireError(.invalidField, "frame \(entry.frame.sequence) has no payload")
        }
        isBackfill = entry.isBackfill
        clockOffset = entry.clockOffset
    }
}
