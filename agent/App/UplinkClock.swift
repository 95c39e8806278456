import SampleLink
import Synchronization
import Telemetry

/// The agent's clock against the coordinator's: the stream says when they spoke, the self probe asks.
final class UplinkClock: Sendable {
    private struct State {
        var clock = LinkClock()
        var askedAt: ContinuousClock.Instant?
    }

    private let state = Mutex(State())
    private let begin = ContinuousClock.now
    private let now: @Sendable () -> Timestamp

    init(now: @escaping @Sendable () -> Timestamp) {
        self.now = now
    }

    /// A `Hello` is about to go out.
    func asked() {
        state.withLock { $0.askedAt = .now }
    }

    /// The `Welcome` came.
    func welcomed(at theirs: Timestamp) {
        let (answered, instant) = (now(), ContinuousClock.now)
        state.withLock { state in
            guard let askedAt = state.askedAt else { return }
            state.clock.welcomed(
                answered: answered, roundTrip: instant - askedAt, theirs: theirs, elapsed: instant - begin)
        }
    }

    /// The offset now; nil before the first stream.
    var reading: LinkClock.Reading? {
        let (wall, elapsed) = (now(), ContinuousClock.now - begin)
        return state.withLock { $0.clock.reading(wall: wall, elapsed: elapsed) }
    }
}
