import FlowControl
package import Telemetry

/// One attempt to log in, as an audit log has it.
package struct LoginRecord: Hashable, Sendable {
    /// What tells it from all others of its log.
    package var key: String
    /// When, in seconds since 1970 by the log's clock.
    package var at: Double
    /// Whose account; empty when the log does not say.
    package var account: String
    /// The client's address; empty when the log does not say.
    package var address: String
    /// Whether it succeeded.
    package var isSuccess: Bool

    /// Makes a record.
    package init(key: String, at: Double, account: String, address: String, isSuccess: Bool) {
        self.key = key
        self.at = at
        self.account = account
        self.address = address
        self.isSuccess = isSuccess
    }

    /// An address in one spelling: IPv6's loopback address in Java's words is everybody else's `::1`.
    package static func plain(_ address: String) -> String { address == "0:0:0:0:0:0:0:1" ? "::1" : address }
}

/// Turns what an audit log shows in overlapping looks into logins, each once, and counts who fails and who succeeds.
///
/// Pure. A record that is written late has an earlier time than records that were there before: so each look goes back
/// by `overlap` and passes over the records that it knows. What is written later than that is missed.
package struct LoginTally: Sendable {
    /// How far each look goes back, in seconds.
    package static let overlap = 30.0
    /// Records remembered as known.
    package static let knownMax = 50_000
    /// Edges of one look; further logins are counted alone.
    package static let edgesMax = 1000

    /// Logins that failed.
    package var failures: UInt64 { counts.failures }
    /// Logins that succeeded.
    package var successes: UInt64 { counts.successes }
    /// Logins for which there was no edge.
    package var unreported: UInt64 { counts.unreported }
    /// Up to where the log was read.
    package private(set) var mark: Mark
    private var counts = LoginCounts()

    /// Up to where a log was read: all that a new tally needs to take nothing twice and leave nothing out.
    package struct Mark: Hashable, Sendable, Codable {
        /// Time of the newest record, in seconds since 1970 by the log's clock.
        fileprivate(set) package var newest: Double
        /// No look goes back before this.
        fileprivate(set) package var floor: Double
        /// Hashes of the keys of records that the next look will show again, with their times.
        fileprivate var known: [UInt64: Double] = [:]

        /// A mark at a time: what was before is history.
        package init(at time: Double) {
            newest = time
            floor = time
        }
    }

    /// Starts at a time: what was before is history.
    package init(startingAt time: Double) {
        mark = Mark(at: time)
    }

    /// Goes on where another tally of the same log ended; the counts start anew.
    package init(from mark: Mark) {
        self.mark = mark
    }

    /// From when the next look asks, in seconds since 1970 by the log's clock.
    package var since: Double { max(mark.floor, mark.newest - Self.overlap) }

    /// Takes the records of one look, oldest first, and gives an edge for each run of equal logins.
    ///
    /// - Parameter isFull: whether the look's bound cut it off, so that the next one goes on where it ended.
    package mutating func take(_ records: [LoginRecord], labels: LabelSet, isFull: Bool = false) -> [Edge] {
        var edges: [Edge] = []
        let start = since
        var last = start
        for record in records {
            last = record.at
            guard record.at >= start,
                mark.known.updateValue(record.at, forKey: StableHash.fnv1a(record.key)) == nil
            else { continue }
            mark.newest = max(mark.newest, record.at)
            counts.take(record, labels: labels, edges: &edges, edgesMax: Self.edgesMax)
        }
        // A page that ends where it began would be asked for again and again: more records of one moment than fit.
        if isFull { mark.floor = last > start ? last : last + 1e-6 }
        forget()
        return edges
    }

    /// Whether a record was taken by an earlier look that the next one shows again.
    package func knows(_ record: LoginRecord) -> Bool { mark.known[StableHash.fnv1a(record.key)] != nil }

    /// Passes over everything before a time, since it cannot be read.
    package mutating func skip(to time: Double) {
        mark.newest = max(mark.newest, time)
        mark.floor = max(mark.floor, time)
        forget()
    }

    private mutating func forget() {
        let horizon = since
        if mark.known.contains(where: { $0.value < horizon }) {
            mark.known = mark.known.filter { $0.value >= horizon }
        }
        guard mark.known.count > Self.knownMax else { return }
        // Too many to remember: rather miss a late record than count one twice.
        mark.known = [:]
        mark.floor = mark.newest + 1e-6
    }

    /// The counters since the start, without identity labels.
    package var values: [(series: Series, value: Double)] { counts.values }
}
