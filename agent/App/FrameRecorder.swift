import IngestWire
import Logging
import Probing
import SampleCodec
import SegmentSpool
import ServiceLifecycle
import SwiftProtobuf
import Synchronization
import Telemetry
import TocsinProto

/// Turns what the probes find into frames on the disk.
///
/// Results of a fraction of the interval share one sample block; edges and looks that find new errors are written at
/// once, since somebody may be paged by them. Probing never waits for it: the runner's buffer drops the oldest result,
/// and counts it, when this falls behind.
final class FrameRecorder: Service {
    /// What was recorded and dropped since the start.
    struct Counters: Hashable, Sendable {
        var samples: UInt64 = 0
        var edges: UInt64 = 0
        var samplesRefused: UInt64 = 0
        var edgesRefused: UInt64 = 0
    }

    private struct Pending {
        var samples: [Sample] = []
        var edges: [Edge] = []
        var counters = Counters()

        /// The oldest edges go first, and are counted.
        mutating func boundEdges(to limit: Int) {
            guard edges.count > limit else { return }
            counters.edgesRefused += UInt64(edges.count - limit)
            edges.removeFirst(edges.count - limit)
        }
    }

    private let results: AsyncStream<ProbeResult>
    private let spool: SpoolKeeper
    private let inbox: UplinkInbox
    private let flushInterval: Duration
    private let logger: Logger
    private let encoder = SampleBlockEncoder()
    private let pending = Mutex(Pending())
    private let wake = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    /// Samples that wait for a slow disk; beyond, the oldest go and are counted.
    ///
    /// One that takes no writes holds up nothing: the spool keeps them in memory.
    private let pendingSamplesMax = 400_000
    private let pendingEdgesMax = 20_000

    init(
        results: AsyncStream<ProbeResult>, spool: SpoolKeeper, inbox: UplinkInbox, flushInterval: Duration,
        logger: Logger
    ) {
        self.results = results
        self.spool = spool
        self.inbox = inbox
        self.flushInterval = flushInterval
        self.logger = logger
    }

    var counters: Counters { pending.withLock { $0.counters } }

    func run() async throws {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.collect() }
            group.addTask {
                while !Task.isCancelled {
                    do {
                        try await Task.sleep(for: self.flushInterval)
                    } catch {
                        return
                    }
                    self.wake.continuation.yield()
                }
            }
            for await _ in wake.stream { await flush() }
            await flush()
            group.cancelAll()
            // The runner ends first, and with it the results; a service that returns before it is told to would fail
            // the group.
            try? await gracefulShutdown()
        }
    }

    /// Takes results until the runner ends, which it does at shutdown after its last probe.
    private func collect() async {
        for await result in results {
            let isUrgent = result.isUrgent
            pending.withLock { pending in
                pending.samples += result.report.samples
                pending.edges += result.report.edges
                if pending.samples.count > pendingSamplesMax {
                    let excess = pending.samples.count - pendingSamplesMax
                    pending.samples.removeFirst(excess)
                    pending.counters.samplesRefused += UInt64(excess)
                }
                pending.boundEdges(to: pendingEdgesMax)
            }
            inbox.targetsChanged()
            if isUrgent { wake.continuation.yield() }
        }
        wake.continuation.finish()
    }

    private func flush() async {
        let (samples, edges) = pending.withLock { pending in
            defer {
                pending.samples = []
                pending.edges = []
            }
            return (pending.samples, pending.edges)
        }
        if !edges.isEmpty { await record(edges) }
        if !samples.isEmpty { await record(samples) }
    }

    /// Puts samples into the spool; what it refuses is counted.
    ///
    /// It keeps in memory what a disk does not take.
    func record(_ samples: [Sample]) async {
        let batch = encoder.encodeAll(samples)
        var written = 0
        for block in batch.blocks {
            do {
                let header = try SampleBlockHeader.read(block)
                inbox.appended(
                    through: try await spool.append(
                        kind: .sampleBlock, sampleCount: header.sampleCount, from: header.minTime, to: header.maxTime,
                        payload: block))
                written += header.sampleCount
            } catch {
                logger.error("samples not spooled", metadata: ["reason": "\(error)"])
            }
        }
        let refused = samples.count - written
        pending.withLock { pending in
            pending.counters.samples += UInt64(written)
            pending.counters.samplesRefused += UInt64(refused)
        }
    }

    /// Puts edges into the spool; what it refuses for the moment comes with the next flush.
    func record(_ edges: [Edge]) async {
        let divided = EdgeBatches(edges)
        if divided.refused > 0 {
            logger.error("edges beyond the wire's limits are left out", metadata: ["edges": "\(divided.refused)"])
            pending.withLock { $0.counters.edgesRefused += UInt64(divided.refused) }
        }
        for (index, batch) in divided.batches.enumerated() {
            do {
                let bytes: [UInt8] = try Tocsin_V1_EdgeBatch(batch).serializedBytes()
                let times = batch.map(\.at)
                inbox.appended(
                    through: try await spool.append(
                        kind: .edgeBatch, sampleCount: 0, from: times.min() ?? Timestamp(millis: 0),
                        to: times.max() ?? Timestamp(millis: 0), payload: bytes))
                pending.withLock { $0.counters.edges += UInt64(batch.count) }
            } catch {
                // Edges are few and matter: they wait for the next flush.
                let kept = divided.batches[index...].flatMap { $0 }
                pending.withLock { pending in
                    pending.edges = kept + pending.edges
                    pending.boundEdges(to: pendingEdgesMax)
                }
                logger.error("edges not spooled; kept in memory", metadata: ["reason": "\(error)"])
                return
            }
        }
    }
}
