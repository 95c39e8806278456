import PostgresClient
import Telemetry

/// When to try again after a failure: values only, the time is a parameter.
///
/// A server that is down is tried in every round: that costs it nothing, and recovery shows at once. A login that fails
/// for a reason that lies with people (name, certificate, password) is tried less and less often, so that it fills no
/// log and locks no account. A session on which nothing comes back is kept, so that it stays the only one, and given up
/// only after a patience that grows.
struct ReconnectPolicy {
    /// Longest pause between two logins, and longest patience with a session that hangs.
    static let pauseMax = Duration.seconds(60)
    /// Patience with the first session that hangs.
    static let patienceMin = Duration.seconds(15)

    private let interval: Duration
    private var failures = 0
    private var pausedUntil: ContinuousClock.Instant?
    private var pausedFailure: PostgresFailure?
    private var stuckSince: ContinuousClock.Instant?
    private var patience = Self.patienceMin

    /// Makes a policy for a probe that runs every `interval`.
    init(interval: Duration) {
        self.interval = interval
    }

    /// The failure to repeat while a pause lasts, with the time to the next try; nil when it is time to try.
    func pause(now: ContinuousClock.Instant) -> PostgresFailure? {
        guard let pausedUntil, now < pausedUntil, var failure = pausedFailure else { return nil }
        let left = Int((pausedUntil - now).inSeconds.rounded(.up))
        failure.message += " Next try in \(left) s."
        return failure
    }

    /// A login failed.
    mutating func connectFailed(_ failure: PostgresFailure, now: ContinuousClock.Instant) {
        switch failure.failureClass {
        case .dns, .tls, .auth, .body, .internal, .status:
            failures += 1
            // The first failure is tried again in the next round, the n-th after 2^(n-1) intervals.
            let rounds = 1 << min(failures - 1, 10)
            let pause = min(Self.pauseMax, interval * rounds)
            // Half an interval less, as rounds don't start to the millisecond.
            pausedUntil = failures == 1 ? nil : now + pause - interval / 2
            pausedFailure = failure
        case .refused, .timeout, .silent, .exhausted, .unavailable: clearPause()
        }
    }

    /// A session got no answer in time; true when it is to be kept for the next round.
    mutating func keepsStuckSession(now: ContinuousClock.Instant) -> Bool {
        let since = stuckSince ?? now
        stuckSince = since
        guard now - since >= patience else { return true }
        stuckSince = nil
        patience = min(Self.pauseMax, patience * 2)
        return false
    }

    /// The server answered.
    mutating func succeeded() {
        clearPause()
        stuckSince = nil
        patience = Self.patienceMin
    }

    private mutating func clearPause() {
        failures = 0
        pausedUntil = nil
        pausedFailure = nil
    }
}
