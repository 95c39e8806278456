import BlockingWork
package import CellCodec
package import Detection
package import SQLiteFile
package import Telemetry

/// Gives stored cells to detectors as they were given to the live ones, on a queue of its own.
///
/// With the checks that were in force the findings are those of the live run, in the same order, with all that they
/// say: it begins with the state that the live detectors had at some earlier time, and looks for what is gone when they
/// did.
package actor CellReplay {
    /// What a replay is of.
    package struct Request: Sendable {
        /// Findings from here on are given out.
        package var from: Timestamp
        /// And until here.
        package var to: Timestamp
        /// What is read before, so that windows are full when the range begins.
        package var lead: Duration
        /// The checks of each subject.
        package var checks: DetectorBank.ChecksOfSubject
        /// Whether these are other checks than the live ones: after a gap the replay goes on with what it knew before
        /// it, and not with what the live run knew.
        package var isOther: Bool

        /// Makes a request.
        package init(
            from: Timestamp, to: Timestamp, lead: Duration, isOther: Bool,
            checks: @escaping DetectorBank.ChecksOfSubject
        ) {
            self.from = from
            self.to = to
            self.lead = lead
            self.isOther = isOther
            self.checks = checks
        }
    }

    /// A stretch of which not all cells are stored.
    package struct Gap: Sendable, Hashable {
        /// From when on.
        package var from: Timestamp
        /// Until when.
        package var to: Timestamp
        /// How many; 0: not known.
        package var cells: Int
        /// Why, in words.
        package var reason: String
    }

    /// What was read.
    package struct Summary: Sendable, Hashable {
        /// Where the cells that were read begin; nil when there were none.
        package var startedAt: Timestamp?
        /// Whether the detectors began with the state of the live ones.
        package var hasState = false
        /// Cells given to the detectors.
        package var cells = 0
        /// What is missing, in the order of the store; at most `gapsMax`.
        package var gaps: [Gap] = []
        /// When other thresholds were put in force in the live run.
        package var thresholdsChangedAt: [Timestamp] = []
    }

    /// Bound of the summary's lists.
    package static let gapsMax = 1000

    private let store: CellStore
    private let request: Request
    private let executor = QueueExecutor(label: "tocsin.replay")
    private var bank: DetectorBank
    private var decoder = CellBlockDecoder()
    private var tape = CellTape()
    private var rows: ArraySlice<CellStore.Entry> = []
    private var next: Int64?
    private var hasBegun = false
    /// Whether the detectors are as the live ones were.
    private var isContiguous = false
    /// Where the last row ended.
    private var reachedAt: Timestamp?

    /// What was read so far.
    package private(set) var summary = Summary()

    /// The queue.
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Makes a replay of a range; nothing is read before `next`.
    package init(_ store: CellStore, _ request: Request) {
        self.store = store
        self.request = request
        bank = DetectorBank(checks: request.checks)
    }

    /// The findings of the next block, in their order, those of the range alone; nil when the range is over.
    package func next() async throws(StoreError) -> [Finding]? {
        if !hasBegun {
            hasBegun = true
            next = try await store.start(for: request.from - request.lead)
        }
        while true {
            guard let row = rows.popFirst() else {
                guard let sequence = next else { return nil }
                rows = try await store.rows(from: sequence)[...]
                next = rows.last.map { $0.sequence + 1 }
                continue
            }
            guard let record = row.record else {
                damaged(until: row.to, "a row is damaged")
                continue
            }
            // Cells of a block may lie ahead of its sweeps by a step.
            if record.from > request.to + .seconds(60) {
                (next, rows) = (nil, [])
                return nil
            }
            if summary.startedAt == nil { summary.startedAt = record.from }
            switch record.kind {
            case .gap:
                note(Gap(from: record.from, to: record.to, cells: record.cells, reason: record.note))
            case .anchor: anchor(record)
            case .block:
                guard decode(record) else { continue }
                reachedAt = record.to
                return judge()
            }
            reachedAt = record.to
        }
    }

    /// Takes the live detectors' state where the own one is not that already.
    private func anchor(_ record: StoredRecord) {
        if record.note == StoredRecord.Reason.thresholds.rawValue, summary.thresholdsChangedAt.count < Self.gapsMax {
            summary.thresholdsChangedAt.append(record.from)
        }
        // Before the range nothing has been told yet that another state could contradict.
        let isBefore = summary.cells == 0 || record.from <= request.from
        guard !isContiguous, isBefore || !request.isOther else { return }
        guard let state = DetectorImage.decode(record.body) else { return }
        bank = DetectorBank(checks: request.checks)
        bank.restore(state)
        // Findings of checks that are gone are of before: nobody is told.
        _ = bank.replaceChecks(at: record.from, request.checks)
        isContiguous = true
        if isBefore { summary.hasState = true }
    }

    private func decode(_ record: StoredRecord) -> Bool {
        tape.removeAll()
        do throws(CellBlockError) {
            try decoder.decode(record.body, onto: &tape)
            return true
        } catch {
            damaged(until: record.to, error.description)
            return false
        }
    }

    private func damaged(until end: Timestamp, _ reason: String) {
        let from = reachedAt ?? end
        reachedAt = max(from, end)
        note(Gap(from: from, to: max(from, end), cells: 0, reason: reason))
    }

    private func note(_ gap: Gap) {
        isContiguous = false
        guard gap.to >= request.from - request.lead, summary.gaps.count < Self.gapsMax else { return }
        // Of a chain whose start is damaged every block is.
        if let last = summary.gaps.last, last.cells == 0, gap.cells == 0, last.to == gap.from {
            summary.gaps[summary.gaps.count - 1].to = gap.to
        } else {
            summary.gaps.append(gap)
        }
    }

    private func judge() -> [Finding] {
        summary.cells += tape.points.count
        return bank.take(tape).filter { $0.at >= request.from && $0.at <= request.to }
    }
}

extension DetectorBank {
    /// Takes what another bank was given, in its order.
    package mutating func take(_ tape: CellTape) -> [Finding] {
        tape.points.withUnsafeBufferPointer { points in
            var findings: [Finding] = []
            var start = 0
            for sweep in tape.sweeps {
                if sweep.after > start {
                    findings += process(UnsafeBufferPointer(rebasing: points[start..<sweep.after]))
                    start = sweep.after
                }
                findings += advance(to: sweep.at)
            }
            if start < points.count { findings += process(UnsafeBufferPointer(rebasing: points[start...])) }
            return findings
        }
    }
}
