import FlowControl
import IngestWire
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
        /// The coordinator's welcome.
        var welcome: Welcome?
        /// The last sequences that the coordinator acknowledged.
        var acknowledged: (durable: UInt64, fresh: UInt64)?
        /// The token was replaced: a new stream is to show the new one.
        var areCredentialsReplaced = false
        /// The agent is stopping: send what is left and end.
        var isStopping = false
    }

    /// What the coordinator says first.
    struct Welcome: Sendable {
        /// Last durable sequence.
        var durable: UInt64
        /// Frames that may be unacknowledged.
        var window: UInt32
        /// Frames after `durable` that are durable too.
        var ahead: [ClosedRange<UInt64>]
        /// What both sides understand.
        var capabilities: Set<LinkCapability>
    }

    private let contents = Mutex(Contents())
    private let wake = WakeSignal()

    /// Returns when there is something to look at, at `deadline`, or at cancellation; for one reader.
    func changed(before deadline: ContinuousClock.Instant?) async {
        guard let deadline else { return await wake.wait() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wake.wait() }
            group.addTask { try? await Task.sleep(until: deadline) }
            _ = await group.next()
            group.cancelAll()
        }
    }

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
    func credentialsReplaced() { change { $0.areCredentialsReplaced = true } }
    func stop() { change { $0.isStopping = true } }
    func welcomed(_ welcome: Welcome) { change { $0.welcome = welcome } }
    func acknowledged(through sequence: UInt64, fresh: UInt64) {
        change {
            let before = $0.acknowledged ?? (durable: 0, fresh: 0)
            $0.acknowledged = (max(before.durable, sequence), max(before.fresh, fresh))
        }
    }

    /// Forgets what an ended stream said.
    func streamEnded() {
        contents.withLock {
            $0.welcome = nil
            $0.acknowledged = nil
            $0.areCredentialsReplaced = false
        }
    }

    private func change(_ change: (inout Contents) -> Void) {
        contents.withLock { change(&$0) }
        wake.signal()
    }
}
