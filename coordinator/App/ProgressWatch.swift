import Notification
import Synchronization

/// Which parts of the coordinator stand still, for `/healthz`: looked at every few seconds, whoever asks.
///
/// A process that answers is not one that works. What waits for nothing is not stuck: ingest must move only while
/// frames wait.
final class ProgressWatch: Sendable {
    /// Names of the parts, as the watchdog's heartbeat has them.
    private static let parts: [String] = {
        let none = Heartbeat.Progress(ingest: 0, detectors: 0, outbox: 0)
        return none.stuck(since: none)
    }()

    private struct State {
        var last: Heartbeat.Progress
        var stillFor: [String: Duration] = [:]
    }

    /// How often it should be looked at.
    let interval: Duration
    private let patience: Duration
    private let state: Mutex<State>

    /// - Parameter patience: what has not moved for this long is stuck.
    init(start: Heartbeat.Progress, interval: Duration = .seconds(5), patience: Duration = .seconds(60)) {
        self.interval = interval
        self.patience = patience
        state = Mutex(State(last: start))
    }

    /// Takes a reading, one interval after the one before.
    ///
    /// Time in which nobody looked, since the machine slept or the process was stopped, is no standstill.
    func look(_ progress: Heartbeat.Progress, hasWaitingFrames: Bool) {
        state.withLock { state in
            let still = Set(progress.stuck(since: state.last))
            for part in Self.parts {
                let isStill = still.contains(part) && (part != "ingest" || hasWaitingFrames)
                state.stillFor[part] = isStill ? (state.stillFor[part] ?? .zero) + interval : nil
            }
            state.last = progress
        }
    }

    /// What has stood still for too long, with how long.
    var stuck: [(part: String, time: Duration)] {
        state.withLock { state in
            Self.parts.compactMap { part in
                state.stillFor[part].flatMap { $0 >= patience ? (part, $0) : nil }
            }
        }
    }
}
