package import Telemetry

/// How far an agent's clock is from ours, from the times at which it says it sent its messages.
///
/// A message that was sent at offset *o* and took *d* shows *o* − *d*. *d* is never negative and mostly small, so the
/// greatest of the recent differences is the nearest. A clock that was set back shows in differences that stay far
/// below: after three of them only those count.
package struct ClockOffset: Sendable, Hashable {
    /// Messages that count.
    package static let window = 16
    /// Below this the way of the messages explains the difference, and correcting would only add its jitter.
    package static let deadBand: Duration = .seconds(1)

    private static let stepBack: Duration = .seconds(2)
    private static let stepBackMessages = 3

    private var differences: [Duration] = []
    private var below = 0

    /// What is given out stays until the estimate is better by this much.
    private static let betterBy: Duration = .milliseconds(10)
    /// Or until it is less by this much: the best message of the window left it, or the clock drifts.
    private static let lessBy: Duration = .milliseconds(100)

    /// Makes an estimate of zero.
    package init() {}

    /// The agent's clock less ours; zero inside the dead band and before the first message.
    ///
    /// It stays where it is while messages only jitter: each change is noted beside the stored samples.
    package private(set) var value = Duration.zero

    private mutating func settle() {
        guard let greatest = differences.max(), greatest.magnitude >= Self.deadBand else {
            value = .zero
            return
        }
        if value == .zero || greatest >= value + Self.betterBy || greatest <= value - Self.lessBy { value = greatest }
    }

    /// Takes a message.
    package mutating func observe(sentAt: Timestamp, receivedAt: Timestamp) {
        let difference = sentAt - receivedAt
        if let greatest = differences.max(), difference < greatest - Self.stepBack { below += 1 } else { below = 0 }
        differences.append(difference)
        if below >= Self.stepBackMessages {
            differences.removeFirst(differences.count - below)
            below = 0
        }
        if differences.count > Self.window { differences.removeFirst() }
        settle()
    }
}
