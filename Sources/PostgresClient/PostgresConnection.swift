import CLibpq
import Glibc
import Telemetry

/// Tells the caller what came of a wait or a statement; called once.
typealias PostgresReply = @Sendable (Result<PostgresRows, PostgresFailure>) -> Void

/// One libpq connection as a state machine; lives on the loop's thread only.
///
/// Resolving → connecting → idle ⇄ busy → closed. Whoever waits has a deadline of their own: when it passes they get a
/// failure, and the connection goes on until it gets somewhere or is closed, so that a server that hangs never has more
/// than one session of ours.
final class PostgresConnection {
    enum Phase: Equatable { case resolving, connecting, idle, busy, closed }

    /// What is needed to open a connection.
    struct Request: Sendable {
        var id: Int
        var options: PostgresOptions
        var password: String?
        var status: SessionStatus
    }

    struct Waiter {
        var deadline: ContinuousClock.Instant
        var startedAt: ContinuousClock.Instant
        var reply: PostgresReply
    }

    let id: Int
    let options: PostgresOptions
    let status: SessionStatus
    private(set) var phase = Phase.resolving
    /// What `poll` should look for; 0 while there is no socket.
    private(set) var interest: Int16 = 0
    private(set) var waiter: Waiter?

    var handle: OpaquePointer?
    var collector: RowCollector?
    private var password: String?
    private var addresses: [String?] = []
    private var attemptDeadline: ContinuousClock.Instant?
    private var connected = false
    private var receivedBytes = 0
    /// SQLSTATE of the last FATAL that came outside any statement, such as a shutdown's.
    var fatalState: String?

    init(_ request: Request) {
        id = request.id
        options = request.options
        password = request.password
        status = request.status
    }

    /// The socket for `poll`, or -1.
    var socket: Int32 { handle.map { PQsocket($0) } ?? -1 }

    /// The next moment at which `expire` has something to do.
    var nextDeadline: ContinuousClock.Instant? {
        [waiter?.deadline, attemptDeadline].compactMap { $0 }.min()
    }

    // MARK: Opening

    /// Goes on with the addresses of the host; nil stands for a Unix socket.
    func start(addresses: [String?], now: ContinuousClock.Instant) {
        guard phase == .resolving else { return }
        self.addresses = addresses
        phase = .connecting
        attemptNextAddress(PostgresFailure(.dns, "The name \"\(options.host)\" has no address."), now: now)
    }

    /// Tries the next address, or gives up with `failure` when none is left.
    private func attemptNextAddress(_ failure: PostgresFailure, now: ContinuousClock.Instant) {
        release()
        guard !addresses.isEmpty else { return close(failure) }
        let address = addresses.removeFirst()
        connected = false
        // The addresses share the waiter's time, so that a dead first one leaves some for the second.
        attemptDeadline = addresses.isEmpty ? nil : now + share(of: waiter, among: addresses.count + 1, now: now)
        guard let handle = Self.startConnecting(options.parameters(address: address, password: password)) else {
            return close(PostgresFailure(.internal, "libpq has no memory for a connection."))
        }
        self.handle = handle
        PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        PQsetNoticeReceiver(handle, noteFatal, Unmanaged.passUnretained(self).toOpaque())
        if PQstatus(handle) == CONNECTION_BAD { return attemptFailed(now: now) }
        interest = Int16(POLLOUT)
    }

    private func share(of waiter: Waiter?, among count: Int, now: ContinuousClock.Instant) -> Duration {
        guard let waiter else { return .seconds(2) }
        return max(.milliseconds(50), (waiter.deadline - now) / count)
    }

    private func continueConnecting(_ handle: OpaquePointer, now: ContinuousClock.Instant) {
        noteTransport(handle)
        let step = PQconnectPoll(handle)
        noteTransport(handle)
        switch step {
        case PGRES_POLLING_READING: interest = Int16(POLLIN)
        case PGRES_POLLING_WRITING: interest = Int16(POLLOUT)
        case PGRES_POLLING_OK: opened(handle)
        default: attemptFailed(now: now)
        }
    }

