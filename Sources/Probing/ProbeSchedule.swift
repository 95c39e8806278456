import FlowControl
package import Telemetry

/// When each target is probed: a fixed grid per target, spread by a stable offset, never two runs of one target at
/// once.
///
/// Pure: times are durations since an origin whose wall-clock time is given. A target's grid is `offset + k * interval`
/// on the wall clock, so that a restart keeps the phase; the offset is a hash of the target's id, so that a fleet does
/// not probe in step.
package struct ProbeSchedule: Sendable {
    /// A run that is due.
    package struct Due: Sendable, Hashable {
        /// The target's id.
        package var id: String
        /// The grid point it belongs to.
        package var at: Duration

        /// Makes a due run.
        package init(id: String, at: Duration) {
            self.id = id
            self.at = at
        }
    }

    private struct Entry {
        var interval: Duration
        var next: Duration
        /// A run between two grid points.
        var extra: Duration?
        var isRunning = false

        /// When it is due.
        var due: Duration { extra.map { min($0, next) } ?? next }
    }

    private let origin: Timestamp
    private var entries: [String: Entry] = [:]

    /// Grid points that passed while the target's run before was still under way, or while the machine slept.
    package private(set) var skippedCount: UInt64 = 0

    /// Makes an empty schedule whose time zero was at `origin` on the wall clock.
    package init(origin: Timestamp) {
        self.origin = origin
    }

    /// The offset of a target's grid: a hash of its id spread over the interval, the same on every start.
    package static func offset(of id: String, interval: Duration) -> Duration {
        let millis = max(1, interval.wholeMilliseconds)
        return .milliseconds(Int64(StableHash.fnv1a(id) % UInt64(millis)))
    }

    /// Adds a target or changes its interval; its next run is the first grid point at or after `now`.
    ///
    /// - Precondition: `interval` is at least one millisecond.
    package mutating func set(_ id: String, interval: Duration, now: Duration) {
        precondition(interval >= .milliseconds(1), "interval of \(id) is \(interval)")
        if let entry = entries[id], entry.interval == interval { return }
        let isRunning = entries[id]?.isRunning ?? false
        entries[id] = Entry(
            interval: interval, next: firstPoint(of: id, interval: interval, from: now), isRunning: isRunning)
    }

    /// Takes a target out.
    ///
    /// A run under way may still call `finished`.
    package mutating func remove(_ id: String) {
        entries[id] = nil
    }

    /// The next grid point of any target; nil when there is none.
    package var nextPoint: Duration? {
        entries.values.map(\.due).min()
    }

    /// The runs due at `now`, by grid point and then by id.
    ///
    /// Each target moves on to its first grid point after `now`.
    ///
    /// A target whose run before is under way is skipped and counted, and so is each grid point that passed unnoticed.
    package mutating func takeDue(now: Duration) -> [Due] {
        var due: [Due] = []
        for (id, entry) in entries where entry.due <= now {
            entries[id]?.extra = nil
            guard entry.next <= now else {
                guard let extra = entry.extra, !entry.isRunning else { continue }
                entries[id]?.isRunning = true
                due.append(Due(id: id, at: extra))
                continue
            }
            let passed = Int64((now - entry.next) / entry.interval)
            let latest = entry.next + entry.interval * Int(passed)
            skippedCount += UInt64(passed)
            entries[id]?.next = latest + entry.interval
            if entry.isRunning {
                skippedCount += 1
            } else {
                entries[id]?.isRunning = true
                due.append(Due(id: id, at: latest))
            }
        }
        return due.sorted { $0.at == $1.at ? $0.id < $1.id : $0.at < $1.at }
    }

    /// Share of the interval after which another look is taken: more than the quarter within which samples count as one
    /// look's, and far enough from the next grid point.
    private static let extraAfter = 0.3

    /// Has a target looked at once more before its next grid point, where there is room for it; gives whether there is.
    ///
    /// With an interval under 5 s the next look is soon enough.
    package mutating func lookAgain(_ id: String, now: Duration) -> Bool {
        guard let entry = entries[id], entry.interval >= .seconds(5) else { return false }
        let pause = entry.interval * Self.extraAfter
        guard now + pause * 2 <= entry.next else { return false }
        entries[id]?.extra = now + pause
        return true
    }

    /// Says that a target's run has ended.
    package mutating func finished(_ id: String) {
        entries[id]?.isRunning = false
    }

    private func firstPoint(of id: String, interval: Duration, from now: Duration) -> Duration {
        let step = max(1, interval.wholeMilliseconds)
        let offset = Self.offset(of: id, interval: interval).wholeMilliseconds
        // Rounded up, so that the point is never before `now`.
        let millis = origin.millis &+ now.wholeMilliseconds &+ (.milliseconds(now.wholeMilliseconds) < now ? 1 : 0)
        let remainder = (millis &- offset) % step
        let wait = remainder == 0 ? 0 : (remainder > 0 ? step - remainder : -remainder)
        return .milliseconds(millis &+ wait &- origin.millis)
    }
}
