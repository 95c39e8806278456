import Glibc
import Telemetry

/// One session with a PostgreSQL server; one caller at a time.
///
/// A wait that ends at its deadline leaves the session as it is: still connecting, or still busy with the statement.
/// The caller may wait again with `ready` or give up with `close`. So a server that hangs holds one session of ours,
/// however often it is asked. A cancelled task closes the session.
package final class PostgresSession: Sendable {
    private let loop: PostgresEventLoop
    private let id: Int
    private let status: SessionStatus

    private init(loop: PostgresEventLoop, id: Int, status: SessionStatus) {
        self.loop = loop
        self.id = id
        self.status = status
    }

    deinit {
        _ = loop.submit(.close(id, done: {}))
    }

    /// Starts to connect and returns at once; `ready` says when the session can be used.
    ///
    /// Throws `FailureClass.internal` when the password file can't be read, the loop is not running or full.
    package static func open(
        _ options: PostgresOptions, on loop: PostgresEventLoop
    ) throws(PostgresFailure) -> PostgresSession {
        let password = try options.passwordFile.map { path throws(PostgresFailure) in try PasswordFile.read(path) }
        guard let id = loop.reserve() else {
            throw PostgresFailure(
                .internal, "The PostgreSQL client is not running or has \(loop.sessionsMax) sessions.")
        }
        let status = SessionStatus()
        let request = PostgresConnection.Request(id: id, options: options, password: password, status: status)
        guard loop.submit(.open(request)) else { throw .stopped }
        return PostgresSession(loop: loop, id: id, status: status)
    }

    /// Connects and waits until the session can be used; what is not up at the deadline is closed.
    package static func connect(
        _ options: PostgresOptions, on loop: PostgresEventLoop, deadline: ContinuousClock.Instant
    ) async -> Result<PostgresSession, PostgresFailure> {
        do throws(PostgresFailure) {
            let session = try open(options, on: loop)
            if let failure = await session.ready(deadline: deadline) {
                await session.close()
                return .failure(failure)
            }
            return .success(session)
        } catch {
            return .failure(error)
        }
    }

    /// Waits until the session is connected and has no statement under way.
    ///
    /// - Returns: nil when it is, else why not: `dns`, `timeout` and `silent` at the deadline leave the session open.
    package func ready(deadline: ContinuousClock.Instant) async -> PostgresFailure? {
        if case .closed(let failure) = status.current.phase { return failure }
        let result = await ask { .awaitIdle(self.id, deadline: deadline, reply: $0) }
        guard case .failure(let failure) = result else { return nil }
        // The reason of the end is better than the fact that it is closed.
        if failure == .closed, case .closed(let reason) = status.current.phase { return reason }
        return failure
    }

    /// Runs one statement with text parameters (`$1`…); the session must be ready.
    ///
    /// At the deadline the answer is a `timeout`, and the session stays busy until the server answers or ends the
    /// statement.
    package func query(
        _ sql: String, _ parameters: [String?] = [], limits: PostgresLimits = PostgresLimits(),
        deadline: ContinuousClock.Instant
    ) async -> Result<PostgresRows, PostgresFailure> {
        let query = PostgresQuery(sql: sql, parameters: parameters, limits: limits)
        return await ask { .query(self.id, query, deadline: deadline, reply: $0) }
    }

    /// Closes the session; returns when its socket is closed.
    package func close() async {
        await withCheckedContinuation { continuation in
            let taken = loop.submit(.close(id, done: { continuation.resume() }))
            // A loop that has stopped has closed all its sockets.
            if !taken { continuation.resume() }
        }
    }

    /// Whether the session has ended, by either side.
    package var isClosed: Bool {
        if case .closed = status.current.phase { true } else { false }
    }

    /// Whether the session was connected and can be asked again.
    package var isIdle: Bool { status.current.phase == .idle }

    /// Whether a transaction that was begun is still open.
    package var isInTransaction: Bool { status.current.isInTransaction }

    /// `server_version_num`, such as 150018; 0 before the session was ready.
    package var serverVersion: Int { status.current.serverVersion }

    /// Process id of the server process; 0 before the session was ready.
    package var backendPID: Int32 { status.current.backendPID }

    private func ask(
        _ command: @Sendable (@escaping PostgresReply) -> PostgresEventLoop.Command
    ) async -> Result<PostgresRows, PostgresFailure> {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let taken = loop.submit(command { continuation.resume(returning: $0) })
                if !taken { continuation.resume(returning: .failure(.stopped)) }
            }
        } onCancel: {
            _ = loop.submit(.close(id, done: {}))
        }
    }
}

/// Reads a password from a file, such as a mounted secret.
enum PasswordFile {
    /// Longer first lines are refused: no server takes them.
    static let bytesMax = 4096

    static func read(_ path: String) throws(PostgresFailure) -> String {
        // Without O_NONBLOCK a pipe in place of the file would hang the caller.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable(path) }
        defer { _ = close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: bytesMax + 1)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        guard count >= 0, count <= bytesMax else { throw unreadable(path) }
        let line = buffer[..<count].prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") && $0 != 0 }
        guard !line.isEmpty else { throw PostgresFailure(.internal, "The password file \(path) is empty.") }
        return String(decoding: line, as: UTF8.self)
    }

    private static func unreadable(_ path: String) -> PostgresFailure {
        PostgresFailure(.internal, "The password file \(path) cannot be read: \(String(cString: strerror(errno))).")
    }
}
