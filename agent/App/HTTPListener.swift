import ConfigurationKit
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Serves a few pages over plain HTTP/1.1: one GET a connection, few connections, ten seconds each.
///
/// On NIO alone, which gRPC brings anyway: a web framework would cost the agent memory for three pages.
struct HTTPListener: Service {
    /// What a path answers.
    struct Page: Sendable {
        var status: HTTPResponseStatus = .ok
        var contentType = "text/plain; charset=utf-8"
        var body: String
    }

    /// Why there is no listener.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// Connections at once; a further one is closed without an answer.
    static let connectionsMax = 16
    /// How long one connection may take.
    static let connectionTimeout = TimeAmount.seconds(10)

    let address: HostPort
    let logger: Logger
    /// The page of a path without its query; nil: there is none.
    let page: @Sendable (_ path: String) async -> Page?

    /// Listens until the graceful shutdown; throws when the port cannot be had.
    func run() async throws {
        let gate = ConnectionGate(connectionsMax: Self.connectionsMax)
        let bootstrap = ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [page] channel in
                guard gate.enter() else { return channel.close() }
                channel.closeFuture.whenComplete { _ in gate.leave() }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(PageHandler(page: page))
                }
            }
        let server: any Channel
        do {
            server = try await bootstrap.bind(host: address.host, port: address.port).get()
        } catch {
            throw Failure(description: "cannot listen on \(address) (http.listen): \(error)")
        }
        logger.info("serving /metrics", metadata: ["address": "\(address)"])
        try? await gracefulShutdown()
        try await server.close()
    }
}

/// Counts the open connections.
private final class ConnectionGate: Sendable {
    private let connectionsMax: Int
    private let open = Mutex(0)

    init(connectionsMax: Int) {
        self.connectionsMax = connectionsMax
    }

    func enter() -> Bool {
        open.withLock { open in
            guard open < connectionsMax else { return false }
            open += 1
            return true
        }
    }

    func leave() { open.withLock { $0 -= 1 } }
}

/// Answers the first request of a connection and closes it.
private final class PageHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let page: @Sendable (String) async -> HTTPListener.Page?
    private var timeout: Scheduled<Void>?
    private var isAnswering = false

    init(page: @escaping @Sendable (String) async -> HTTPListener.Page?) {
        self.page = page
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        timeout = context.eventLoop.scheduleTask(in: HTTPListener.connectionTimeout) { channel.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        timeout?.cancel()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let request) = unwrapInboundIn(data), !isAnswering else { return }
        isAnswering = true
        let channel = context.channel
        let answer = context.eventLoop.makeFutureWithTask { [page] in await Self.answer(to: request, page) }
        answer.whenSuccess { Self.write($0, to: channel, withBody: request.method != .HEAD) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private static func answer(
        to request: HTTPRequestHead, _ page: @Sendable (String) async -> HTTPListener.Page?
    ) async -> HTTPListener.Page {
        guard request.method == .GET || request.method == .HEAD else {
            return HTTPListener.Page(status: .methodNotAllowed, body: "only GET is answered\n")
        }
        return await page(String(request.uri.prefix { $0 != "?" }))
            ?? HTTPListener.Page(status: .notFound, body: "there is no such page\n")
    }

    private static func write(_ page: HTTPListener.Page, to channel: any Channel, withBody: Bool) {
        var head = HTTPResponseHead(version: .http1_1, status: page.status)
        head.headers.add(name: "content-type", value: page.contentType)
        head.headers.add(name: "content-length", value: "\(page.body.utf8.count)")
        head.headers.add(name: "connection", value: "close")
        channel.write(HTTPServerResponsePart.head(head), promise: nil)
        if withBody {
            channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: page.body))), promise: nil)
        }
        channel.writeAndFlush(HTTPServerResponsePart.end(nil)).whenComplete { _ in channel.close(promise: nil) }
    }
}