    private func noteTransport(_ handle: OpaquePointer) {
        switch PQstatus(handle) {
        case CONNECTION_MADE, CONNECTION_AWAITING_RESPONSE, CONNECTION_AUTH_OK, CONNECTION_SETENV,
            CONNECTION_SSL_STARTUP,
            CONNECTION_CHECK_WRITABLE, CONNECTION_CHECK_STANDBY, CONNECTION_CONSUME, CONNECTION_OK:
            connected = true
        default: break
        }
    }

    private func attemptFailed(now: ContinuousClock.Instant) {
        let text = handle.flatMap { PQerrorMessage($0) }.map { String(cString: $0) } ?? ""
        let failure = PostgresFailure.connecting(text, connected: connected, options: options)
        // A server that took the connection has spoken for the name; only an unreachable address leads to the next one.
        if connected { close(failure) } else { attemptNextAddress(failure, now: now) }
    }

    private func opened(_ handle: OpaquePointer) {
        password = nil
        attemptDeadline = nil
        guard PQsetnonblocking(handle, 1) == 0 else {
            return close(PostgresFailure(.internal, "libpq refused the non-blocking mode.", connected: true))
        }
        let version = Int(PQserverVersion(handle))
        let pid = PQbackendPID(handle)
        status.update {
            $0.serverVersion = version
            $0.backendPID = pid
        }
        becomeIdle()
    }

    private func becomeIdle() {
        phase = .idle
        interest = Int16(POLLIN)
        receivedBytes = 0
        let isInTransaction = handle.map { PQtransactionStatus($0) != PQTRANS_IDLE } ?? false
        status.update {
            $0.phase = .idle
            $0.isInTransaction = isInTransaction
        }
        if collector == nil { answer(.success(PostgresRows())) }
    }

    // MARK: Waiting

    /// Answers as soon as the connection is idle, or with a failure at the deadline.
    func awaitIdle(_ waiter: Waiter) {
        guard self.waiter == nil else {
            return waiter.reply(.failure(PostgresFailure(.internal, "Two callers use one session at once.")))
        }
        switch phase {
        case .idle: waiter.reply(.success(PostgresRows()))
        case .closed: waiter.reply(.failure(.closed))
        case .resolving, .connecting, .busy: self.waiter = waiter
        }
    }

    private func answer(_ result: Result<PostgresRows, PostgresFailure>) {
        let reply = waiter?.reply
        waiter = nil
        reply?(result)
    }

    /// Answers a waiter whose time is over and leaves an address that took too long.
    func expire(now: ContinuousClock.Instant) {
        if let waiter, waiter.deadline <= now { answer(.failure(overdue(waiter))) }
        if let attemptDeadline, attemptDeadline <= now, phase == .connecting {
            self.attemptDeadline = nil
            if !connected {
                attemptNextAddress(PostgresFailure(.timeout, "\(options.address) did not answer in time."), now: now)
            }
        }
    }

    private func overdue(_ waiter: Waiter) -> PostgresFailure {
        let time = "\((waiter.deadline - waiter.startedAt).wholeMilliseconds) ms"
        switch (phase, connected) {
        case (.resolving, _):
            return PostgresFailure(.dns, "The name \"\(options.host)\" did not resolve within \(time).")
        case (.connecting, false):
            return PostgresFailure(.timeout, "\(options.address) did not answer the connection request within \(time).")
        case (.connecting, true):
            let message = "\(options.address) took the connection and said nothing within \(time)."
            return PostgresFailure(.silent, message, connected: true)
        default:
            collector?.isDiscarding = true
            return PostgresFailure(.timeout, "The server did not answer a statement within \(time).", connected: true)
        }
    }

    // MARK: Statements

    /// Sends one statement; the session must be idle.
    func query(_ query: PostgresQuery, _ waiter: Waiter) {
        guard phase == .idle, self.waiter == nil, let handle else {
            let busy = PostgresFailure(.internal, "The session is not ready for a statement.")
            return waiter.reply(.failure(phase == .closed ? .closed : busy))
        }
        self.waiter = waiter
        guard Self.send(query, on: handle), PQsetSingleRowMode(handle) == 1 else {
            return close(.lost(errorText(handle), options: options))
        }
        collector = RowCollector(limits: query.limits)
        phase = .busy
        receivedBytes = 0
        status.update { $0.phase = .busy }
        flush(handle)
    }

