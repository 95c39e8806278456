import Dispatch
package import SQLiteFile
import Synchronization
package import Telemetry

/// When frames and chunks are rewritten.
package struct CompactionPolicy: Sendable {
    /// Frames wait so long before they are compacted, unless there are `framesMax` of them.
    ///
    /// A query for one series decodes what its agent sent and is not compacted. Default 10 minutes, the length of a
    /// chain of 60 blocks every 10 s.
    package var frameAge: Duration = .seconds(600)
    /// Default 600.
    package var framesMax = 600
    /// A window's chunks are merged when it ended so long ago and no chunk was added to it for as long.
    ///
    /// Default 15 minutes.
    package var windowAge: Duration = .seconds(900)

    /// The defaults.
    package init() {}

    /// Everything at once, for measurements and tests.
    package static var immediate: CompactionPolicy {
        var policy = CompactionPolicy()
        policy.frameAge = .zero
        policy.framesMax = 1
        policy.windowAge = .zero
        return policy
    }
}

/// What compaction did.
package struct CompactionReport: Sendable, Equatable {
    /// Frames turned into chunks.
    package var frames = 0
    /// Samples written into chunks, merging included.
    package var samples = 0
    /// Chunks written.
    package var chunks = 0
    /// Chunks merged into others.
    package var merged = 0
    /// Frames and chunks that could not be read: set aside, and their time noted as a gap.
    package var damaged = 0

    /// Makes a report of nothing.
    package init() {}

    /// Whether there was anything to do.
    package var isIdle: Bool { frames == 0 && merged == 0 && damaged == 0 }

    /// Adds what another step did.
    package mutating func add(_ other: CompactionReport) {
        frames += other.frames
        samples += other.samples
        chunks += other.chunks
        merged += other.merged
        damaged += other.damaged
    }
}

/// The one thread that rewrites what is stored, and what it remembers between steps.
final class Compactor: Sendable {
    /// Windows in which nothing is to be merged until a chunk is added.
    let settled = Mutex<Set<Int64>>([])

    private let queue = DispatchQueue(label: "tocsin.compaction", qos: .utility)

    /// Runs `body` on the thread.
    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            queue.async {
                do {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(StoreError(error)))
                }
            }
        }
        return try result.get()
    }
}

extension SampleStore {
    /// Does one step of compaction: the frames of one session, or else the chunks of some windows.
    ///
    /// A step reads and encodes beside the appends, and commits in one short transaction that removes what it replaces:
    /// a process that dies at any point leaves each sample exactly once. A step holds at most about a million samples.
    /// Call it again until the report is idle. Throws what the file throws; then nothing was changed.
    package func compactOnce(now: Timestamp, policy: CompactionPolicy) async throws(StoreError) -> CompactionReport {
        try await compactor.run { [self] in
            if let report = try compactFrames(now: now, policy: policy) { return report }
            return try mergeChunks(now: now, policy: policy)
        }
    }

    /// Compacts until nothing is left to do, or the task is cancelled.
    package func compact(now: Timestamp, policy: CompactionPolicy) async throws(StoreError) -> CompactionReport {
        var total = CompactionReport()
        while !Task.isCancelled {
            let step = try await compactOnce(now: now, policy: policy)
            if step.isIdle { break }
            total.add(step)
        }
        return total
    }
}
