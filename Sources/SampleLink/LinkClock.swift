package import Telemetry

/// How far an agent's own clock is from its coordinator's, as the agent sees it.
///
/// The coordinator says its time once, in the `Welcome` of each stream: between question and answer the agent's clock
/// passed that moment, so the middle of the two is off by half the round trip at most. Until the next stream the
/// agent's wall clock is held against its monotonic one, which shows every step of it; a slow drift shows with the next
/// stream. Pure: both clocks come in with each call.
package struct LinkClock: Sendable, Hashable {
    /// What is known at a moment.
    package struct Reading: Sendable, Hashable {
        /// The agent's clock less the coordinator's.
        package var offset: Duration
        /// By how much that may be wrong, drift since the last stream began aside.
        package var error: Duration
    }

    private var base: Reading?
    private var wall = Timestamp(millis: 0)
    private var elapsed: Duration = .zero

    /// Knows nothing.
    package init() {}

    /// Takes a `Welcome`.
    ///
    /// - Parameters:
    ///   - answered: the agent's wall clock when it came.
    ///   - roundTrip: the time since its `Hello`, by the monotonic clock.
    ///   - theirs: the coordinator's time in it.
    ///   - elapsed: the monotonic clock when it came.
    package mutating func welcomed(
        answered: Timestamp, roundTrip: Duration, theirs: Timestamp, elapsed: Duration
    ) {
        base = Reading(offset: answered - roundTrip / 2 - theirs, error: roundTrip / 2)
        wall = answered
        self.elapsed = elapsed
    }

    /// The offset now; nil before the first `Welcome`.
    package func reading(wall now: Timestamp, elapsed: Duration) -> Reading? {
        guard let base else { return nil }
        let step = (now - wall) - (elapsed - self.elapsed)
        return Reading(offset: base.offset + step, error: base.error)
    }
}
