import CellCodec
import CellStore
import Detection
import Logging
import ServiceLifecycle
import Signals
import Synchronization
import Telemetry

/// Hands the cells that the detectors saw to the store, and never lets detection wait for it.
///
/// What finds no room is counted and becomes a gap; after it the detectors' state is stored anew, so that a replay goes
/// on as the live run did.
final class CellRecorder: Service {
    /// Cells that wait at most; about 300 B each.
    static let cellsMax = 250_000
    /// The detectors' state is stored again after it.
    private static let anchorEvery = Duration.seconds(86_400)
    private static let interval = Duration.seconds(1)

    private struct Waiting {
        var inputs: [CellWriter.Input] = []
        /// Cells in them.
        var cells = 0
        /// What found no room since the last input.
        var dropped: (from: Timestamp, to: Timestamp, cells: Int)?
        /// Why the detectors' state is wanted; nil when it is not.
        var wanted: StoredRecord.Reason? = .start
        var anchoredAt: Timestamp?
    }

    private let writer: CellWriter
    private let counters: CounterBoard
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let cellsMax: Int
    private let waiting: Mutex<Waiting>

    /// - Parameter stoppedAt: the end of what is stored; nil when that is nothing.
    init(
        writer: CellWriter, stoppedAt: Timestamp?, cellsMax: Int = CellRecorder.cellsMax, counters: CounterBoard,
        logger: Logger, now: @escaping @Sendable () -> Timestamp
    ) {
        self.writer = writer
        self.cellsMax = cellsMax
        self.counters = counters
        self.logger = logger
        self.now = now
        var first = Waiting()
        if let stoppedAt {
            first.inputs = [.gap(from: stoppedAt, to: now(), cells: 0, reason: "the coordinator was not running")]
        }
        waiting = Mutex(first)
    }

    /// Asks for the detectors' state: others thresholds are in force.
    func noteThresholds() {
        waiting.withLock { $0.wanted = .thresholds }
    }

    /// Takes the cells of a core, and its detectors' state where that is wanted; waits for nothing.
    func take(_ core: inout DetectionCore, at now: Timestamp) {
        let tape = core.takeCells()
        waiting.withLock { waiting in
            put(tape, into: &waiting, at: now)
            if waiting.wanted == nil, let last = waiting.anchoredAt, now - last >= Self.anchorEvery {
                waiting.wanted = .day
            }
            guard let reason = waiting.wanted, waiting.dropped == nil else { return }
            waiting.wanted = nil
            waiting.anchoredAt = now
            waiting.inputs.append(.anchor(core.bank, at: now, reason: reason))
        }
    }

    private func put(_ tape: CellTape, into waiting: inout Waiting, at now: Timestamp) {
        guard !tape.isEmpty else { return }
        let room = cellsMax - waiting.cells
        // Once full it takes no more until half of it is free: one gap and not many.
        guard waiting.dropped == nil ? tape.points.count <= room : waiting.cells <= cellsMax / 2 else {
            let known = waiting.dropped ?? (now, now, 0)
            waiting.dropped = (known.from, max(known.to, now), known.cells + tape.points.count)
            return
        }
        if let dropped = waiting.dropped {
            // Of this tape on the state would be another than the stored one: the cells of it are left out too.
            waiting.inputs.append(
                .gap(
                    from: dropped.from, to: now, cells: dropped.cells + tape.points.count,
                    reason: "the store could not keep up"))
            waiting.dropped = nil
            waiting.wanted = .gap
            return
        }
        waiting.cells += tape.points.count
        waiting.inputs.append(.tape(tape))
    }

    private func drained() -> [CellWriter.Input] {
        waiting.withLock { waiting in
            defer { (waiting.inputs, waiting.cells) = ([], 0) }
            return waiting.inputs
        }
    }

    func run() async throws {
        await withTaskExecutorPreference(ListenerLoop.shared) {
            await cancelWhenGracefulShutdown {
                while !Task.isCancelled {
                    do {
                        try await ListenerLoop.shared.sleep(for: Self.interval)
                    } catch {
                        return
                    }
                    await self.store(isLast: false)
                }
            }
        }
        await store(isLast: true)
    }

    /// Stores what waits; all of it where this is the end, or where somebody is to read it.
    func store(isLast: Bool) async {
        let outcome = await writer.take(from: { self.drained() }, now: now(), isLast: isLast)
        counters.add {
            $0.cellsStored += UInt64(outcome.cells)
            $0.cellsLost += UInt64(outcome.cellsLost)
            $0.cellBytesStored += UInt64(outcome.bytes)
            $0.cellStoreFailures += outcome.failure == nil ? 0 : 1
            $0.cellSubjectsLeftOut += UInt64(outcome.subjectsLeftOut)
        }
        if let path = outcome.setAside {
            counters.add { $0.databasesSetAside[.cells, default: 0] += 1 }
            logger.error("the store of cells was damaged and set aside", metadata: ["path": "\(path)"])
        }
        if outcome.subjectsLeftOut > 0 {
            logger.warning(
                "not all detectors' state is stored with the cells; a replay knows nothing of some subjects' past",
                metadata: ["leftOut": "\(outcome.subjectsLeftOut)"])
        }
        guard let failure = outcome.failure else { return }
        waiting.withLock { $0.wanted = $0.wanted ?? .gap }
        logger.error(
            "cells are not stored; a replay will show a gap",
            metadata: ["cells": "\(outcome.cellsLost)", "reason": "\(failure)"])
    }
}
