import FlowControl
import Synchronization

/// What the uplink has to look at: facts that replace each other, so that nothing piles up while it is busy or away.
final class UplinkInbox: Sendable {
    /// What has happened since the last look.
    struct Contents: Sendable {
        /// Records up to this sequence are in the spool.
        var appended: UInt64?
        /// Targets have new results.
        var targetsChanged = false
        /// A heartbeat is due.
        var heartbeatDue = false
        /// The coordinator's welcome: durable sequence and window.
        var welcome: (durable: UInt64, window: UInt32)?
        /// The last sequence that the coordinator acknowledged.
        var acknowledged: UInt64?
        /// The agent is stopping: send what is left and end.
        var isStopping = false
    }

    private let contents = Mutex(Contents())
    private let wake = WakeSignal()

    /// Returns when there is something to look at, or at cancellation; for one reader.
    func changed() async { await wake.wait() }

    /// Takes the contents; stopping stays.
    func take() -> Contents {
        contents.withLock { contents in
            defer { contents = Contents(isStopping: contents.isStopping) }
            return contents
        }
    }

    var isStopping: Bool { contents.withLock { $0.isStopping } }

    func appended(through sequence: UInt64) { change { $0.appended = max($0.appended ?? 0, sequence) } }
    func targetsChanged() { change { $0.targetsChanged = true } }
    func heartbeat() { change { $0.heartbeatDue = true } }
    func stop() { change { $0.isStopping = true } }
    func welcomed(durable: UInt64, window: UInt32) { change { $0.welcome = (durable, window) } }
    func acknowledged(through sequence: UInt64) { change { $0.acknowledged = max($0.acknowledged ?? 0, sequence) } }

    /// Forgets what an ended stream said.
    func streamEnded() {
        contents.withLock {
            $0.welcome = nil
            $0.acknowledged = nil
        }
    }

    private func change(_ change: (inout Contents) -> Void) {
        contents.withLock { change(&$0) }
        wake.signal()
    }
}
