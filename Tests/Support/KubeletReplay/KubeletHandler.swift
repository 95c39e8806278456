import NIOCore
import NIOHTTP1

/// Answers the requests of one connection.
final class KubeletHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let replay: KubeletReplay
    private var head: HTTPRequestHead?

    init(_ replay: KubeletReplay) {
        self.replay = replay
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            let path = String(head.uri.prefix { $0 != "?" })
            let request = KubeletReplay.Request(path: path, authorization: head.headers.first(name: "authorization"))
            answer(context, replay.reply(to: request), keepAlive: head.isKeepAlive)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func answer(_ context: ChannelHandlerContext, _ reply: KubeletReplay.Reply, keepAlive: Bool) {
        switch reply {
        case .silence: break
        case .whole(let status, let type, let body):
            writeHead(context, status: status, type: type, length: body.count)
            write(context, body[...])
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            if !keepAlive { context.close(promise: nil) }
        case .cut(let type, let body):
            writeHead(context, status: 200, type: type, length: body.count)
            write(context, body.prefix(body.count / 2))
            context.flush()
            context.close(promise: nil)
        }
    }

    private func writeHead(_ context: ChannelHandlerContext, status: Int, type: String, length: Int) {
        let headers: HTTPHeaders = ["Content-Type": type, "Content-Length": String(length)]
        let head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
    }

    private func write(_ context: ChannelHandlerContext, _ bytes: ArraySlice<UInt8>) {
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
    }
}
