import CertificateAuthority

/// Which connections the listener has, and which of them go when there are too many: a function of what happened.
///
/// A connection is *new* until its first call. New ones are bounded by themselves, so that whoever opens connections
/// and says nothing takes no place from those who work.
struct ConnectionTable: Sendable {
    /// How many are kept.
    struct Limits: Sendable, Hashable {
        /// All together; a further one is refused.
        var connectionsMax: Int
        /// Without a call so far; the oldest of them goes.
        var newMax: Int
        /// Of one client; its oldest goes, since a client that lost its way comes again and the newest is the one it
        /// means.
        var perClientMax: Int
    }

    private struct Connection {
        var client: PeerIdentity?
    }

    private let limits: Limits
    private var connections: [UInt64: Connection] = [:]
    private var new: Set<UInt64> = []
    /// Ascending, so the oldest is the first.
    private var ofClient: [PeerIdentity: [UInt64]] = [:]

    init(limits: Limits) {
        self.limits = limits
    }

    /// How many there are.
    var count: Int { connections.count }

    /// Takes a new connection, whose number is above those of all before.
    ///
    /// - Returns: the connection that must go for it, if any; `number` itself when it is refused.
    mutating func opened(_ number: UInt64) -> UInt64? {
        guard connections.count < limits.connectionsMax else { return number }
        connections[number] = Connection()
        new.insert(number)
        guard new.count > limits.newMax, let oldest = new.min() else { return nil }
        displace(oldest)
        return oldest
    }

    /// Notes whose connection it is.
    ///
    /// - Returns: the connection that must go for it, if any.
    mutating func identified(_ number: UInt64, as client: PeerIdentity) -> UInt64? {
        guard connections[number] != nil, connections[number]?.client == nil else { return nil }
        connections[number]?.client = client
        ofClient[client, default: []].append(number)
        guard let own = ofClient[client], own.count > limits.perClientMax, let oldest = own.min() else { return nil }
        displace(oldest)
        return oldest
    }

    /// Notes a call: the connection is new no longer.
    mutating func called(_ number: UInt64) {
        new.remove(number)
    }

    /// Whether it has made no call yet.
    func isNew(_ number: UInt64) -> Bool { new.contains(number) }

    /// Forgets a connection that is gone.
    mutating func closed(_ number: UInt64) {
        displace(number)
        connections[number] = nil
    }

    /// Frees the place of a connection among its like; it is one of all until it is gone.
    private mutating func displace(_ number: UInt64) {
        new.remove(number)
        guard let client = connections[number]?.client else { return }
        ofClient[client]?.removeAll { $0 == number }
        if ofClient[client]?.isEmpty == true { ofClient[client] = nil }
    }
}

extension ConnectionTable.Limits {
    /// The limits of a listener.
    init(_ limits: ListenerLimits) {
        self.init(
            connectionsMax: limits.connectionsMax, newMax: limits.newConnectionsMax,
            perClientMax: limits.connectionsPerClientMax)
    }
}
