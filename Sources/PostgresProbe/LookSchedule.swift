import PostgresClient
import Telemetry

/// When each statement is asked: those of every round always, the dearer ones at their pace, and one that fails less
/// and less often.
struct LookSchedule {
    /// Longest pause of a statement that keeps failing.
    static let pauseMax = Duration.seconds(3600)

    private struct Pace {
        var pause: Duration
        var nextAt: ContinuousClock.Instant
    }

    private let interval: Duration
    private var paces: [StatisticsLook.Topic: Pace] = [:]

    /// Makes a schedule on which everything is due.
    init(interval: Duration) {
        self.interval = interval
    }

    /// Whether it is time for a look.
    func isDue(_ look: StatisticsLook, now: ContinuousClock.Instant) -> Bool {
        paces[look.topic].map { $0.nextAt <= now } ?? true
    }

    /// The server answered.
    mutating func succeeded(_ look: StatisticsLook, now: ContinuousClock.Instant) {
        paces[look.topic] = look.isEveryRound ? nil : Pace(pause: interval, nextAt: now + interval)
    }

    /// It was too much for the server, or the server refused it: half as often from now on, at least once an hour.
    ///
    /// A cheap statement that merely came too late in a bad moment is asked again in the next round; one that is
    /// refused would fill the server's log.
    mutating func failed(_ look: StatisticsLook, _ failure: PostgresFailure, now: ContinuousClock.Instant) {
        guard !look.isEveryRound || failure.failureClass == .auth || failure.failureClass == .body else { return }
        let pause = min(Self.pauseMax, (paces[look.topic]?.pause ?? interval) * 2)
        paces[look.topic] = Pace(pause: pause, nextAt: now + pause)
    }
}
