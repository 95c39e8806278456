import Glibc
import Telemetry

/// The loop's thread: all connections live here and are touched nowhere else.
struct PostgresLoopThread {
    private let loop: PostgresEventLoop
    private let clock = ContinuousClock()
    private var connections: [Int: PostgresConnection] = [:]
    private var isStopping = false

    init(loop: PostgresEventLoop) {
        self.loop = loop
    }

    /// Serves until told to stop.
    mutating func run() {
        while true {
            for command in loop.takeCommands() { apply(command) }
            let now = clock.now
            for connection in connections.values { connection.expire(now: now) }
            removeClosed()
            if isStopping { break }
            wait(now: now)
        }
        // `stop` was the last command the loop took, so nobody can wait for an answer beyond this line.
        for connection in connections.values {
            loop.resolver.cancel(connection.options.host, waiter: connection.id)
            connection.close(.stopped)
        }
        removeClosed()
        loop.threadEnded()
    }

    private mutating func apply(_ command: PostgresEventLoop.Command) {
        let now = clock.now
        switch command {
        case .open(let request): open(request, now: now)
        case .resolved(let id, let answer): resolved(id, answer, now: now)
        case .awaitIdle(let id, let deadline, let reply):
            let waiter = PostgresConnection.Waiter(deadline: deadline, startedAt: now, reply: reply)
            if let connection = connections[id] { connection.awaitIdle(waiter) } else { reply(.failure(.closed)) }
        case .query(let id, let query, let deadline, let reply):
            let waiter = PostgresConnection.Waiter(deadline: deadline, startedAt: now, reply: reply)
            if let connection = connections[id] { connection.query(query, waiter) } else { reply(.failure(.closed)) }
        case .close(let id, let done):
            if let connection = connections[id] {
                loop.resolver.cancel(connection.options.host, waiter: id)
                connection.close(.closed)
            }
            done()
        case .stop: isStopping = true
        }
    }

    private mutating func open(_ request: PostgresConnection.Request, now: ContinuousClock.Instant) {
        let connection = PostgresConnection(request)
        connections[request.id] = connection
        let host = request.options.host
        if request.options.isUnixSocket {
            connection.start(addresses: [nil], now: now)
        } else if HostResolver.isAddress(host) {
            connection.start(addresses: [host], now: now)
        } else {
            let id = request.id
            loop.resolver.resolve(host, waiter: id) { [loop] answer in
                // A loop that has stopped has told the waiter already.
                _ = loop.submit(.resolved(id, answer))
            }
        }
    }

    private func resolved(_ id: Int, _ answer: HostResolver.Answer, now: ContinuousClock.Instant) {
        guard let connection = connections[id] else { return }
        switch answer {
        case .success(let addresses): connection.start(addresses: addresses, now: now)
        case .failure(let reason):
            let message = "The name \"\(connection.options.host)\" did not resolve: \(reason.text)."
            connection.close(PostgresFailure(.dns, message))
        }
    }

    private mutating func removeClosed() {
        let closed = connections.filter { $0.value.phase == .closed }.map(\.key)
        for id in closed { connections[id] = nil }
        if !closed.isEmpty { loop.released(closed.count) }
    }

    private func wait(now: ContinuousClock.Instant) {
        let watched = connections.values.filter { $0.interest != 0 && $0.socket >= 0 }
        var descriptors = [pollfd(fd: loop.wakeDescriptor, events: Int16(POLLIN), revents: 0)]
        descriptors += watched.map { pollfd(fd: $0.socket, events: $0.interest, revents: 0) }
        let ready = poll(&descriptors, nfds_t(descriptors.count), timeout(now: now))
        guard ready > 0 else { return }
        if descriptors[0].revents != 0 { loop.drainWakeUps() }
        let after = clock.now
        for (connection, descriptor) in zip(watched, descriptors.dropFirst()) where descriptor.revents != 0 {
            connection.advance(events: descriptor.revents, now: after)
        }
    }

    /// Milliseconds to the next deadline, rounded up so that it has passed on return; -1 without one.
    private func timeout(now: ContinuousClock.Instant) -> Int32 {
        guard let next = connections.values.compactMap(\.nextDeadline).min() else { return -1 }
        let millis = (next - now).wholeMilliseconds
        return Int32(clamping: max(0, millis + 1))
    }
}
