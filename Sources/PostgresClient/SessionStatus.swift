import Synchronization

/// What the loop tells the outside about one connection.
final class SessionStatus: Sendable {
    /// Where a session is in its life: opening, then idle and busy in turns, then closed for ever.
    enum Phase: Sendable, Equatable {
        case opening
        case idle
        case busy
        case closed(PostgresFailure)
    }

    struct Facts: Sendable {
        var phase = Phase.opening
        var serverVersion = 0
        var backendPID: Int32 = 0
        /// Whether a transaction is open while the session is idle.
        var isInTransaction = false
    }

    private let facts = Mutex(Facts())

    /// A copy of what is known now.
    var current: Facts { facts.withLock { $0 } }

    /// Changes what is known; a closed session stays closed.
    func update(_ change: (inout Facts) -> Void) {
        facts.withLock { facts in
            if case .closed = facts.phase { return }
            change(&facts)
        }
    }
}
