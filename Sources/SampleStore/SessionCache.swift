import GRDB
import Synchronization

/// The rows of the sessions that frames come of, so that a frame of a known session costs no look-up.
///
/// The file has the truth. A transaction takes out what it is about to change, and puts it back once it is committed: a
/// row is here only while nothing that may have changed it is under way or of unknown outcome.
final class SessionCache: Sendable {
    /// A session with its agent's row.
    struct Entry: Sendable {
        var session: SessionRow
        let agent: Int64
    }

    /// What a transaction has of it, to be given back.
    struct Lease: Sendable {
        fileprivate let turn: UInt64
        var entries: [SessionKey: Entry] = [:]
    }

    private struct State {
        var known: [SessionKey: Entry] = [:]
        /// Counts transactions: what a former one would put back is no longer true.
        var turn: UInt64 = 0
    }

    /// Sessions that memory holds; beyond it all are forgotten and looked up again.
    private static let knownMax = 1 << 16

    private let state = Mutex(State())

    /// Takes out the sessions of a transaction; in the transaction, since those follow each other.
    func take(_ keys: some Sequence<SessionKey>) -> Lease {
        state.withLock { state in
            state.turn += 1
            var lease = Lease(turn: state.turn)
            for key in keys { lease.entries[key] = state.known.removeValue(forKey: key) }
            return lease
        }
    }

    /// Puts back what a transaction has left, once it is committed; nothing when another one began since.
    func put(back lease: Lease) {
        state.withLock { state in
            guard state.turn == lease.turn else { return }
            if state.known.count + lease.entries.count > Self.knownMax { state.known = [:] }
            state.known.merge(lease.entries) { _, last in last }
        }
    }

    /// Forgets the sessions of agents, and gives those agents' rows.
    func forget(agents: Set<AgentName>) -> Set<Int64> {
        state.withLock { state in
            let gone = state.known.filter { agents.contains(AgentName(cluster: $0.key.cluster, node: $0.key.node)) }
            for key in gone.keys { state.known[key] = nil }
            return Set(gone.values.map(\.agent))
        }
    }

    /// Forgets all: the file is another.
    func forget() {
        state.withLock { state in
            state.turn += 1
            state.known = [:]
        }
    }
}
