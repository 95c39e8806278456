import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy on the loopback that counts the payload of both directions.
final class CountingProxy: Sendable {
    private let channel: any Channel
    private let counts: Counts

    /// The port that clients connect to.
    let port: Int
    /// Bytes from the clients.
    var bytesUp: Int { counts.up.load(ordering: .relaxed) }
    /// Bytes to the clients.
    var bytesDown: Int { counts.down.load(ordering: .relaxed) }

    final class Counts: Sendable {
        let up = Atomic(0)
        let down = Atomic(0)
    }

    /// Listens on a free port, and connects each client to `target` on the loopback.
    init(to target: Int) async throws {
        let counts = Counts()
        self.counts = counts
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { client in
                ClientBootstrap(group: client.eventLoop)
                    .channelOption(.autoRead, value: false)
                    .connect(host: "127.0.0.1", port: target)
                    .flatMapThrowing { server in
                        let near = Relay { _ = counts.up.add($0, ordering: .relaxed) }
                        let far = Relay { _ = counts.down.add($0, ordering: .relaxed) }
                        near.partner = far
                        far.partner = near
                        try client.pipeline.syncOperations.addHandler(near)
                        try server.pipeline.syncOperations.addHandler(far)
                    }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    /// Stops listening; connections end with their clients.
    func close() async throws {
        try await channel.close()
    }
}

/// One side of a proxied connection: what it reads its partner writes.
///
/// It reads on when the partner's socket took what was read. Both sides are on one event loop.
private final class Relay: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    var partner: Relay?
    private var context: ChannelHandlerContext?
    private let count: (Int) -> Void

    init(count: @escaping (Int) -> Void) {
        self.count = count
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    /// The client's side: its partner is connected already.
    func channelActive(context: ChannelHandlerContext) {
        context.read()
        partner?.context?.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        count(bytes.readableBytes)
        partner?.write(bytes)
    }

    private func write(_ bytes: ByteBuffer) {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(bytes)).assumeIsolated().whenComplete { [partner] _ in
            partner?.context?.read()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        partner?.context?.close(promise: nil)
        partner?.partner = nil
        partner = nil
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
