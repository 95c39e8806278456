import BlockingWork
package import CellCodec
package import Detection
import SQLiteFile
package import Telemetry

/// Makes blocks of what a live bank was given, and stores them, on a queue of its own.
package actor CellWriter {
    /// What there is to store, in its order.
    package enum Input: Sendable {
        /// What the bank was given.
        case tape(CellTape)
        /// The bank as it is before what follows.
        case anchor(DetectorBank, at: Timestamp, reason: StoredRecord.Reason)
        /// What could not be taken.
        case gap(from: Timestamp, to: Timestamp, cells: Int, reason: String)
    }

    /// What came of it.
    package struct Outcome: Sendable, Equatable {
        /// Cells that are on the disk.
        package var cells = 0
        /// Cells that are not, and never will be.
        package var cellsLost = 0
        /// Of them, cells that the form has no place for.
        package var cellsRefused = 0
        /// Bytes of blocks and states on the disk.
        package var bytes = 0
        /// Blocks on the disk.
        package var blocks = 0
        /// Subjects that found no room in a state of the detectors.
        package var subjectsLeftOut = 0
        /// Why something is not on the disk; nil when all is.
        package var failure: String?
        /// Where a damaged file was set aside.
        package var setAside: String?
    }

    /// When a block is stored.
    package struct Configuration: Sendable, Hashable {
        /// After which what there is becomes a block: what a crash loses.
        package var interval: Duration
        /// Cells of which a block is made at once.
        package var points: Int
        /// Bytes of which a block is made at once, before they are deflated.
        package var bytes: Int
        /// Blocks of a chain; a damaged one costs the rest of its chain.
        package var chainBlocks: Int

        /// Makes a configuration.
        package init(
            interval: Duration = .seconds(60), points: Int = 200_000, bytes: Int = 4 << 20, chainBlocks: Int = 60
        ) {
            self.interval = interval
            self.points = points
            self.bytes = bytes
            self.chainBlocks = chainBlocks
        }
    }

    private let store: CellStore
    private let configuration: Configuration
    private let executor = QueueExecutor(label: "tocsin.cells")
    private var encoder = CellBlockEncoder()
    /// When the oldest cell that is not in a block was taken.
    private var pendingSince: Timestamp?
    /// What is not on the disk although it should be.
    private var missing: (from: Timestamp, to: Timestamp, cells: Int, reason: String)?
    private var outcome = Outcome()

    /// The queue.
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Makes a writer of a store, which nobody else must write.
    package init(_ store: CellStore, configuration: Configuration = Configuration()) {
        self.store = store
        self.configuration = configuration
    }

    /// Takes what there is; makes and stores a block when it is time, or when this is the end.
    package func take(_ inputs: [Input], now: Timestamp, isLast: Bool = false) -> Outcome {
        take(from: { inputs }, now: now, isLast: isLast)
    }

    /// The same with what is given when its turn comes, so that callers cannot overtake each other.
    package func take(from source: @Sendable () -> [Input], now: Timestamp, isLast: Bool) -> Outcome {
        outcome = Outcome()
        let inputs = source()
        for input in inputs {
            switch input {
            case .tape(let tape): take(tape, now: now)
            case .anchor(let bank, let time, let reason):
                flush()
                let image = DetectorImage.encode(bank)
                outcome.subjectsLeftOut += image.leftOut
                encoder.startChain()
                store([.anchor(image.body, at: time, reason: reason)], cells: 0, from: time, to: time)
            case .gap(let from, let to, let cells, let reason):
                flush()
                encoder.startChain()
                outcome.cellsLost += cells
                store([.gap(from: from, to: to, cells: cells, because: reason)], cells: 0, from: from, to: to)
            }
        }
        let isDue = pendingSince.map { now - $0 >= configuration.interval || now < $0 } ?? false
        if isDue || isLast { flush() }
        return outcome
    }

    private func take(_ tape: CellTape, now: Timestamp) {
        guard !tape.isEmpty else { return }
        let refused = encoder.append(tape)
        outcome.cellsRefused += refused
        outcome.cellsLost += refused
        if pendingSince == nil { pendingSince = now }
        if encoder.pendingPoints >= configuration.points || encoder.pendingBytes >= configuration.bytes { flush() }
    }

    /// Stores what is pending as a block.
    private func flush() {
        pendingSince = nil
        if encoder.blocks >= configuration.chainBlocks || encoder.isFull {
            // What is pending was written on the chain's state: the chain ends with it.
            seal()
            encoder.startChain()
        } else {
            seal()
        }
    }

    private func seal() {
        let startsChain = encoder.blocks == 0
        let cells = encoder.pendingPoints
        guard let block = encoder.seal() else { return }
        do {
            let header = try CellBlockHeader(of: block)
            store(
                [.block(block, startsChain: startsChain, from: header.from, to: header.to, cells: cells)],
                cells: cells, from: header.from, to: header.to)
        } catch {
            // Beyond the limits of a reader: nobody could read it.
            encoder.startChain()
            outcome.cellsLost += cells
            outcome.failure = "\(error)"
        }
    }

    private func store(_ records: [StoredRecord], cells: Int, from: Timestamp, to: Timestamp) {
        var records = records
        if let missing {
            records.insert(
                .gap(from: missing.from, to: missing.to, cells: missing.cells, because: missing.reason), at: 0)
        }
        do throws(StoreError) {
            try store.append(records)
            missing = nil
            outcome.cells += cells
            outcome.blocks += records.count { $0.kind == .block }
            outcome.bytes += records.reduce(0) { $0 + $1.body.count }
        } catch {
            // A reader could not go on without the block: the next one stands alone.
            encoder.startChain()
            outcome.cellsLost += cells
            outcome.failure = "\(error)"
            let known = missing ?? (from, to, 0, "\(error)")
            missing = (min(known.from, from), max(known.to, to), known.cells + cells, known.reason)
            guard error.code == .corrupt else { return }
            do {
                outcome.setAside = try store.replaceDamagedFile()
            } catch {
                outcome.failure = "\(error)"
            }
        }
    }
}