    private func flush(_ handle: OpaquePointer) {
        switch PQflush(handle) {
        case 0: interest = Int16(POLLIN)
        case 1: interest = Int16(POLLIN) | Int16(POLLOUT)
        default: close(.lost(errorText(handle), options: options))
        }
    }

    /// Goes on after `poll` saw something on the socket.
    func advance(events: Int16, now: ContinuousClock.Instant) {
        guard let handle else { return }
        switch phase {
        case .connecting: continueConnecting(handle, now: now)
        case .idle, .busy: transfer(handle, events: events)
        case .resolving, .closed: break
        }
    }

    private func transfer(_ handle: OpaquePointer, events: Int16) {
        if events & ~Int16(POLLOUT) != 0 {
            guard noteArrival() else {
                return close(
                    PostgresFailure(.body, "The server sent more than a statement may return.", connected: true))
            }
            // A TLS record can be larger than libpq's free buffer; its rest is in OpenSSL, where `poll` doesn't see it.
            for _ in 0..<(PQsslInUse(handle) == 1 ? 3 : 1) where PQconsumeInput(handle) == 0 {
                return connectionLost(handle)
            }
        }
        if phase == .busy {
            flush(handle)
            if phase == .busy { collect(handle) }
        } else if PQstatus(handle) == CONNECTION_BAD {
            connectionLost(handle)
        } else {
            // Outside a statement only notices and parameter changes come; reading their results keeps libpq's buffer
            // empty.
            while PQisBusy(handle) == 0, let result = PQgetResult(handle) { PQclear(result) }
        }
    }

    /// Counts what waits in the socket, since libpq would buffer one value of any size; false beyond the limit.
    private func noteArrival() -> Bool {
        var waiting: Int32 = 0
        guard ioctl(socket, UInt(FIONREAD), &waiting) == 0 else { return true }
        receivedBytes += Int(waiting)
        // Text and framing on the wire are larger than the values; four times and a floor leaves no honest result out.
        return receivedBytes <= 4 * (collector?.limits.bytesMax ?? 0) + 1 << 20
    }

    private func collect(_ handle: OpaquePointer) {
        while PQisBusy(handle) == 0 {
            guard let result = PQgetResult(handle) else { return statementEnded(handle) }
            defer { PQclear(result) }
            collector?.add(result)
            if collector?.isBeyondLimits == true {
                let message = "The result has more rows or bytes than a statement may return."
                return close(PostgresFailure(.body, message, connected: true))
            }
        }
    }

    private func statementEnded(_ handle: OpaquePointer) {
        guard let collector else { return }
        self.collector = nil
        if PQstatus(handle) == CONNECTION_BAD {
            fatalState = collector.errorState ?? fatalState
            return connectionLost(handle)
        }
        let waiting = collector.isDiscarding ? nil : waiter
        if !collector.isDiscarding { self.waiter = nil }
        becomeIdle()
        if let state = collector.errorState {
            waiting?.reply(.failure(.server(state, options: options)))
        } else {
            waiting?.reply(.success(collector.rows))
        }
    }

    private func connectionLost(_ handle: OpaquePointer) {
        let text = errorText(handle)
        close(fatalState.map { .server($0, options: options) } ?? .lost(text, options: options))
    }

    private func errorText(_ handle: OpaquePointer) -> String {
        PQerrorMessage(handle).map { String(cString: $0) } ?? ""
    }

    // MARK: Closing

    /// Closes for good; whoever waits is told `failure`.
    func close(_ failure: PostgresFailure) {
        guard phase != .closed else { return }
        release()
        phase = .closed
        password = nil
        attemptDeadline = nil
        collector = nil
        status.update { $0.phase = .closed(failure) }
        answer(.failure(failure))
    }

    private func release() {
        interest = 0
        if let handle { PQfinish(handle) }
        handle = nil
    }
}
