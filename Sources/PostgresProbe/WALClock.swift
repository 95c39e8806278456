import Telemetry

/// When the WAL stood where: turns a position in it into an age.
///
/// A standby that has replayed up to a position lacks nothing that was written before the last moment at which the WAL
/// ended there. Unlike the time of the last replayed commit, this age does not grow while the primary idles, nor while
/// one long transaction is replayed. Its resolution is the time between two looks.
struct WALClock {
    private struct Mark {
        /// The last moment at which the WAL was seen to end at `position`.
        var at: Timestamp
        /// Bytes since the start of the WAL.
        var position: Double
    }

    /// Marks kept; beyond them goes the one whose loss changes an age least, in proportion to the age.
    static let marksMax = 256

    private var marks: [Mark] = []

    /// Notes where the WAL ends now; a position before the last one means another server, and starts anew.
    mutating func note(_ position: Double, at time: Timestamp) {
        if let last = marks.last {
            if position < last.position || time < last.at { marks = [] }
            if position == last.position { marks.removeLast() }
        }
        if marks.count >= Self.marksMax { thinOut(now: time) }
        marks.append(Mark(at: time, position: position))
    }

    private mutating func thinOut(now: Timestamp) {
        func loss(_ index: Int) -> Double {
            (marks[index + 1].at - marks[index - 1].at).inSeconds / max(1e-3, (now - marks[index].at).inSeconds)
        }
        guard let index = (1..<marks.count - 1).min(by: { loss($0) < loss($1) }) else { return }
        marks.remove(at: index)
    }

    /// An age in seconds, and whether it is known: else the age is at least that, since the position is from before the
    /// first mark.
    func age(of position: Double, at time: Timestamp) -> (seconds: Double, isKnown: Bool)? {
        guard let first = marks.first else { return nil }
        let mark = marks.last { $0.position <= position }
        return (max(0, (time - (mark ?? first).at).inSeconds), mark != nil)
    }
}

/// How standbys get on from look to look.
struct ReplicationProgress {
    /// What one look at one standby says.
    struct Step: Hashable, Sendable {
        /// Whether it lacks anything.
        var isBehind: Bool
        /// Whether it replayed anything since the look before; true at the first look.
        var hasMoved: Bool
        /// Seconds for which it has been behind without replaying anything.
        var stalledSeconds: Double
    }

    private struct Follower {
        var replayed: Double
        var movedAt: Timestamp
    }

    private var followers: [String: Follower] = [:]

    /// Takes one look at one standby: positions in bytes since the start of the WAL.
    mutating func step(_ name: String, replayed: Double, end: Double, at time: Timestamp) -> Step {
        let isBehind = replayed < end
        var follower = followers[name] ?? Follower(replayed: -1, movedAt: time)
        let hasMoved = follower.replayed != replayed
        if hasMoved || !isBehind { follower = Follower(replayed: replayed, movedAt: time) }
        followers[name] = follower
        return Step(
            isBehind: isBehind, hasMoved: hasMoved, stalledSeconds: max(0, (time - follower.movedAt).inSeconds))
    }

    /// Forgets all but these.
    mutating func keep(_ names: Set<String>) {
        followers = followers.filter { names.contains($0.key) }
    }
}
