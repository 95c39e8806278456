import Glibc
import Synchronization
import Telemetry

/// The one thread on which libpq runs, for all sessions of the process: non-blocking calls around `poll`.
///
/// `start` makes the thread, `stop` closes every session and ends it; `run` does both around a task's cancellation.
package final class PostgresEventLoop: Sendable {
    /// Work for the thread.
    enum Command: Sendable {
        case open(PostgresConnection.Request)
        case awaitIdle(Int, deadline: ContinuousClock.Instant, reply: PostgresReply)
        case query(Int, PostgresQuery, deadline: ContinuousClock.Instant, reply: PostgresReply)
        case resolved(Int, HostResolver.Answer)
        case close(Int, done: @Sendable () -> Void)
        case stop
    }

    private enum Life { case new, running, stopping, stopped }

    private struct State {
        var life = Life.new
        var commands: [Command] = []
        var nextID = 1
        var openCount = 0
        var stopWaiters: [CheckedContinuation<Void, Never>] = []
    }

    /// Most sessions open at once; a further one fails with `FailureClass.internal`.
    package let sessionsMax: Int
    let resolver: HostResolver
    private let state = Mutex(State())
    private let wakeReader: Int32
    private let wakeWriter: Int32

    /// Makes a loop that is not running yet.
    package convenience init(sessionsMax: Int = 64) {
        self.init(sessionsMax: sessionsMax, resolver: HostResolver())
    }

    init(sessionsMax: Int, resolver: HostResolver) {
        self.sessionsMax = sessionsMax
        self.resolver = resolver
        var ends: [Int32] = [-1, -1]
        // Without a pipe `start` fails: it needs both ends.
        if pipe(&ends) == 0 {
            for end in ends {
                _ = fcntl(end, F_SETFL, O_NONBLOCK)
                _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            }
        }
        wakeReader = ends[0]
        wakeWriter = ends[1]
    }

    deinit {
        if wakeReader >= 0 { _ = Glibc.close(wakeReader) }
        if wakeWriter >= 0 { _ = Glibc.close(wakeWriter) }
    }

    /// Starts the thread; once in a loop's life.
    ///
    /// Throws `FailureClass.internal` when the system gives no pipe or no thread, or when the loop was started before.
    package func start() throws(PostgresFailure) {
        let isFirst = state.withLock { state in
            guard state.life == .new, wakeReader >= 0 else { return false }
            state.life = .running
            return true
        }
        let body: @Sendable () -> Void = {
            var thread = PostgresLoopThread(loop: self)
            thread.run()
        }
        guard isFirst, DedicatedThread.start(body) else {
            state.withLock { if isFirst { $0.life = .stopped } }
            throw PostgresFailure(.internal, "The PostgreSQL client could not start.")
        }
    }

    /// Closes every session and ends the thread soon; whoever waits is told.
    ///
    /// May be called at any time, again too.
    package func stop() {
        state.withLock { state in
            switch state.life {
            case .new: state.life = .stopped
            case .running:
                state.life = .stopping
                state.commands.append(.stop)
            case .stopping, .stopped: break
            }
        }
        wake()
    }

    /// Returns when the thread has ended; at once when it never ran.
    package func join() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.life == .running || state.life == .stopping {
                    state.stopWaiters.append(continuation)
                    return false
                }
                return true
            }
            if isOver { continuation.resume() }
        }
    }

    /// Runs until the task is cancelled, then stops and joins.
    ///
    /// Throws what `start` throws.
    package func run() async throws(PostgresFailure) {
        try start()
        await withTaskCancellationHandler {
            await join()
        } onCancel: {
            stop()
        }
    }

    // MARK: For sessions

    /// A number for a new session, or nil when the loop is full or not running.
    func reserve() -> Int? {
        state.withLock { state in
            guard state.life == .running, state.openCount < sessionsMax else { return nil }
            state.openCount += 1
            defer { state.nextID += 1 }
            return state.nextID
        }
    }

    /// Hands work to the thread; false when it takes none any more.
    func submit(_ command: Command) -> Bool {
        let taken = state.withLock { state in
            guard state.life == .running else { return false }
            state.commands.append(command)
            return true
        }
        if taken { wake() }
        return taken
    }

    // MARK: For the thread

    func takeCommands() -> [Command] {
        state.withLock { state in
            defer { state.commands.removeAll(keepingCapacity: true) }
            return state.commands
        }
    }

    func released(_ count: Int) {
        state.withLock { $0.openCount -= count }
    }

    /// The thread's last act.
    func threadEnded() {
        let waiters = state.withLock { state in
            state.life = .stopped
            defer { state.stopWaiters = [] }
            return state.stopWaiters
        }
        for waiter in waiters { waiter.resume() }
    }

    var wakeDescriptor: Int32 { wakeReader }

    func drainWakeUps() {
        var buffer = [UInt8](repeating: 0, count: 64)
        while read(wakeReader, &buffer, buffer.count) > 0 {}
    }

    private func wake() {
        var byte: UInt8 = 1
        // A full pipe means that a wake-up is under way already.
        _ = write(wakeWriter, &byte, 1)
    }
}
