/// The agent's side of the leases: what it may probe now, by its own clock alone.
///
/// Pure. Times are durations on the agent's monotonic clock, as it puts them into its signs of life. A lease runs from
/// the sign that it answers, so that an answer that was long under way is worth little, and one that comes out of order
/// nothing.
package struct LeaseHolder: Sendable {
    /// One target with its role and what the coordinator's file says of it.
    package struct Holding: Hashable, Sendable {
        /// The target and the role.
        package var grant: TargetGrant
        /// The entry of the coordinator's file.
        package var definition: String

        /// Makes a holding.
        package init(grant: TargetGrant, definition: String) {
            self.grant = grant
            self.definition = definition
        }
    }

    /// What the agent may probe until `expiresAt`.
    package private(set) var holdings: [Holding] = []
    /// When all of it ends, nil when there is nothing.
    package private(set) var expiresAt: Duration?
    private var lastAnswered: Duration?

    /// Holds nothing.
    package init() {}

    /// What is held, to be said in signs of life.
    package var grants: Set<TargetGrant> { Set(holdings.map(\.grant)) }

    /// Takes an answer; true when what is held changed.
    ///
    /// - Parameters:
    ///   - answered: the time in the sign of life that is answered.
    ///   - lease: how long the answer is good from there.
    package mutating func granted(_ holdings: [Holding], answered: Duration, lease: Duration, now: Duration) -> Bool {
        // A time from the future is no time that we said.
        guard answered <= now, lastAnswered.map({ answered >= $0 }) ?? true else { return false }
        lastAnswered = answered
        let before = self.holdings
        self.holdings = answered + lease > now ? holdings.sorted { $0.grant.target < $1.grant.target } : []
        expiresAt = self.holdings.isEmpty ? nil : answered + lease
        return before != self.holdings
    }

    /// Lets go of what has run out; true when there was something.
    package mutating func expire(now: Duration) -> Bool {
        guard let expiresAt, expiresAt <= now else { return false }
        holdings = []
        self.expiresAt = nil
        return true
    }
}
