import CertificateAuthority
import GRPCCore
import NIOCore
import NIOHTTP2
import NIOSSL
import NIOTLS
import Synchronization

/// Bounds the listener's connections, which the gRPC transport does not: how many there are, how long each may take to
/// its first call, how many one client may have.
final class ConnectionGate: Sendable {
    /// Both ends of a connection, as the transport tells them to calls; one listener's are told from the other's by
    /// the local one.
    struct Ends: Hashable {
        var remote: String
        var local: String
    }

    private struct State {
        var table: ConnectionTable
        var numbers: [Ends: UInt64] = [:]
        var next: UInt64 = 1
        var closers: [UInt64: @Sendable () -> Void] = [:]
    }

    /// From the accepted connection to its first call, TLS handshake included.
    let firstCallWithin: Duration
    private let counters: CounterBoard
    private let state: Mutex<State>

    init(limits: ConnectionTable.Limits, firstCallWithin: Duration, counters: CounterBoard) {
        self.firstCallWithin = firstCallWithin
        self.counters = counters
        state = Mutex(State(table: ConnectionTable(limits: limits)))
    }

    /// Connections now.
    var count: Int { state.withLock { $0.table.count } }

    /// Puts the gate's handler behind the HTTP/2 handler of a connection that was accepted.
    ///
    /// One that is refused is closed when it becomes active: if its set-up failed it would not be closed at all.
    func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let http2 = try pipeline.handler(type: NIOHTTP2Handler.self)
            try pipeline.addHandler(GatedConnection(gate: self), position: .after(http2))
        }
    }

    /// Notes that a connection has a call.
    ///
    /// The transport's multiplexer fires no event into the connection's pipeline for it.
    func acceptCall(_ stream: any Channel) -> EventLoopFuture<Void> {
        stream.eventLoop.makeCompletedFuture {
            let pipeline = stream.parent?.pipeline.syncOperations
            try pipeline?.handler(type: GatedConnection.self).called()
        }
    }

    /// Takes a connection; nil when it is refused.
    func open(_ ends: Ends, close: @escaping @Sendable () -> Void) -> UInt64? {
        let (number, displaced) = state.withLock { state -> (UInt64?, (@Sendable () -> Void)?) in
            let number = state.next
            state.next += 1
            let gone = state.table.opened(number)
            if gone == number { return (nil, nil) }
            state.closers[number] = close
            state.numbers[ends] = number
            return (number, gone.flatMap { state.closers.removeValue(forKey: $0) })
        }
        if number == nil { counters.add { $0.connectionsRefused += 1 } }
        if let displaced {
            counters.add { $0.handshakesDisplaced += 1 }
            displaced()
        }
        return number
    }

    /// Notes whose connection it is.
    func identify(_ number: UInt64, as client: PeerIdentity) {
        let displaced = state.withLock { state in
            state.table.identified(number, as: client).flatMap { state.closers.removeValue(forKey: $0) }
        }
        guard let displaced else { return }
        counters.add { $0.connectionsDisplaced += 1 }
        displaced()
    }

    /// Notes a call of a caller who is known by a token, which is what the connection was for.
    ///
    /// - Parameter client: whose connection it is from now on; nil for an account without a role.
    func called(_ call: ServerContext, as client: PeerIdentity?) {
        let ends = Ends(remote: call.remotePeer, local: call.localPeer)
        guard let number = state.withLock({ $0.numbers[ends] }) else { return }
        called(number)
        if let client { identify(number, as: client) }
    }

    /// Notes a call on it.
    func called(_ number: UInt64) { state.withLock { $0.table.called(number) } }

    /// Whether its time for a first call has passed without one.
    func isOverdue(_ number: UInt64) -> Bool {
        guard state.withLock({ $0.table.isNew(number) }) else { return false }
        counters.add { $0.handshakesOverdue += 1 }
        return true
    }

    /// Forgets it.
    func close(_ number: UInt64, _ ends: Ends) {
        state.withLock { state in
            state.table.closed(number)
            if state.numbers[ends] == number { state.numbers[ends] = nil }
            state.closers[number] = nil
        }
    }

    /// Counts a client that speaks no TLS 1.3; its connection is closed.
    func outdated() { counters.add { $0.handshakesOutdated += 1 } }

    /// Counts what a client got wrong in HTTP/2; the transport closes the connection.
    func malformed() { counters.add { $0.connectionsMalformed += 1 } }
}

/// Tells the gate what becomes of one connection.
private final class GatedConnection: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame

    private let gate: ConnectionGate
    private var number: UInt64?
    /// As they were when it became active: a closed socket has none.
    private var ends = ConnectionGate.Ends(remote: "", local: "")
    private var deadline: Scheduled<Void>?

    init(gate: ConnectionGate) {
        self.gate = gate
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        ends = ConnectionGate.Ends(
            remote: Self.text(channel.remoteAddress), local: Self.text(channel.localAddress))
        guard let number = gate.open(ends, close: { channel.close(promise: nil) }) else {
            context.close(promise: nil)
            return
        }
        self.number = number
        deadline = context.eventLoop.scheduleTask(in: TimeAmount(gate.firstCallWithin)) { [gate] in
            if gate.isOverdue(number) { channel.close(promise: nil) }
        }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent, !speaksNewestTLS(context.channel) {
            gate.outdated()
            context.close(promise: nil)
            return
        }
        if let number, case .handshakeCompleted? = event as? TLSUserEvent, let client = client(of: context.channel) {
            gate.identify(number, as: client)
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// The transport lets TLS 1.2 in and cannot be told otherwise; all that is ours speaks TLS 1.3.
    private func speaksNewestTLS(_ channel: any Channel) -> Bool {
        let handler = try? channel.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
        return handler?.tlsVersion == .tlsv13
    }

    func called() {
        guard let number, let deadline else { return }
        deadline.cancel()
        self.deadline = nil
        gate.called(number)
    }

    /// Nil without a client certificate, or with one that names nobody: calls are refused then, and the connection
    /// stays bounded as one of all.
    private func client(of channel: any Channel) -> PeerIdentity? {
        guard let ssl = try? channel.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self),
            let leaf = ssl.peerValidatedCertificateChain?.first, let bytes = try? leaf.toDERBytes()
        else { return nil }
        return try? PeerIdentity(certificateDER: bytes)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is any NIOHTTP2Error { gate.malformed() }
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        if let number { gate.close(number, ends) }
        context.fireChannelInactive()
    }

    /// An address in the transport's words: `ipv4:10.0.0.7:41532`, `ipv6:[::1]:41532`.
    private static func text(_ address: SocketAddress?) -> String {
        guard let address, let host = address.ipAddress, let port = address.port else { return "" }
        return address.protocol == .inet6 ? "ipv6:[\(host)]:\(port)" : "ipv4:\(host):\(port)"
    }
}
