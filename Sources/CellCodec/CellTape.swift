package import Signals
package import Telemetry

/// What a detector bank was given, in its order: closed cells, and the moments at which it looked for what is gone.
///
/// A bank of the same state that is given a tape gives the same findings (`DetectorBank.process`, `advance`).
package struct CellTape: Sendable {
    /// A moment at which the bank looked for what is gone.
    package struct Sweep: Sendable, Hashable {
        /// How many of the tape's points came before it.
        package var after: Int
        /// The time it was given.
        package var at: Timestamp

        /// Makes a moment.
        package init(after: Int, at: Timestamp) {
            self.after = after
            self.at = at
        }
    }

    /// The cells.
    package internal(set) var points: [SignalPoint] = []
    /// Ascending by `after`.
    package internal(set) var sweeps: [Sweep] = []

    /// Makes an empty tape.
    package init() {}

    /// Whether there is nothing on it.
    package var isEmpty: Bool { points.isEmpty && sweeps.isEmpty }

    /// Adds cells in the order in which the engine gave them.
    package mutating func append(_ more: [SignalPoint]) {
        // Taken over rather than copied where it can be: this is on the way of every live cell.
        if points.isEmpty { points = more } else { points += more }
    }

    /// Adds a moment after the cells so far.
    package mutating func appendSweep(at time: Timestamp) {
        sweeps.append(Sweep(after: points.count, at: time))
    }

    /// Adds what is on another tape.
    package mutating func append(_ other: CellTape) {
        if isEmpty {
            self = other
            return
        }
        let start = points.count
        points += other.points
        sweeps += other.sweeps.map { Sweep(after: start + $0.after, at: $0.at) }
    }

    /// Takes all of it off, and keeps the room.
    package mutating func removeAll() {
        points.removeAll(keepingCapacity: true)
        sweeps.removeAll(keepingCapacity: true)
    }
}
