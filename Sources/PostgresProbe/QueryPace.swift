import Telemetry

/// When a statement of the operator's own runs: at its interval, and half as often after each failure.
struct QueryPace {
    /// Longest pause of a statement that keeps failing.
    static let pauseMax = Duration.seconds(3600)

    private let interval: Duration
    private var pause: Duration
    private var nextAt: ContinuousClock.Instant?

    /// Makes a pace by which the first run is due at once.
    init(interval: Duration) {
        self.interval = interval
        pause = interval
    }

    /// Whether it is time; a little early counts, since rounds don't start to the millisecond.
    func isDue(now: ContinuousClock.Instant) -> Bool {
        nextAt.map { $0 - min(interval / 4, .milliseconds(500)) <= now } ?? true
    }

    mutating func succeeded(now: ContinuousClock.Instant) {
        pause = interval
        nextAt = now + pause
    }

    mutating func failed(now: ContinuousClock.Instant) {
        pause = min(max(interval, Self.pauseMax), pause * 2)
        nextAt = now + pause
    }
}
