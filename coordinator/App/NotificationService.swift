import IncidentStore
import Incidents
import Logging
import Notification
import Runbook
import SQLiteFile
import ServiceLifecycle
import Synchronization
import Telemetry

/// Sends what the outbox holds: stored before it is sent, stored again when its receiver took it.
///
/// The machine decides under a lock, sends run beside each other, one a channel. A send that a stop interrupts is sent
/// again after the next start, with the same key.
final class NotificationService: Sendable {
    /// What others may know of it.
    struct Status: Sendable, Hashable {
        /// Rounds of the loop, for the watchdog: a loop that hangs counts no further.
        var rounds: UInt64 = 0
        /// Notices that wait.
        var waiting = 0
        /// Notices that their receivers took since start.
        var delivered: UInt64 = 0
        /// Sends that failed since start.
        var failedSends: UInt64 = 0
    }

    private struct State {
        var machine: OutboxMachine
        var status = Status()
        /// Ends that the store has refused so far: stored with the next that it takes.
        var unstored: [OutboxEntry] = []
    }

    /// Told when a page has reached a channel.
    typealias Arrival = @Sendable (OutboxEntry) async -> Void

    private let channels: [String: any NoticeChannel]
    private let store: IncidentStore
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let state: Mutex<State>
    private let wake = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    /// Ends that wait for a store which refuses them; beyond, the oldest is forgotten: it is sent again after a
    /// restart.
    private let unstoredMax = 10_000
    private let keepFor: Duration = .seconds(30 * 86_400)

    init(
        channels: [String: any NoticeChannel], limits: [String: OutboxMachine.Limits], store: IncidentStore,
        logger: Logger, now: @escaping @Sendable () -> Timestamp
    ) {
        self.channels = channels
        self.store = store
        self.logger = logger
        self.now = now
        state = Mutex(State(machine: OutboxMachine(channels: limits)))
    }

    /// What it counts.
    var status: Status {
        state.withLock { state in
            var status = state.status
            status.waiting = state.machine.waitingCount
            return status
        }
    }

    /// Puts entries on their way; they should be stored, and are sent even if the store refused them.
    func submit(_ entries: [OutboxEntry]) {
        guard !entries.isEmpty else { return }
        state.withLock { state in
            state.unstored += state.machine.add(entries, at: now())
        }
        wake.continuation.yield()
    }

    /// Takes up what a former run has left; before `run`.
    func restore() async throws(StoreError) {
        let (entries, unreadable) = try await store.waitingEntries()
        if unreadable > 0 {
            logger.error("notices cannot be read and are not sent", metadata: ["count": "\(unreadable)"])
        }
        submit(entries)
    }

    /// Sends until the service is told to stop; what is under way then is waited for.
    func run(onArrival: @escaping Arrival) async throws {
        await withDiscardingTaskGroup { group in
            group.addTask(executorPreference: ListenerLoop.shared) {
                // Pauses end without anybody's doing.
                await cancelWhenGracefulShutdown {
                    while !Task.isCancelled {
                        try? await ListenerLoop.shared.sleep(for: .milliseconds(500))
                        self.wake.continuation.yield()
                    }
                }
                self.wake.continuation.finish()
            }
            for await _ in wake.stream {
                for send in startDue() { group.addTask { await self.perform(send, onArrival) } }
                await storeLate()
            }
        }
        await storeLate()
    }

    /// Forgets what was delivered or given up long ago.
    func prune() async {
        do {
            try await store.pruneOutbox(before: now() - keepFor)
        } catch {
            logger.error("old notices not removed", metadata: ["reason": "\(error)"])
        }
    }

    private func startDue() -> [OutboxMachine.Send] {
        state.withLock { state in
            state.status.rounds += 1
            return state.machine.due(at: now())
        }
    }

    private func perform(_ send: OutboxMachine.Send, _ onArrival: Arrival) async {
        guard let channel = channels[send.channel] else { return }
        // The members of a digest are on the disk before it leaves, so that a resend has the same.
        if send.isNewDigest { await save(send.entries) }
        let outcome = await channel.deliver(send)
        let ended = state.withLock { state in
            switch outcome {
            case .delivered: state.status.delivered += UInt64(send.entries.count)
            case .failed, .rejected: state.status.failedSends += 1
            }
            return state.machine.finish(send, outcome, at: now())
        }
        report(send, outcome)
        await save(ended)
        wake.continuation.yield()
        for entry in ended where entry.state == .delivered && entry.notice.purpose == .page { await onArrival(entry) }
    }

    private func report(_ send: OutboxMachine.Send, _ outcome: OutboxMachine.Outcome) {
        var metadata: Logger.Metadata = ["channel": "\(send.channel)", "key": "\(send.key)"]
        switch outcome {
        case .delivered:
            logger.debug("notice delivered", metadata: metadata)
        case .failed(let reason, _):
            metadata["reason"] = "\(reason)"
            logger.warning("notice not delivered, tried again later", metadata: metadata)
        case .rejected(let reason):
            metadata["reason"] = "\(reason)"
            logger.error("notice refused and given up", metadata: metadata)
        }
    }

    private func save(_ entries: [OutboxEntry]) async {
        do {
            try await store.update(entries)
        } catch {
            logger.error("the outbox is not stored, kept in memory", metadata: ["reason": "\(error)"])
            state.withLock { state in
                state.unstored += entries
                state.unstored.removeFirst(max(0, state.unstored.count - unstoredMax))
            }
        }
    }

    private func storeLate() async {
        let entries = state.withLock { state in
            defer { state.unstored = [] }
            return state.unstored
        }
        if !entries.isEmpty { await save(entries) }
    }
}
