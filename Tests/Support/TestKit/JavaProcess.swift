import Foundation
import Glibc
import Synchronization

/// A child process started with `posix_spawn` whose output lines can be awaited; waiting happens on threads of its own.
package final class SpawnedProgram: Sendable {
    /// Why a program could not be started or did not end well.
    package struct Failure: Error, CustomStringConvertible {
        /// One sentence.
        package var description: String
    }

    private struct State {
        var lines: [String] = []
        var isOutputOver = false
        var status: Int32?
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// Process id.
    package let processID: Int32
    private let state = Mutex(State())

    /// Starts `arguments[0]`, found on the PATH, with no input; its standard error goes to the same lines as its
    /// output.
    ///
    /// `TOCSIN_…` and other variables of this process are handed on.
    package init(_ arguments: [String]) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Failure(description: "No pipe: errno \(errno).") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var child = pid_t()
        let status = posix_spawnp(&child, arguments[0], &actions, nil, &pointers, environ)
        close(ends[1])
        guard status == 0 else {
            close(ends[0])
            throw Failure(description: "\(arguments[0]) cannot be started: \(String(cString: strerror(status))).")
        }
        processID = child
        let output = ends[0]
        Thread.detachNewThread { [self] in readOutput(output) }
        Thread.detachNewThread { [self] in waitForEnd() }
    }

    /// Runs a program to its end and returns its output; throws when it does not return 0.
    @discardableResult
    package static func output(of arguments: [String]) async throws -> String {
        let program = try SpawnedProgram(arguments)
        let status = await program.ended()
        let text = program.text
        guard status == 0 else {
            throw Failure(description: "\(arguments[0]) returned \(status): \(text.suffix(2000))")
        }
        return text
    }

    /// The lines so far, joined.
    package var text: String { state.withLock { $0.lines.joined(separator: "\n") } }

    /// Whether the process has not ended yet.
    package var isRunning: Bool { state.withLock { $0.status == nil } }

    /// Sends a signal; nothing after the process has ended.
    package func signal(_ number: Int32) {
        state.withLock { if $0.status == nil { Glibc.kill(processID, number) } }
    }

    /// Waits for the first line that holds `text`; nil when the output ends or the time passes without one.
    package func line(containing text: String, within timeout: Duration) async -> String? {
        await Self.onThread { [self] in
            let deadline = ContinuousClock.now + timeout
            while true {
                let (line, isOver) = state.withLock { ($0.lines.first { $0.contains(text) }, $0.isOutputOver) }
                if line != nil || isOver || ContinuousClock.now >= deadline { return line }
                usleep(2000)
            }
        }
    }

    /// Waits until the process has ended and its output is read; the exit status, or 128 plus the signal.
    @discardableResult
    package func ended() async -> Int32 {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                guard state.status == nil || !state.isOutputOver else { return true }
                state.waiters.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
        return state.withLock { $0.status ?? -1 }
    }

    /// Runs what blocks on a thread of its own, never on the shared pool.
    static func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }

    private func readOutput(_ descriptor: Int32) {
        var pending: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            guard count > 0 else { break }
            pending += chunk[..<count]
            while let end = pending.firstIndex(of: 10) {
                add(String(decoding: pending[..<end], as: UTF8.self))
                pending.removeSubrange(...end)
            }
        }
        if !pending.isEmpty { add(String(decoding: pending, as: UTF8.self)) }
        close(descriptor)
        update { $0.isOutputOver = true }
    }

    private func add(_ line: String) {
        state.withLock { if $0.lines.count < 10_000 { $0.lines.append(line) } }
    }

    private func waitForEnd() {
        var status: Int32 = 0
        while waitpid(processID, &status, 0) < 0, errno == EINTR {}
        let code = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
        update { $0.status = code }
    }

    private func update(_ change: (inout State) -> Void) {
        let waiters: [CheckedContinuation<Void, Never>] = state.withLock { state in
            change(&state)
            guard state.status != nil, state.isOutputOver else { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
