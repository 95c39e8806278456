package import Telemetry

/// What the store holds a row of, in the order in which it happened.
package struct StoredRecord: Sendable, Hashable {
    /// The sorts of row.
    package enum Kind: Int64, Sendable, CaseIterable {
        /// A block of cells; its body is `CellBlockDecoder`'s.
        case block = 0
        /// The state of the detectors before the block that follows; its body is `DetectorImage`'s, empty for none.
        case anchor = 1
        /// Cells are missing between the rows around it.
        case gap = 2
    }

    /// Why the state of the detectors was taken.
    package enum Reason: String, Sendable {
        /// The coordinator started.
        case start
        /// Cells were missing before.
        case gap
        /// A day had passed since the last one.
        case day
        /// Other thresholds were put in force.
        case thresholds
    }

    /// The sort.
    package var kind: Kind
    /// Whether it is the first block of a chain; rows of other sorts are each on their own.
    package var startsChain: Bool
    /// What it is about; of an anchor both are its time.
    package var from: Timestamp
    /// What it is about.
    package var to: Timestamp
    /// Cells in a block, cells that are missing in a gap (0: not known).
    package var cells: Int
    /// The block or the state.
    package var body: [UInt8]
    /// Of an anchor its `Reason`, of a gap why.
    package var note: String

    /// Makes a row of a block.
    package static func block(
        _ body: [UInt8], startsChain: Bool, from: Timestamp, to: Timestamp, cells: Int
    ) -> StoredRecord {
        StoredRecord(kind: .block, startsChain: startsChain, from: from, to: to, cells: cells, body: body, note: "")
    }

    /// Makes a row of the detectors' state.
    package static func anchor(_ body: [UInt8], at time: Timestamp, reason: Reason) -> StoredRecord {
        StoredRecord(
            kind: .anchor, startsChain: true, from: time, to: time, cells: 0, body: body, note: reason.rawValue)
    }

    /// Makes a row of what is missing.
    package static func gap(from: Timestamp, to: Timestamp, cells: Int, because reason: String) -> StoredRecord {
        StoredRecord(kind: .gap, startsChain: true, from: from, to: max(from, to), cells: cells, body: [], note: reason)
    }
}
