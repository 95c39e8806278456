import Foundation
import Glibc
import Synchronization

/// What is known of a child, and who waits to know more.
final class ProcessRecord: Sendable {
    enum Event: Sendable {
        case line(containing: String, from: Int)
        case exit
    }

    private struct Waiter {
        var event: Event
        var continuation: CheckedContinuation<String?, Never>
    }

    private struct State {
        var lines: [String] = []
        var droppedLines = 0
        var outputEnded = false
        var exit: ChildProcess.Exit?
        var waiters: [Int: Waiter] = [:]
        var nextWaiter = 0

        /// The answer for a waiter: nil while it must wait, `.some(nil)` when what it waits for can't come any more.
        func answer(to event: Event) -> String?? {
            let isOver = outputEnded && exit != nil
            switch event {
            case .exit: return isOver ? .some("") : nil
            case .line(let text, let from):
                let found = lines.dropFirst(max(0, from - droppedLines)).first { $0.contains(text) }
                return found.map { .some($0) } ?? (isOver ? .some(nil) : nil)
            }
        }
    }

    private static let linesMax = 20_000
    private let state = Mutex(State())

    var lines: [String] { state.withLock { $0.lines } }
    var exit: ChildProcess.Exit? { state.withLock { $0.exit } }

    /// Runs `body` while the process has not been reaped, so that its id is still its own.
    func whileRunning(_ body: () -> Void) {
        state.withLock { if $0.exit == nil { body() } }
    }

    /// Waits for an event; nil when it can't come or the time is over.
    func wait(for event: Event, timeout: Duration) async -> String? {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskGroup(of: String?.self) { group in
            group.addTask {
                await withCheckedContinuation { continuation in
                    self.change { $0.waiters[id] = Waiter(event: event, continuation: continuation) }
                }
            }
            group.addTask {
                // Cancelled when the event came first.
                try? await Task.sleep(for: timeout)
                self.state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume(returning: nil)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let answered = state.withLock { state in
            body(&state)
            var answered: [(CheckedContinuation<String?, Never>, String?)] = []
            for (id, waiter) in state.waiters {
                guard let answer = state.answer(to: waiter.event) else { continue }
                answered.append((waiter.continuation, answer))
                state.waiters[id] = nil
            }
            return answered
        }
        for (continuation, answer) in answered { continuation.resume(returning: answer) }
    }

    /// Blocks until the output ends.
    func readLines(from descriptor: Int32) {
        var pending: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            pending += buffer[..<count]
            var complete = pending.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            pending = Array(complete.removeLast())
            if !complete.isEmpty { append(complete.map { String(decoding: $0, as: UTF8.self) }) }
        }
        _ = close(descriptor)
        let rest = pending.isEmpty ? [] : [String(decoding: pending, as: UTF8.self)]
        append(rest)
        change { $0.outputEnded = true }
    }

    private func append(_ new: [String]) {
        change { state in
            state.lines += new
            let surplus = state.lines.count - Self.linesMax
            guard surplus > 0 else { return }
            state.lines.removeFirst(surplus)
            state.droppedLines += surplus
        }
    }

    /// Blocks until the process ends; reaps it under the lock that `whileRunning` holds.
    func waitForExit(of pid: pid_t) {
        var info = siginfo_t()
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
        change { state in
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            state.exit = status & 0x7f == 0 ? .code((status >> 8) & 0xff) : .signal(status & 0x7f)
        }
    }
}

/// Starts processes from one thread that never ends: PR_SET_PDEATHSIG fires when the thread that started a child ends,
/// and threads of the pools come and go.
final class Spawner: Sendable {
    struct Spawned: Sendable {
        var pid: pid_t
        var input: Int32
        var output: Int32
    }

    static let shared = Spawner()

    private let jobs = DispatchSemaphore(value: 0)
    private let queue = Mutex<[@Sendable () -> Void]>([])

    private init() {
        Thread.detachNewThread {
            while true {
                self.jobs.wait()
                self.queue.withLock { $0.removeFirst() }()
            }
        }
    }

    /// Starts a command; blocks for the moment that takes.
    func spawn(_ command: [String], environment: [String]) throws -> Spawned {
        let done = DispatchSemaphore(value: 0)
        let result = Mutex<Result<Spawned, ChildProcess.Failure>?>(nil)
        queue.withLock {
            $0.append {
                let spawned = Self.spawnHere(command, environment: environment)
                result.withLock { $0 = spawned }
                done.signal()
            }
        }
        jobs.signal()
        done.wait()
        guard let spawned = result.withLock({ $0 }) else {
            throw ChildProcess.Failure(description: "nothing was spawned")
        }
        return try spawned.get()
    }

    private static func spawnHere(
        _ command: [String], environment: [String]
    ) -> Result<Spawned, ChildProcess.Failure> {
        var output: [Int32] = [-1, -1]
        var input: [Int32] = [-1, -1]
        guard pipe(&output) == 0, socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &input) == 0 else {
            return .failure(ChildProcess.Failure(description: "no pipe: errno \(errno)"))
        }
        for descriptor in output + input { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input[1], 0)
        posix_spawn_file_actions_adddup2(&actions, output[1], 1)
        posix_spawn_file_actions_adddup2(&actions, output[1], 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, Int16(flags))

        let words = command.map { strdup($0) }
        let variables = environment.map { strdup($0) }
        defer { for text in words + variables { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, command[0], &actions, &attributes, words + [nil], variables + [nil])
        _ = close(output[1])
        _ = close(input[1])
        guard code == 0 else {
            _ = close(output[0])
            _ = close(input[0])
            return .failure(ChildProcess.Failure(description: "\(command[0]) did not start: errno \(code)"))
        }
        return .success(Spawned(pid: pid, input: input[0], output: output[0]))
    }
}
